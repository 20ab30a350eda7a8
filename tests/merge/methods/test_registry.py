"""What methods say about themselves; command line, user interface and documentation are made from it."""

from __future__ import annotations

import json
import re
from fractions import Fraction

import pytest

from lib_kohaku.merge.algebra.resolve import WEIGHT_FUNCTIONS
from lib_kohaku.merge.methods.base import LinearMethod, Method, TensorMethod
from lib_kohaku.merge.methods.describe import method_documents, signature
from lib_kohaku.merge.methods.registry import METHODS
from tests.support.algebra import Algebra


@pytest.mark.parametrize("method", METHODS.values(), ids=str)
def test_every_method_is_described(method: Method) -> None:
    assert re.fullmatch(r"[a-z][a-z0-9_]*", method.name)
    assert method.name not in WEIGHT_FUNCTIONS
    assert METHODS[method.name] is method
    assert method.label
    assert method.description.endswith(".")
    assert method.definition
    assert method.reference
    assert method.inputs
    assert isinstance(method, LinearMethod | TensorMethod)
    names = [slot.name for slot in (*method.inputs, *method.settings)]
    assert len(names) == len(set(names))


@pytest.mark.parametrize("method", METHODS.values(), ids=str)
def test_every_setting_has_bounds_for_a_slider(method: Method) -> None:
    for setting in method.settings:
        assert setting.description.endswith(".")
        if setting.many:
            continue
        usual = setting.usual or (setting.low, setting.high)
        assert usual[0] is not None
        assert usual[1] is not None
        assert usual[0] < usual[1]
        assert setting.default is None or usual[0] <= setting.default <= usual[1]
        if setting.low is not None and setting.high is not None:
            assert setting.low <= usual[0] < usual[1] <= setting.high


def test_the_linear_family_is_there() -> None:
    assert {"weighted_sum", "add_difference", "triple_sum", "sum_twice", "n_linear", "average"} <= METHODS.keys()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("weighted_sum", "weighted_sum(a, b, alpha=0.5)"),
        ("add_difference", "add_difference(a, b, c, alpha=1)"),
        ("n_linear", "n_linear([models, ...], [weights, ...])"),
        ("average", "average([models, ...])"),
    ],
)
def test_signatures(name: str, text: str) -> None:
    assert signature(METHODS[name]) == text


def test_documents_are_json() -> None:
    documents = json.loads(json.dumps(method_documents(), allow_nan=False))
    assert [document["name"] for document in documents] == list(METHODS)
    alpha = documents[0]["settings"][0]
    assert (alpha["name"], alpha["default"], alpha["usual"]) == ("alpha", 0.5, [0.0, 1.0])


@pytest.mark.parametrize("method", [m for m in METHODS.values() if isinstance(m, LinearMethod)], ids=str)
def test_defaults_make_a_model(method: Method) -> None:
    """With its defaults, each linear method of models gives coefficients that add up to 1."""
    parts = [f"[{slot.name}1, {slot.name}2]" if slot.many else slot.name for slot in method.inputs]
    parts += ["[0.25, 0.75]" for setting in method.settings if setting.many]
    form = Algebra(f"{method.name}({', '.join(parts)})").form()
    assert form.total == {"model": Fraction(1), "delta": Fraction(0)}[method.gives]
