"""The three formulas of the Kohaku XL Gamma card, worked out by hand."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lib_kohaku.merge.recipe_store import RecipeStore
from tests.support.algebra import KEYS, Algebra, fractions

# The card's list, block by block, as supermerger reads it.
CARD = {
    "IN00": "0.1", "IN01": "0.1", "IN02": "0", "IN03": "0.1", "IN04": "0.1", "IN05": "0", "IN06": "0.1", "IN07": "0.1",
    "IN08": "0", "M00": "0", "OUT00": "0", "OUT01": "0", "OUT02": "0", "OUT03": "0.05", "OUT04": "0.05",
    "OUT05": "0.05", "OUT06": "0.05", "OUT07": "0.05", "OUT08": "0.05",
}  # fmt: skip
SUPERMERGER = {**CARD, "TE1": "0", "TE2": "0", "VAE": "0", "TIME": "0.1", "LABEL": "0.1", "OUT": "0.05"}
MECHA = {**CARD, "TE1": "0", "TE2": "0", "VAE": "0", "TIME": "0", "LABEL": "0", "OUT": "0.05"}
# Weight of the list to the coefficients: (1 - w) * (0.75 beta7 + anxl3 - anxl2 + 0.25 base8) + w * anxl3.
BY_WEIGHT = {
    "0": fractions(beta7="0.75", anxl3="1", anxl2="-1", base8="0.25"),
    "0.1": fractions(beta7="0.675", anxl3="1", anxl2="-0.9", base8="0.225"),
    "0.05": fractions(beta7="0.7125", anxl3="1", anxl2="-0.95", base8="0.2375"),
}


def card(name: str, profile: str = "supermerger") -> Algebra:
    return Algebra(RecipeStore(None).get(name).formula, profile=profile)


def test_rev1() -> None:
    algebra = card("gamma-rev1")
    assert algebra.base == "beta7"
    assert algebra.resolved.roles == ("beta7", "anxl3", "anxl2", "base7")
    assert algebra.coefficients() == fractions(beta7="0.5", anxl3="0.8", anxl2="-0.8", base7="0.5")


def test_rev2() -> None:
    algebra = card("gamma-rev2")
    assert algebra.base == "beta7"
    assert algebra.coefficients() == fractions(beta7="0.75", anxl3="1", anxl2="-1", base8="0.25")


@pytest.mark.parametrize(("profile", "weights"), [("supermerger", SUPERMERGER), ("mecha", MECHA)])
def test_rev2_mbw(profile: str, weights: dict[str, str]) -> None:
    algebra = card("gamma-rev2-mbw", profile)
    assert algebra.base == "beta7"
    assert weights.keys() == KEYS.keys()
    for slot, weight in weights.items():
        assert algebra.coefficients(KEYS[slot]) == BY_WEIGHT[weight], slot


def test_preset_is_the_card_s_list() -> None:
    by_name = Algebra('weighted_sum(a, b, mbw("Gamma"))')
    for slot, weight in SUPERMERGER.items():
        assert by_name.coefficients(KEYS[slot]).get("b", Fraction(0)) == Fraction(weight), slot


def test_two_steps_are_one() -> None:
    one_pass = card("gamma-rev2-mbw")
    again = Algebra(
        "weighted_sum(beta7 + 1.0*(anxl3-anxl2) + 0.25*(base8-beta7), anxl3, "
        'mbw("0,0.1,0.1,0,0.1,0.1,0,0.1,0.1,0,0,0,0,0,0.05,0.05,0.05,0.05,0.05,0.05"))'
    )
    assert all(one_pass.coefficients(key) == again.coefficients(key) for key in KEYS.values())
