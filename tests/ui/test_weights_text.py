"""Lists of block weights as people paste them."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.errors import RefusedError
from lib_kohaku.ui.merge.weights_text import (
    find_weights,
    parse_weights,
    preset_weights,
    presets_for,
    put_weights,
    write_weights,
)

SDXL, SD1 = block_map("sdxl"), block_map("sd1")
GAMMA = "0,0.1,0.1,0,0.1,0.1,0,0.1,0.1,0,0,0,0,0,0.05,0.05,0.05,0.05,0.05,0.05"


def test_a_list_survives():
    assert write_weights(parse_weights(GAMMA, SDXL)) == GAMMA


@pytest.mark.parametrize("separator", [", ", " ", "\n", ";", " ,\t"])
def test_any_separator(separator):
    assert write_weights(parse_weights(separator.join(GAMMA.split(",")) + "\n", SDXL)) == GAMMA


@pytest.mark.parametrize("pasted", ["GRAD_V\t{}", "my_preset: {}", "mbw({})", "[{}]", "weights = ({})", '"{}"'])
def test_lines_of_other_tools_preset_files_and_lists_of_programs(pasted):
    assert write_weights(parse_weights(pasted.format(GAMMA), SDXL)) == GAMMA


def test_26_values_lose_the_blocks_that_sdxl_lacks():
    values = parse_weights(",".join(map(str, range(26))), SDXL)
    # BASE IN00-IN08, not IN09-IN11, M00, OUT00-OUT08, not OUT09-OUT11
    assert values == [Fraction(n) for n in (*range(10), 13, *range(14, 23))]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "1,2,3",
        GAMMA + ",0",
        GAMMA.replace("0.05", "x"),
        "nan " * 20,
        "1/2 " * 20,
        "0" * 3000,
        "GRAD_V",
        "inf," + GAMMA[2:],
    ],
)
def test_other_texts_are_refused(text):
    with pytest.raises(RefusedError):
        parse_weights(text, SDXL)


def test_every_preset_that_is_offered_fits():
    for blocks in (SDXL, SD1):
        assert len(presets_for(blocks)) >= 10
        for name in presets_for(blocks):
            assert len(preset_weights(name, blocks).split(",")) == len(blocks.names)
    assert "gamma" in presets_for(SDXL)
    assert "gamma" not in presets_for(SD1)  # 20 values


def test_weights_in_a_formula_are_found():
    assert find_weights(f"x = a\nweighted_sum(x, b, mbw({GAMMA}))") == ("sdxl", GAMMA)
    assert find_weights(f"a + mbw({GAMMA}, VAE=0.5)*(b - a)") == ("sdxl", GAMMA)
    assert find_weights('a + mbw("gamma")*(b - a)') == ("sdxl", GAMMA)
    assert find_weights(f"weighted_sum(a, b, mbw({','.join(['1'] * 26)}))") == ("sd1", ",".join(["1"] * 26))
    for none in ("a + b", "mbw()", "mbw($x, 1)", "mbw(1,2)", "blocks(IN00=1)", 'mbw("nothing")'):
        assert find_weights(none) is None


def test_weights_in_a_formula_are_read_for_the_network_of_its_models():
    ones = {26: ",".join(["1"] * 26), 20: ",".join(["1"] * 20)}
    assert find_weights(f"weighted_sum(a, b, mbw({ones[26]}))", "sdxl") == ("sdxl", ones[20])
    assert find_weights(f"weighted_sum(a, b, mbw({ones[20]}))", "sd1") is None
    assert find_weights('weighted_sum(a, b, mbw("gamma"))', "sdxl") == ("sdxl", GAMMA)
    assert find_weights('weighted_sum(a, b, mbw("GRAD_V"))', "sd1") == ("sd1", preset_weights("GRAD_V", SD1))


def test_weights_are_put_where_others_stand():
    assert put_weights("weighted_sum(a, b, mbw(1,2))", "0,1") == "weighted_sum(a, b, mbw(0,1))"
    assert put_weights("f(a, mbw())", "0,1") == "f(a, mbw(0,1))"
    assert put_weights("f(a, mbw(3,4, VAE=0.5, OUT=1))", "0,1") == "f(a, mbw(0,1, VAE=0.5, OUT=1))"
    assert put_weights("mbw(1)*(a-b) + mbw(2)*c", "0") == "mbw(0)*(a-b) + mbw(2)*c"


def test_weights_are_put_in_place_of_the_setting():
    assert put_weights("weighted_sum(a, b, alpha=0.25)", "0,1") == "weighted_sum(a, b, alpha=mbw(0,1))"
    assert (
        put_weights("sum_twice(a, b, c, alpha=.5, beta=0.1)", "0,1") == "sum_twice(a, b, c, alpha=mbw(0,1), beta=0.1)"
    )


def test_without_a_place_it_says_what_to_do():
    with pytest.raises(RefusedError, match=r"mbw\(\)"):
        put_weights("a + 0.5*(b - c)", "0,1")
