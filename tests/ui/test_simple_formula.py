"""Simple mode writes formulas that mean what the method says."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lib_kohaku.errors import RefusedError
from lib_kohaku.merge.algebra.resolve import resolve_formula
from lib_kohaku.merge.methods.base import Method, ModelInput, Setting
from lib_kohaku.merge.methods.registry import METHODS
from lib_kohaku.ui.merge.method_fields import method_fields
from lib_kohaku.ui.merge.simple_formula import (
    SETTING_FIELDS,
    SINGLE_FIELDS,
    SimpleChoice,
    equal_shares,
    is_complete,
    is_simple,
    many_input,
    number_settings,
    simple_formula,
    single_labels,
    single_names,
)

NAMES = ("kohaku-xl beta", "b.v2", "c", "d")


def choice_for(method: Method, **changes: object) -> SimpleChoice:
    values = {
        "singles": NAMES[: len(single_names(method))],
        "many": ["x", "y z", "w"] if many_input(method) else [],
        "settings": [float(setting.default or setting.low or 0) for setting in number_settings(method)],
    }
    return SimpleChoice(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize("name", METHODS)
def test_every_method_that_is_offered_gives_a_formula_that_resolves(name):
    method = METHODS[name]
    if not is_simple(method):
        pytest.skip("not offered in simple mode")
    choice = choice_for(method)
    assert is_complete(method, choice)
    resolved = resolve_formula(simple_formula(method, choice))
    assert set(resolved.roles) <= {*choice.singles, *choice.many}


def test_the_classics_by_hand():
    weighted = choice_for(METHODS["weighted_sum"], settings=[0.1])
    assert simple_formula(METHODS["weighted_sum"], weighted) == 'weighted_sum("kohaku-xl beta", b.v2, alpha=0.1)'
    difference = choice_for(METHODS["add_difference"], settings=[1])
    assert simple_formula(METHODS["add_difference"], difference) == 'add_difference("kohaku-xl beta", b.v2, c, alpha=1)'
    average = choice_for(METHODS["average"])
    assert simple_formula(METHODS["average"], average) == 'average([x, "y z", w])'


def test_sliders_give_the_decimal_that_they_show():
    choice = choice_for(METHODS["weighted_sum"], settings=[0.1 + 0.2])  # 0.30000000000000004
    assert simple_formula(METHODS["weighted_sum"], choice).endswith("alpha=0.3)")


def test_block_weights_take_the_place_of_the_first_setting_alone():
    choice = choice_for(METHODS["triple_sum"], settings=[0.3, 0.2], weights="0,1")
    assert simple_formula(METHODS["triple_sum"], choice).endswith("alpha=mbw(0,1), beta=0.2)")


DELTAS = Method(
    "ties", "TIES", "", "", "", (ModelInput("base"), ModelInput("deltas", "delta", many=True)), (Setting("k", ""),)
)
ONLY_DELTAS = Method("mean", "Mean", "", "", "", (ModelInput("a", "delta"), ModelInput("b", "delta")), gives="delta")


def test_differences_are_made_against_the_first_model():
    choice = SimpleChoice(["a"], ["b", "c-d"], [0.5])
    assert simple_formula(DELTAS, choice) == 'ties(a, [b - a, "c-d" - a], k=0.5)'


def test_methods_of_differences_alone_ask_for_an_ancestor():
    assert single_labels(ONLY_DELTAS) == ["Model A", "Model B", "Trained from"]
    assert simple_formula(ONLY_DELTAS, SimpleChoice(["x", "y", "old"], [], [])) == "old + mean(x - old, y - old)"


def test_numbers_for_a_list_of_models():
    method = METHODS["n_linear"]
    assert simple_formula(method, choice_for(method, numbers="0.5 .25, 0.25")).endswith("weights=[0.5, 0.25, 0.25])")
    assert simple_formula(method, choice_for(method)).endswith("weights=[0.333, 0.333, 0.334])")
    for wrong in ("0.5", "a b c", "1 2 inf", "nan nan nan"):
        with pytest.raises(RefusedError):
            simple_formula(method, choice_for(method, numbers=wrong))


@pytest.mark.parametrize("count", range(1, 30))
def test_equal_shares_add_up_to_one_exactly(count):
    assert sum(equal_shares(count)) == Fraction(1)


def test_fields_of_every_method_fit_the_page():
    for method in METHODS.values():
        if is_simple(method):
            fields = method_fields(method)
            assert len(fields) == 1 + SINGLE_FIELDS + 1 + SETTING_FIELDS + 2
            labels = [field["label"] for field in fields[1:] if field["visible"]]
            assert len(set(labels)) == len(labels)
