"""The section for a host's own pages, without a host: what its lists and texts say, whatever they are asked."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the section needs gradio 3, which is not installed here")

from lib_kohaku.app.prompt.added_words import AddedWords
from lib_kohaku.errors import RefusedError
from lib_kohaku.host.base import LoadedModel
from lib_kohaku.prompt.at_generation import WordChoice
from lib_kohaku.prompt.format import TagClass
from lib_kohaku.prompt.presets.codec import decode_preset
from lib_kohaku.ui.accordion.look import Looker
from lib_kohaku.ui.assets import asset_root
from tests.support.prompting import make_workbench

GAMMA = "Kohaku XL Gamma"
KINDS = ("quality", "rating", "year", "aesthetic")


@pytest.fixture
def words(tmp_path: Path) -> AddedWords:
    workbench = make_workbench(tmp_path)
    workbench.host.model = LoadedModel("kohakuXLGamma.safetensors", None)
    return AddedWords(workbench)


def look(words: AddedWords, *, enabled: Any = True, negative: Any = False, profile: Any = "Automatic", **more: Any):
    """Values by name, their choices, and the HTML without its tags."""
    chosen = [more.get(kind, "Usual") for kind in KINDS]
    found = Looker(lambda: words).look(
        enabled, negative, profile, *chosen, more.get("prompt", "1girl"), more.get("negative_prompt", "")
    )
    *lists, html = found
    return dict(zip(("profile", *KINDS), lists, strict=True)), html


def shown(html: str) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", html).split())


def test_lists_hold_the_words_of_the_loaded_model(words):
    lists, html = look(words)
    assert lists["quality"]["choices"][:3] == ["Usual", "Leave out", "masterpiece"]
    assert [lists[kind]["visible"] for kind in KINDS] == [True, True, True, False]
    assert lists["profile"]["choices"][0] == "Automatic" and GAMMA in lists["profile"]["choices"]
    assert "likely Kohaku XL Gamma The checkpoint's name" in shown(html).replace("&#x27;", "'")
    assert "Your prompt gets: newest safe masterpiece" in shown(html)
    assert 'data-kohaku-added="newest, safe, masterpiece"' in html


def test_what_is_told_is_what_happens(words):
    for prompt in ("", "1girl, nsfw", "masterpiece, AND, early", "1girl, (best quality:1.2)"):
        _, html = look(words, prompt=prompt)
        added = re.search('data-kohaku-added="([^"]*)"', html)[1].split(", ")
        after = words.adder(WordChoice()).prompt(prompt)
        gained = [word for word in ("newest", "safe", "masterpiece") if word in after and word not in prompt]
        assert [word for word in added if word != "nothing to add"] == gained


def test_off_it_tells_what_would_be(words):
    _, html = look(words, enabled=False, negative=True)
    assert "Off. Your prompt would get: newest safe masterpiece" in shown(html)
    assert 'data-kohaku-added=""' in html
    assert "negative prompt" not in shown(html)


def test_choices_go_over_into_another_models_words(words):
    lists, _ = look(words, profile="Animagine XL 4.0", quality="best quality", year="old", rating="sensitive")
    assert [lists[kind]["value"] for kind in KINDS] == ["high score", "sensitive", "Usual", "Usual"]
    lists, html = look(words, profile="Pony Diffusion V6 XL", quality="masterpiece")
    assert lists["quality"]["value"] == "Usual"
    assert "score_9" in shown(html)
    lists, html = look(words, profile="Kohaku XL Beta")
    assert [lists[kind]["visible"] for kind in KINDS] == [False] * 4
    assert "no words of its own" in shown(html)


def test_years_that_are_not_listed_stay(words):
    lists, _ = look(words, profile="Animagine XL 4.0", year="year 2019")
    assert lists["year"]["value"] == "year 2019" and "year 2019" in lists["year"]["choices"]


@pytest.mark.parametrize("value", [None, 5, [], {"a": 1}, "x" * 300_000, "<b>", "\ud800", "omega"])
def test_whatever_is_sent_is_answered(words, value):
    lists, html = look(
        words, enabled=value, negative=value, profile=value, quality=value, prompt=value, negative_prompt=value
    )
    assert lists["profile"]["value"] == "Automatic" and lists["quality"]["value"] == "Usual"
    assert "<b>" not in html
    assert len(Looker(lambda: words).look(value, value, value)) == 6  # too few: a message, and nothing changes


def test_names_of_models_are_text(words):
    words.workbench.host.model = LoadedModel("<img src=x onerror=alert(1)>kohaku-xl-gamma", None)
    _, html = look(words)
    assert "<img" not in html and "&lt;img" in html


def test_a_profile_with_a_name_that_is_taken_can_be_told_apart(tmp_path):
    folder = tmp_path / "data" / "profiles"
    folder.mkdir(parents=True)
    source = asset_root() / "lib_kohaku" / "prompt" / "profiles" / "data" / "kohaku-xl-gamma.json"
    document = json.loads(source.read_text("utf-8")) | {"id": "mine", "match": {}}
    (folder / "mine.json").write_text(json.dumps(document))
    words = AddedWords(make_workbench(tmp_path))
    lists, _ = look(words)
    assert {"Kohaku XL Gamma (mine)", "Kohaku XL Gamma (kohaku-xl-gamma)"} <= set(lists["profile"]["choices"])
    assert words.known("Kohaku XL Gamma (mine)").profile.id == "mine"
    assert look(words, profile="Kohaku XL Gamma (mine)")[0]["profile"]["value"] == "Kohaku XL Gamma (mine)"


def test_the_tag_list_says_where_words_in_the_middle_go(words):
    delta = words.adder(WordChoice("kohaku-xl-delta"))
    assert delta.prompt("1girl, hatsune miku, wlop, blue hair") == (
        "1girl, hatsune miku, wlop, masterpiece, safe, newest, blue hair"
    )


def test_words_instead_have_to_be_the_models(words):
    assert (
        words.adder(WordChoice(GAMMA), {TagClass.YEAR: "Leave out"}).prompt("1girl, old") == "1girl, safe, masterpiece"
    )
    with pytest.raises(RefusedError, match="Kohaku XL Gamma has no year 'never'"):
        words.adder(WordChoice(GAMMA), {TagClass.YEAR: "never"})
    with pytest.raises(RefusedError, match="no profile 'omega'"):
        words.adder(WordChoice("omega"))


def test_own_presets_go_before_shipped_ones(words):
    name = "Gamma: first portrait"
    assert words.preset(name).size is not None
    words.workbench.presets.save(decode_preset({"format": 1, "name": name}), overwrite=False)
    assert words.preset(name).size is None
    assert words.preset_names.count(name) == 1
