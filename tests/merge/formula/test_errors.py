"""Errors point at the characters at fault: a golden table of line, column, length and words."""

from __future__ import annotations

import pytest

from lib_kohaku.errors import FormulaError
from lib_kohaku.merge.algebra.resolve import resolve_formula

TABLE = [
    # formula, line, column, length, words of the message
    ("a + ", 1, 5, 1, "checkpoint, a number or a bracket expected"),
    ("a + * b", 1, 5, 1, "'*'"),
    ("a b", 1, 3, 1, "operator or the end of the line"),
    ("a + 0.5(b - c)", 1, 8, 1, "found '(': multiply with *"),
    ("a + (b - c)(0.5)", 1, 12, 1, "found '(': multiply with *"),
    ("a + 0,5*(b - c)", 1, 6, 1, "found ',': decimals have a point"),
    ("(a + b", 1, 7, 1, "')' expected to close the bracket"),
    ("a + b)", 1, 6, 1, "operator or the end"),
    ("a & b", 1, 3, 1, "'&' has no meaning"),
    ('a + "open', 1, 5, 1, "quote is not closed"),
    ("a + 'open", 1, 5, 1, "quote is not closed"),
    ("a + 2beta", 1, 5, 5, 'put it in quotes: "2beta"'),
    ("a + 1.2.3*b", 1, 5, 5, "not a number"),
    ("a + 1e31*b", 1, 5, 4, "too large"),
    ("a + 0." + "1" * 120 + "*b", 1, 5, 122, "too long"),
    ("a\nb", 2, 1, 1, "only the last line"),
    ("x = a\nx = b\nx", 2, 1, 1, "defined twice"),
    ("$k = 1\n$k = 2\na", 2, 1, 2, "declared twice"),
    ("$k = b\na", 1, 6, 1, "a number expected"),
    ("$k = 2 in [0, 1]\na", 1, 1, 2, "outside its range"),
    ("$k = 2 in [0 1]\na", 1, 14, 1, "','"),
    ("a + $k*b", 1, 5, 2, "not declared"),
    ("x = y\ny = a\nx", 1, 5, 1, "before the line that defines it"),
    ("a + 1", 1, 3, 1, "number and a model cannot be added"),
    ("1 - a", 1, 3, 1, "number and a model cannot be added"),
    ("a*b", 1, 2, 1, "two models cannot be multiplied"),
    ("a/b", 1, 2, 1, "only a number can stand below"),
    ("1/a", 1, 2, 1, "only a number can stand below"),
    ("[a, b]", 1, 1, 1, "a list can only be"),
    ("weighted_sum + a", 1, 1, 12, "is a method"),
    ("weighted_sun(a, b)", 1, 1, 12, "did you mean weighted_sum"),
    ("weighted_sum(a)", 1, 1, 12, "needs b"),
    ("weighted_sum(a, b, 0.5, c)", 1, 25, 1, "at most 3"),
    ("weighted_sum(a, b, alpa=0.5)", 1, 20, 4, "did you mean alpha"),
    ("weighted_sum(a, b, a=c)", 1, 20, 1, "given twice"),
    ("weighted_sum(a, b, c)", 1, 1, 12, "alpha has to be a number"),
    ("weighted_sum(a, 0.5)", 1, 1, 12, "b has to be a model"),
    ("weighted_sum([a], b)", 1, 14, 1, "single value, not a list"),
    ("average(a)", 1, 9, 1, "is a list"),
    ("n_linear([a, b], [1])", 1, 1, 8, "2 models but 1 weights"),
    ('a + lora("x")', 1, 5, 4, "LoRA"),
    ("a + mbw(b)*c", 1, 9, 1, "mbw takes numbers"),
]


@pytest.mark.parametrize(("text", "line", "column", "length", "words"), TABLE, ids=[row[0][:30] for row in TABLE])
def test_place_and_words(text: str, line: int, column: int, length: int, words: str) -> None:
    with pytest.raises(FormulaError) as caught:
        resolve_formula(text)
    error = caught.value
    assert words in error.message
    assert (error.line, error.column) == (line, column)
    assert error.length == length
    assert error.source == text.split("\n")[line - 1]


def test_marker_stands_below_the_fault() -> None:
    with pytest.raises(FormulaError) as caught:
        resolve_formula("x = a\nx + 0.5*bad_(c)")
    first, source, marker = str(caught.value).split("\n")
    assert first.startswith("line 2, column 9:")
    assert source[marker.index("^")] == "b"
    assert marker.count("^") == len("bad_")


@pytest.mark.parametrize("text", ["", "   ", "\n\n", "# only a comment"])
def test_empty(text: str) -> None:
    with pytest.raises(FormulaError, match="empty"):
        resolve_formula(text)


@pytest.mark.parametrize("text", ["1 + 2", "$k = 1\n$k", "x = a\n3", "mbw(1)"])
def test_a_number_is_no_merge(text: str) -> None:
    with pytest.raises(FormulaError, match="is a number"):
        resolve_formula(text)


def test_too_long() -> None:
    with pytest.raises(FormulaError, match="100000 characters"):
        resolve_formula("a" + " " * 100_000)
