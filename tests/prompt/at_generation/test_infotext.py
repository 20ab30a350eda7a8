"""The choice survives the webui's writing and reading of infotexts."""

from __future__ import annotations

import json
import re

from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.prompt.at_generation import LEAVE_OUT, WordChoice, chosen_in_infotext, infotext_of
from lib_kohaku.prompt.at_generation.choice import ModelWords, words_of
from lib_kohaku.prompt.at_generation.infotext import PROFILE_KEY, shown_as
from lib_kohaku.prompt.format import TagClass
from lib_kohaku.prompt.format.from_profile import order_spec
from lib_kohaku.prompt.format.pickers import pickers
from lib_kohaku.prompt.profiles.loader import load_profiles

PROFILES = load_profiles().profiles


def written(values):
    """As v1.10.1 writes a line of parameters (``infotext_utils.quote``)."""
    pairs = {"Steps": "20", **values, "CFG scale": "7"}
    quoted = {k: json.dumps(v, ensure_ascii=False) if re.search("[,:\n]", v) else v for k, v in pairs.items()}
    return ", ".join(f"{key}: {value}" for key, value in quoted.items())


def read(line):
    """As v1.10.1 reads it (``parse_generation_parameters`` and ``unquote``)."""
    found = {}
    for key, value in re.findall(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)', line):
        if value[0] == '"' and value[-1] == '"':
            value = json.loads(value)
        size = re.match(r"^(\d+)x(\d+)$", value)
        found.update({f"{key}-1": size[1], f"{key}-2": size[2]} if size else {key: value})
    return found


def test_every_word_of_every_model_comes_back():
    for profile in PROFILES:
        spec = order_spec(profile, PROFILES)
        for picker in pickers(profile):
            if picker.tag_class is TagClass.SOURCE:
                continue
            for option in picker.options:
                choice = WordChoice(negative=True).having(picker.tag_class, option.label)
                words = words_of(choice, profile, spec)
                found = chosen_in_infotext(read(written(infotext_of(profile.id, words))))
                assert found.profile == profile.id
                assert shown_as(found.of(picker.tag_class), picker) == option.label
                assert words_of(found, profile, spec).words == words.words
                assert found.negative is bool(profile.negative)


def test_kinds_that_were_left_out_come_back_left_out():
    found = chosen_in_infotext(read(written(infotext_of("x", ModelWords()))))
    assert found == WordChoice("x", LEAVE_OUT, LEAVE_OUT, LEAVE_OUT, LEAVE_OUT)


def test_images_without_our_keys_and_rubbish():
    assert chosen_in_infotext({"Steps": "20", "Kohaku quality": "masterpiece"}) is None
    assert chosen_in_infotext({PROFILE_KEY: 5}) is None
    assert chosen_in_infotext({PROFILE_KEY: "x", "Kohaku quality": ["y"]}).quality == LEAVE_OUT


# What profile.schema.json allows: one line, no comma.
words = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zl", "Zp")), min_size=1, max_size=20).map(
    lambda text: " ".join(text.replace(",", "").split())
)


@given(words.filter(bool))
def test_any_word_comes_back(word):
    line = written(infotext_of("x", ModelWords(((TagClass.QUALITY, (word,)),))))
    assert chosen_in_infotext(read(line)).quality == word
