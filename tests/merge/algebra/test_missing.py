"""What a formula means for a tensor that some models lack: what one does not know, one does not change."""

from __future__ import annotations

import itertools
import random

import pytest

from tests.support.algebra import Algebra, fractions


@pytest.mark.parametrize(
    ("text", "missing", "expected"),
    [
        # Weighted: the share goes to the base.
        ("0.5*a + 0.5*b", "b", {"a": "1"}),
        ("0.6*a + 0.3*b + 0.1*c", "b", {"a": "0.9", "c": "0.1"}),
        ("0.6*a + 0.3*b + 0.1*c", "bc", {"a": "1"}),
        ("weighted_sum(weighted_sum(a, b, 0.5), c, 0.5)", "b", {"a": "0.5", "c": "0.5"}),
        # Differences: no difference.
        ("a + 0.8*(b - c)", "c", {"a": "1"}),
        ("a + 0.8*(b - c)", "b", {"a": "1"}),
        ("a + 0.8*(b - c) + 0.5*(d - a)", "b", {"a": "0.5", "d": "0.5"}),
        ("a + 0.8*(b - c) + 0.5*(d - a)", "d", {"a": "1", "b": "0.8", "c": "-0.8"}),
        ("add_difference(a, b, c, 0.5)", "bc", {"a": "1"}),
        ("d = b - c\na - d", "c", {"a": "1"}),
        ("a + -(b - c)/2", "b", {"a": "1"}),
        # The base is never missing; a model that only cancels does not matter.
        ("a + (b - b)", "b", {"a": "1"}),
    ],
)
def test_by_hand(text: str, missing: str, expected: dict[str, str]) -> None:
    algebra = Algebra(text)
    assert algebra.coefficients("x", tuple(missing)) == fractions(**expected)
    assert algebra.form("x", tuple(missing)).total == 1


def test_gamma_rev1_where_animagine_2_lacks_a_tensor() -> None:
    algebra = Algebra("beta7 + 0.8*(anxl3 - anxl2) + 0.5*(base7 - beta7)")
    assert algebra.coefficients("x", ("anxl2",)) == fractions(beta7="0.5", base7="0.5")
    assert algebra.coefficients("x", ("base7",)) == fractions(beta7="1", anxl3="0.8", anxl2="-0.8")
    assert algebra.coefficients("x", ("anxl2", "anxl3", "base7")) == fractions(beta7="1")


@pytest.mark.parametrize(
    ("text", "missing", "expected"),
    [
        ("a + b - c", "c", {"a": "1"}),
        ("a + b - c", "b", {"a": "1"}),
        ("a + b - c", "bc", {"a": "1"}),
        ("(a + b) - c", "c", {"a": "1"}),
        ("-c + a + b", "c", {"b": "1"}),
        ("a - c + b", "c", {"b": "1"}),  # here the base is b: a - c comes first and is a difference
        ("a + 0.8*b - 0.8*c", "c", {"a": "1"}),
        # The partner is the one of the same amount, wherever it stands; else the nearest.
        ("a + 0.8*b + 0.5*d - 0.8*c - 0.5*a", "c", {"a": "0.5", "d": "0.5"}),
        ("a + 0.8*b + 0.5*d - 0.8*c - 0.5*a", "d", {"a": "1", "b": "0.8", "c": "-0.8"}),
        ("a + b + d - 2*c", "b", {"a": "1", "d": "1", "c": "-1"}),
        ("a + b + d - 2*c", "c", {"a": "1"}),
        ("a + b - 0.25*c", "c", {"a": "1", "b": "0.75"}),
        ("a - 0.5*b + 0.5*c", "b", {"a": "1"}),
        ("a - 0.5*b + 0.5*c", "c", {"a": "1"}),
        # What is subtracted from the base itself is a share of the base.
        ("1.5*a - 0.5*b", "b", {"a": "1"}),
        ("2*a - b + c - a", "b", {"a": "1"}),
        # A bracket is one term, and what is known in it stays.
        ("a + (b - c) + d - e", "c", {"a": "1", "d": "1", "e": "-1"}),
        ("a + weighted_sum(b, c, 0.5) - d", "d", {"a": "1"}),
        ("0.5*a + 0.5*b + c - d", "d", {"a": "0.5", "b": "0.5"}),
        ("0.5*a + 0.5*b + c - d", "b", {"a": "1", "c": "1", "d": "-1"}),
        ("rev = a + b - c\nweighted_sum(rev, d, 0.5)", "c", {"a": "0.5", "d": "0.5"}),
    ],
)
def test_differences_without_brackets(text: str, missing: str, expected: dict[str, str]) -> None:
    algebra = Algebra(text)
    whole = algebra.form("x").total
    assert algebra.coefficients("x", tuple(missing)) == fractions(**expected)
    assert algebra.form("x", tuple(missing)).total == whole


def test_brackets_make_no_difference() -> None:
    """Sums of differences, written with brackets and without, in any order, whatever is missing."""
    choose = random.Random(1)
    for _ in range(60):
        factors = choose.sample(["", "0.8*", "0.5*", "0.25*", "1.5*"], choose.randint(1, 3))
        pairs = [(factor, f"p{number}", f"n{number}") for number, factor in enumerate(factors)]
        bracketed = Algebra("a" + "".join(f" + {factor}({plus} - {minus})" for factor, plus, minus in pairs))
        parts = [part for factor, plus, minus in pairs for part in (f" + {factor}{plus}", f" - {factor}{minus}")]
        choose.shuffle(parts)
        plain = Algebra("a" + "".join(parts))
        # A sum that falls to 0 on the way is a difference, and what comes next the base.
        if plain.base != "a":
            continue
        models = [name for _, plus, minus in pairs for name in (plus, minus)]
        for count in range(len(models) + 1):
            for missing in itertools.combinations(models, count):
                assert plain.coefficients("x", missing) == bracketed.coefficients("x", missing), (parts, missing)
