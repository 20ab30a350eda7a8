"""Text to tree to text to tree."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.merge.formula.nodes import Formula
from lib_kohaku.merge.formula.parser import parse_formula
from lib_kohaku.merge.formula.printer import print_formula, print_number
from tests.support.trees import DECIMALS, formulas


@given(formulas())
def test_printed_formula_parses_to_the_same_tree(formula: Formula) -> None:
    text = print_formula(formula)
    assert parse_formula(text) == formula
    assert print_formula(parse_formula(text)) == text


@given(DECIMALS, st.sampled_from((1, -1)))
def test_numbers_are_printed_without_loss(value: Fraction, sign: int) -> None:
    text = print_number(sign * value)
    assert Fraction(text) == sign * value
    assert "e" not in text


def test_fractions_without_decimal_form_are_not_printed() -> None:
    with pytest.raises(ValueError, match="no finite decimal form"):
        print_number(Fraction(1, 3))


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("a+0.80*( b-c )", "a + 0.8*(b - c)"),
        ("a-(b+c)", "a - (b + c)"),
        ("(a-b)+c", "a - b + c"),
        ("a*(2/3)", "a*(2/3)"),
        ("'x'+\"y z\"", 'x + "y z"'),
        ("1e-3*a", "0.001*a"),
        ('mbw(("a b") + 1)*c', 'mbw(("a b" + 1))*c'),
        ("in_ + 'in'", 'in_ + "in"'),
    ],
)
def test_printed_form(text: str, printed: str) -> None:
    assert print_formula(parse_formula(text)) == printed
    assert parse_formula(printed) == parse_formula(text)
