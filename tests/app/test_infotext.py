"""Generation parameters as the webui writes them."""

from __future__ import annotations

import pytest

from lib_kohaku.app.prompt.infotext import LONGEST_TEXT, looks_like_infotext, read_infotext
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.sizes.hires import Hires

TEXT = """1girl, solo,
blue hair
Negative prompt: low quality,
text
Steps: 28, Sampler: Euler a, CFG scale: 5.5, Seed: 1, Size: 896x1152, Model: kohaku, Note: "a, b: c", Version: 1"""


def test_everything_is_found():
    found = read_infotext(TEXT)
    assert found.prompt == "1girl, solo,\nblue hair"
    assert found.negative == "low quality,\ntext"
    assert (found.size, found.cfg, found.steps) == ((896, 1152), 5.5, 28)
    assert (found.sampler, found.model) == ("Euler a", "kohaku")
    assert looks_like_infotext(TEXT)


def test_a_bare_prompt_is_a_prompt():
    found = read_infotext("1girl, re:zero, solo")
    assert (found.prompt, found.negative, found.size, found.cfg) == ("1girl, re:zero, solo", "", None, None)
    assert not looks_like_infotext("1girl, solo")


@pytest.mark.parametrize("last", ["Steps: x, CFG scale: nan, Size: 0x0", "Steps: 99999, CFG scale: inf, Size: 99999x1"])
def test_nonsense_values_are_as_good_as_none(last):
    found = read_infotext("1girl\n" + last)
    assert (found.size, found.cfg, found.steps) == (None, None, None)


def test_an_endless_text_is_refused():
    with pytest.raises(RefusedError):
        read_infotext("a" * (LONGEST_TEXT + 1))


HIRES = "Denoising strength: 0.4, Hires upscale: 1.5, Hires upscaler: R-ESRGAN 4x+ Anime6B"


def test_clip_skip_schedule_and_hires_fix_are_found():
    last = f"Steps: 28, Sampler: DPM++ 2M, Schedule type: Karras, CFG scale: 5.5, Size: 8x8, Clip skip: 2, {HIRES}"
    found = read_infotext("1girl\n" + last)
    assert (found.sampler, found.scheduler, found.clip_skip) == ("DPM++ 2M", "Karras", 2)
    assert found.hires == Hires(True, "R-ESRGAN 4x+ Anime6B", 1.5, 0.4)


def test_what_the_webui_leaves_out_is_what_it_was_set_to():
    """It writes a clip skip only if it is not 1, and nothing of a hires fix that was off."""
    found = read_infotext(TEXT)
    assert (found.clip_skip, found.hires, found.scheduler) == (1, Hires(False), "")
    bare = read_infotext("1girl, solo")
    assert (bare.clip_skip, bare.hires) == (None, None)


def test_an_image_of_img2img_had_no_hires_fix():
    found = read_infotext("1girl\nSteps: 28, Sampler: Euler, Denoising strength: 0.75, Size: 8x8")
    assert found.hires == Hires(False)


@pytest.mark.parametrize("last", ["Clip skip: 99", "Clip skip: x", "Hires upscale: 99", "Denoising strength: 7"])
def test_settings_out_of_bounds_are_as_good_as_none(last):
    found = read_infotext(f"1girl\nSteps: 28, Sampler: Euler, Hires upscaler: Latent, {last}")
    assert found.clip_skip in (None, 1)
    assert found.hires == Hires(True, "Latent")
