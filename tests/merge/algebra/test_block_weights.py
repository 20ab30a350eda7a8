"""``mbw`` and ``blocks``: which weight every slot gets."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lib_kohaku.errors import FormulaError, RefusedError
from tests.support.algebra import KEYS, UNET, Algebra


def weights(call: str, blocks: str = "sdxl", profile: str = "supermerger") -> dict[str, Fraction]:
    """Weight of b in every slot."""
    algebra = Algebra(f"weighted_sum(a, b, {call})", blocks, profile)
    return {slot: algebra.coefficients(key).get("b", Fraction(0)) for slot, key in KEYS.items()}


def thousandths(count: int) -> str:
    """A list in which every value differs: 0.001, 0.002, ..."""
    return ",".join(f"0.{i:03}" for i in range(1, count + 1))


def nth(number: int) -> Fraction:
    return Fraction(number, 1000)


def test_twenty_values_in_order() -> None:
    found = weights(f"mbw({thousandths(20)})")
    assert found["TE1"] == found["TE2"] == found["VAE"] == nth(1)
    assert [found[f"IN{i:02}"] for i in range(9)] == [nth(2 + i) for i in range(9)]
    assert found["M00"] == nth(11)
    assert [found[f"OUT{i:02}"] for i in range(9)] == [nth(12 + i) for i in range(9)]
    assert (found["TIME"], found["LABEL"], found["OUT"]) == (nth(2), nth(2), nth(20))
    assert weights(f'mbw("{thousandths(20)}")') == found
    assert weights('mbw("' + thousandths(20).replace(",", "  ") + '")') == found


def test_mecha_profile() -> None:
    found = weights(f"mbw({thousandths(20)})", profile="mecha")
    assert (found["TIME"], found["LABEL"], found["OUT"], found["VAE"]) == (nth(1), nth(1), nth(20), 0)


def test_twenty_six_values_on_sdxl() -> None:
    found = weights(f"mbw({thousandths(26)})")
    assert [found[f"IN{i:02}"] for i in range(9)] == [nth(2 + i) for i in range(9)]
    assert found["M00"] == nth(14)
    assert [found[f"OUT{i:02}"] for i in range(9)] == [nth(15 + i) for i in range(9)]


def test_twenty_six_values_on_sd1() -> None:
    algebra = Algebra(f"weighted_sum(a, b, mbw({thousandths(26)}))", "sd1")
    for i in range(12):
        assert algebra.coefficients(f"{UNET}input_blocks.{i}.0.weight")["b"] == nth(2 + i)
        assert algebra.coefficients(f"{UNET}output_blocks.{i}.0.weight")["b"] == nth(15 + i)
    assert algebra.coefficients(f"{UNET}time_embed.0.weight")["b"] == nth(2)
    assert algebra.coefficients(f"{UNET}out.0.weight")["b"] == nth(26)
    assert "b" not in algebra.coefficients("betas")


@pytest.mark.parametrize(
    ("count", "blocks", "words"),
    [
        (19, "sdxl", r"19 block weights given; this architecture has 20 \(or 26\)"),
        (27, "sdxl", "27 block weights"),
        (20, "sd1", r"20 block weights given; this architecture has 26\."),
        (25, "sd1", "25 block weights"),
    ],
)
def test_wrong_counts_point_at_the_list(count: int, blocks: str, words: str) -> None:
    for call in (f"mbw({thousandths(count)})", f'mbw("{thousandths(count)}")'):
        with pytest.raises(FormulaError, match=words) as caught:
            Algebra(f"a + {call}*(b - a)", blocks)
        assert (caught.value.line, caught.value.column, caught.value.length) == (1, 5, 3)


def test_no_weights_at_all() -> None:
    with pytest.raises(FormulaError, match="0 block weights"):
        Algebra("a + mbw()*(b - a)")


def test_presets_of_20_do_not_fit_sd1() -> None:
    with pytest.raises(FormulaError, match="20 block weights given"):
        Algebra('a + mbw("gamma")*(b - a)', "sd1")
    assert Algebra('a + mbw("grad_v")*(b - a)', "sd1").form() is not None


def test_extra_slots_by_name() -> None:
    found = weights(f"mbw({thousandths(20)}, VAE=0.5, TE2=0.25, TIME=0, IN07=1)")
    assert (found["VAE"], found["TE2"], found["TE1"]) == (Fraction(1, 2), Fraction(1, 4), nth(1))
    assert (found["TIME"], found["LABEL"]) == (0, nth(2))
    assert (found["IN07"], found["IN08"]) == (1, nth(10))


def test_blocks_by_name_with_a_default() -> None:
    found = weights("blocks(IN07=0.1, BASE=0.2, OUT08=0.3, default=0.4)")
    assert found["IN07"] == Fraction(1, 10)
    assert found["TE1"] == found["TE2"] == found["VAE"] == Fraction(2, 10)
    assert found["OUT"] == found["OUT08"] == Fraction(3, 10)
    assert found["TIME"] == found["M00"] == found["IN00"] == Fraction(4, 10)
    assert set(weights("blocks(IN07=0.5)").values()) == {Fraction(0), Fraction(1, 2)}


def test_a_slot_s_own_weight_beats_the_block_that_it_follows() -> None:
    found = weights("blocks(TIME=0.5, IN00=0.1)")
    assert (found["TIME"], found["LABEL"], found["IN00"]) == (Fraction(1, 2), Fraction(1, 10), Fraction(1, 10))


def test_patterns() -> None:
    algebra = Algebra('weighted_sum(a, b, blocks("*.attn2.*"=0.25, "*.attn2.to_v.?eight"=0.75, IN04=0.5))')
    name = f"{UNET}input_blocks.4.1.transformer_blocks.0."
    assert algebra.coefficients(f"{name}attn1.to_q.weight")["b"] == Fraction(1, 2)
    assert algebra.coefficients(f"{name}attn2.to_q.weight")["b"] == Fraction(1, 4)
    assert algebra.coefficients(f"{name}attn2.to_v.weight")["b"] == Fraction(3, 4), "of several, the last counts"
    assert "b" not in algebra.coefficients(f"{UNET}input_blocks.5.0.weight")
    assert algebra.coefficients("anything.attn2.at.all")["b"] == Fraction(1, 4)


def test_patterns_match_whole_keys_and_case() -> None:
    algebra = Algebra('weighted_sum(a, b, blocks("x.y"=1))')
    assert algebra.coefficients("x.y") == {"b": 1}
    for key in ("x.y.z", "w.x.y", "xzy", "X.Y"):
        assert algebra.coefficients(key) == {"a": 1}, key


def test_a_pattern_of_stars_is_fast() -> None:
    algebra = Algebra('weighted_sum(a, b, blocks("' + "*a" * 240 + '*b"=1))')
    assert algebra.coefficients("a" * 500) == {"a": 1}
    assert algebra.coefficients("a" * 500 + "b") == {"b": 1}


def test_arithmetic_with_weights() -> None:
    algebra = Algebra("k = 2*blocks(IN07=0.1, default=0.2) - 0.1\n(1 - k)*a + k*b")
    assert algebra.coefficients(KEYS["IN07"]) == {"a": Fraction(9, 10), "b": Fraction(1, 10)}
    assert algebra.coefficients(KEYS["M00"]) == {"a": Fraction(7, 10), "b": Fraction(3, 10)}


def test_weights_inside_weights() -> None:
    algebra = Algebra("w = blocks(IN07=0.5, default=0)\nweighted_sum(a, b, blocks(IN07=w/2, default=1))")
    assert algebra.coefficients(KEYS["IN07"])["b"] == Fraction(1, 4)
    assert algebra.coefficients(KEYS["M00"]) == {"b": 1}


@pytest.mark.parametrize(
    ("call", "words", "column"),
    [
        ("mbw('no such')", "no block preset 'no such'; there are gamma", 5),
        ("mbw('grad')", "did you mean GRAD_", 5),
        ("mbw('1,2,x')", "no block preset", 5),
        ("mbw('1,2,e')", "not a list of sensible numbers", 5),
        ("mbw('gamma', OUT9=1)", "no block 'OUT9'; did you mean OUT", 18),
        ("blocks(in07=1)", "no block 'in07'", 12),
        ("blocks(0.5)", "blocks takes NAME=number", 12),
        ("blocks(IN07='x')", "a number belongs here", 12),
        ("blocks(IN07=1, IN07=2)", "given twice", 20),
        ("blocks('" + "x" * 501 + "'=1)", "longer than 500", 12),
    ],
)
def test_mistakes(call: str, words: str, column: int) -> None:
    with pytest.raises(FormulaError, match=words) as caught:
        Algebra(f"a + {call}*(b - a)")
    assert caught.value.column == column


@pytest.mark.parametrize("call", ["mbw('gamma')", "blocks(default=0.5)"])
def test_unknown_architecture_has_no_blocks(call: str) -> None:
    with pytest.raises(FormulaError, match="not defined for this architecture") as caught:
        Algebra(f"a + {call}*(b - a)", None)
    assert caught.value.column == 5


def test_unknown_profile() -> None:
    with pytest.raises(RefusedError, match="no block profile"):
        Algebra("a", profile="typo")
