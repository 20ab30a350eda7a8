"""Generation parameters as the webui writes them."""

from __future__ import annotations

import pytest

from lib_kohaku.app.prompt.infotext import LONGEST_TEXT, looks_like_infotext, read_infotext
from lib_kohaku.errors import RefusedError

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
