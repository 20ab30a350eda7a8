"""What a formula means for a tensor that some models lack: what one does not know, one does not change."""

from __future__ import annotations

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
