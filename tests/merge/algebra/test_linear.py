"""Linear forms: methods written out, nesting, parameters, the base model."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.errors import FormulaError, RefusedError
from lib_kohaku.merge.algebra.resolve import resolve_formula
from tests.support.algebra import KEYS, Algebra, fractions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a", fractions(a="1")),
        ("-a + 2*a", fractions(a="1")),
        ("(a + b)/2", fractions(a="0.5", b="0.5")),
        ("a + (b - b)", fractions(a="1")),
        ("a/4 + 3*b/4", fractions(a="0.25", b="0.75")),
        ("-(a - 2*b)", fractions(a="-1", b="2")),
        ("0.1*a + 0.2*a + 0.7*a", fractions(a="1")),
        ("weighted_sum(a, b)", fractions(a="0.5", b="0.5")),
        ("weighted_sum(a, b, 0.3)", fractions(a="0.7", b="0.3")),
        ("weighted_sum(a, b, 0)", fractions(a="1")),
        ("weighted_sum(a, b, 1)", fractions(b="1")),
        ("weighted_sum(alpha=0.25, b=x, a=y)", fractions(y="0.75", x="0.25")),
        ("add_difference(a, b, c)", fractions(a="1", b="1", c="-1")),
        ("add_difference(a, b, c, 0.8)", fractions(a="1", b="0.8", c="-0.8")),
        ("triple_sum(a, b, c)", fractions(a="0.5", b="0.25", c="0.25")),
        ("triple_sum(a, b, c, 0.2, 0.7)", fractions(a="0.1", b="0.2", c="0.7")),
        ("sum_twice(a, b, c)", fractions(a="0.25", b="0.25", c="0.5")),
        ("sum_twice(a, b, c, 0.2, 0.3)", fractions(a="0.56", b="0.14", c="0.3")),
        ("n_linear([a, b, c], [0.5, 0.3, 0.2])", fractions(a="0.5", b="0.3", c="0.2")),
        ("average([a, b, a])", {"a": Fraction(2, 3), "b": Fraction(1, 3)}),
        ("weighted_sum(weighted_sum(a, b, 0.5), c, 0.5)", fractions(a="0.25", b="0.25", c="0.5")),
        ("d = b - c\na + 0.5*d - 0.25*d", fractions(a="1", b="0.25", c="-0.25")),
        ("w = 0.5*0.5\nweighted_sum(a, b, w)", fractions(a="0.75", b="0.25")),
        ("$k = 0.5\na + $k*(b - a)", fractions(a="0.5", b="0.5")),
    ],
)
def test_by_hand(text: str, expected: dict[str, Fraction]) -> None:
    assert Algebra(text).coefficients() == expected


@pytest.mark.parametrize(
    ("text", "base"),
    [
        ("a", "a"),
        ("b + 0.5*(a - b)", "b"),
        ("0.5*(a - b) + c", "c"),
        ("(a - b) + (c - d) + e", "e"),
        ("0.8*(anxl3 - anxl2) + beta7", "beta7"),
        ("a - b", "a"),
        ("weighted_sum(a, b, 1)", "a"),
        ("0*a + b", "a"),
        ("add_difference(x, y, z)", "x"),
        ("d = a - b\nc + d", "c"),
        ("(a - b)*mbw(\"FLAT_50\") + c", "c"),
        ("(1 - mbw(\"FLAT_50\"))*a + mbw(\"FLAT_50\")*b", "a"),
        ("average([p, q])", "p"),
        ("a - 0.5*b + 0.5*c", "a"),
        ("a - 0.5*b", "a"),
        ("2*a - b", "a"),
        ("0.5*a - 0.5*b + c", "c"),
        ("a - b/2 + c/2", "a"),
        ("mbw(\"FLAT_50\")*a - mbw(\"FLAT_50\")*b + c", "c"),
        ("0*(a - b) + c", "c"),
    ],
)  # fmt: skip
def test_base_model(text: str, base: str) -> None:
    assert Algebra(text).base == base


def test_roles_in_the_order_of_first_use_without_unused_definitions() -> None:
    resolved = resolve_formula("unused = z - y\nx = b + a\nx - c")
    assert resolved.roles == ("b", "a", "c")


@pytest.mark.parametrize("value", [0.1, 0.0, -0.5, 1.0, 0.30000000000000004])
def test_parameters_are_decimals(value: float) -> None:
    text = "$k = 0.25 in [-0.5, 1]\nweighted_sum(a, b, $k)"
    assert Algebra(text, k=value).coefficients().get("b", 0) == Fraction(repr(value))


def test_ends_of_a_range_belong_to_it() -> None:
    """The float 0.1 is larger than one tenth, and 0.3 is smaller than three tenths."""
    text = "$k = 0.2 in [0.1, 0.3]\na + $k*(b - a)"
    assert Algebra(text, k=0.1).coefficients()["b"] == Fraction(1, 10)
    assert Algebra(text, k=0.3).coefficients()["b"] == Fraction(3, 10)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.11, r"\$k = 0.11 is outside its range 0 to 0.1"),
        (-0.01, "outside its range"),
        (float("nan"), "not a finite number"),
        (float("inf"), "not a finite number"),
    ],
)
def test_values_that_are_refused(value: float, words: str) -> None:
    with pytest.raises(RefusedError, match=words):
        Algebra("$k = 0 in [0, 0.1]\na + $k*(b - a)", k=value)


def test_undeclared_parameter() -> None:
    with pytest.raises(RefusedError, match=r"no parameter \$x; declared: \$k"):
        Algebra("$k = 0\na + $k*b", x=1.0)


@pytest.mark.parametrize(
    ("text", "column"),
    [
        ("a/0", 2),
        ("a + (1/(0.5 - 0.5))*b", 7),
        ("a + 1/mbw(\"GRAD_V\")*b", 6),
        ("a + b/(blocks(IN07=1, default=1) - 1)", 6),
    ],
)  # fmt: skip
def test_division_by_zero(text: str, column: int) -> None:
    algebra = Algebra(text)
    with pytest.raises(FormulaError, match="division by zero") as caught:
        for key in KEYS.values():
            algebra.form(key)
    assert caught.value.column == column


def test_division_by_weights_that_are_not_zero_where_they_count() -> None:
    algebra = Algebra("a/blocks(default=2) + b*(1/(mbw(\"FLAT_75\") - mbw(\"FLAT_25\")))/4")  # fmt: skip
    assert algebra.coefficients(KEYS["IN07"]) == fractions(a="0.5", b="0.5")


@pytest.mark.parametrize(
    "text", ["1000001*a", "a/0.0000001", "1000*(1000*(2*a))", "-1000001*a", "n_linear([a], [1e7])"]
)
def test_coefficients_that_mean_nothing(text: str) -> None:
    with pytest.raises(FormulaError, match="coefficients beyond 1,000,000"):
        Algebra(text).form()


def test_large_steps_on_the_way_to_sensible_coefficients() -> None:
    assert Algebra("(1000000*(1000*a))/1000000/1000").coefficients() == fractions(a="1")


WEIGHTS = st.decimals(0, 1, places=3).map(Fraction)
MODELS = st.sampled_from("abcd")


def nested(weights: list[Fraction], models: list[str]) -> tuple[str, dict[str, Fraction]]:
    """A chain of weighted sums as text, and its coefficients by repeated blending."""
    text, coefficients = models[0], {models[0]: Fraction(1)}
    for weight, model in zip(weights, models[1:], strict=False):
        text = f"weighted_sum({text}, {model}, {float(weight)})"
        coefficients = {name: (1 - weight) * value for name, value in coefficients.items()}
        coefficients[model] = coefficients.get(model, Fraction(0)) + weight
    return text, {name: value for name, value in coefficients.items() if value}


@given(weights=st.lists(WEIGHTS, min_size=1, max_size=8), models=st.lists(MODELS, min_size=9, max_size=9))
def test_nesting_collapses(weights: list[Fraction], models: list[str]) -> None:
    text, expected = nested(weights, models)
    assert Algebra(text).coefficients() == expected
    assert Algebra(text).form().total == 1


@given(weight=WEIGHTS, values=st.lists(MODELS, min_size=3, max_size=3))
def test_equal_block_weights_are_a_number(weight: Fraction, values: list[str]) -> None:
    a, b, c = values
    listed = ",".join([str(float(weight))] * 20)
    plain = Algebra(f"add_difference({a}, {b}, {c}, {float(weight)})")
    by_blocks = Algebra(f'add_difference({a}, {b}, {c}, mbw("{listed}"))')
    for key in KEYS.values():
        assert by_blocks.coefficients(key) == plain.coefficients(key)


@given(first=WEIGHTS, second=WEIGHTS)
def test_order_and_brackets_do_not_matter(first: Fraction, second: Fraction) -> None:
    p, q = float(first), float(second)
    expected = Algebra(f"a + {p}*(b - c) + {q}*(d - a)").coefficients()
    for text in (
        f"{q}*(d - a) + {p}*(b - c) + a",
        f"a - {q}*a + {q}*d + {p}*b - {p}*c",
        f"(1 - {q})*a + {q}*d - {p}*(c - b)",
    ):
        assert Algebra(text).coefficients() == expected
