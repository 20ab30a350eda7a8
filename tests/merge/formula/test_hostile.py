"""Formulas from strangers: nothing but a FormulaError or RefusedError, and never a long wait."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.errors import FormulaError, RefusedError
from lib_kohaku.merge.algebra.base_model import base_role
from lib_kohaku.merge.algebra.evaluate import Evaluator
from lib_kohaku.merge.algebra.forms import LinearForm
from lib_kohaku.merge.algebra.resolve import resolve_formula
from lib_kohaku.merge.formula.parser import parse_formula
from lib_kohaku.merge.formula.printer import print_formula
from tests.support.trees import formulas

KEY = "model.diffusion_model.input_blocks.1.0.in_layers.0.weight"


def evaluate(text: str) -> LinearForm:
    resolved = resolve_formula(text)
    evaluator = Evaluator(resolved, block_map("sdxl"), "supermerger", base_role(resolved))
    print_formula(resolved.formula)
    return evaluator.form(evaluator.class_of(KEY, frozenset()))


def lines(first: str, step: str, count: int, last: str) -> str:
    """``first``, then ``step`` with i and j = i + 1 for every i, then ``last``."""
    return "\n".join([first, *(step.format(i=i, j=i + 1) for i in range(count)), last])


def nested(opening: str, inner: str, closing: str, count: int) -> str:
    return opening * count + inner + closing * count


FAST: list[tuple[str, str]] = [
    ("models doubled 60 times", lines("m0 = a", "m{j} = 0.5*m{i} + 0.5*m{i}", 60, "m60")),
    ("methods doubled 60 times", lines("m0 = a", "m{j} = weighted_sum(m{i}, m{i}, 0.5)", 30, "m30")),
    ("methods nested 30 deep", nested("weighted_sum(", "a", ", b, 0.5)", 30)),
    ("numbers added 45 times", lines("k0 = 0.5", "k{j} = 0.5*(k{i} + k{i})", 45, "a + k45*(b - a)")),
    ("numbers multiplied 45 times", lines("k0 = 1", "k{j} = k{i}*k{i}", 45, "a + k45*(b - a)")),
    ("numbers divided 45 times", lines("k0 = 1", "k{j} = k{i}/k{i}", 45, "a + k45*(b - a)")),
    ("weights added 45 times", lines('k0 = mbw("FLAT_50")', "k{j} = (k{i} + k{i})/2", 45, "a + k45*(b - a)")),
    ("99 brackets", nested("(", "a", ")", 99)),
    ("100 terms", "+".join(["a"] * 100)),
    ("90 signs", "-" * 90 + "a"),
]
REFUSED: list[tuple[str, str]] = [
    ("numbers squared 60 times", lines("k0 = 0.123", "k{j} = k{i}*k{i}", 60, "a + k60*(b - a)")),
    ("1e30 twelve times", "*".join(["1e30"] * 12) + "*a"),
    ("coefficients that grow", nested("1000000*(", "a", ")", 60)),
    ("a list with a huge exponent", 'a + mbw("1e999999999")*(b - a)'),
    ("a list with a long number", 'a + mbw("' + "9" * 50_000 + '")*(b - a)'),
    ("sums inside brackets inside sums", nested("(", "a", "+a" * 99 + ")", 95)),
    ("products inside brackets", nested("(", "a", "*2" * 60 + ")", 60)),
    ("1,000 brackets", nested("(", "a", ")", 1000)),
    ("50,000 brackets", "(" * 50_000),
    ("50,000 lists", "f(" + "[" * 50_000),
    ("50,000 calls", "f(" * 30_000),
    ("50,000 signs", "-" * 50_000 + "a"),
    ("50,000 terms", "+".join(["a"] * 50_000)),
    ("definitions deeper than walks go", lines("m0 = a", "m{j} = m{i} + b", 400, "m400")),
    ("a long name", '"' + "n" * 90_000),
    ("hidden control characters", "a + \x00b"),
]


@pytest.mark.parametrize("text", [text for _, text in FAST], ids=[name for name, _ in FAST])
def test_heavy_sharing_is_fast(text: str) -> None:
    began = time.monotonic()
    form = evaluate(text)
    assert abs(form.total) == 1 or form.total == 100
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("text", [text for _, text in REFUSED], ids=[name for name, _ in REFUSED])
def test_refused_quickly(text: str) -> None:
    began = time.monotonic()
    with pytest.raises(FormulaError):
        evaluate(text)
    assert time.monotonic() - began < 3


def quietly(action: Callable[[], object]) -> None:
    try:
        action()
    except RefusedError as error:
        assert str(error)


WORDS = "a b 0.5 1e9 + - * / ( ) [ ] , = ; # $k $ in weighted_sum average n_linear mbw blocks lora gamma IN07 default"
ODDITIES = "\n \" ' \\ “ … \x00 0 00 . .. e _ \u2028 \r 𝟙 ٣ ² x= mbw( blocks( f( \ud800".split(" ")  # noqa: SIM905
PIECES = st.sampled_from([*WORDS.split(" "), *ODDITIES, " "])


@given(st.lists(PIECES, max_size=30))
def test_word_salad(pieces: list[str]) -> None:
    text = "".join(pieces)
    quietly(lambda: evaluate(text))
    quietly(lambda: parse_formula(text))


@given(st.text(max_size=60))
def test_any_text(text: str) -> None:
    quietly(lambda: evaluate(text))


@given(formulas())
def test_any_tree(formula: object) -> None:
    quietly(lambda: evaluate(print_formula(formula)))  # type: ignore[arg-type]
