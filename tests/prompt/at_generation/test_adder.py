"""Words that are added when an image is made: which, where, and never twice."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.prompt.at_generation import KINDS, LEAVE_OUT, Adder, WordChoice
from lib_kohaku.prompt.at_generation.choice import ModelWords, words_of
from lib_kohaku.prompt.format import Classifier, TagClass
from lib_kohaku.prompt.format.from_profile import order_spec
from lib_kohaku.prompt.format.pickers import pickers
from lib_kohaku.prompt.profiles.loader import load_profiles
from lib_kohaku.prompt.syntax import Dialect
from tests.prompt.fixtures import TAGS
from tests.prompt.support import many, prompts

PROFILES = load_profiles()
SPECS = {profile.id: order_spec(profile, PROFILES.profiles) for profile in PROFILES.profiles}
C = TagClass


def adder(profile_id="kohaku-xl-gamma", choice=None, **instead):
    profile = PROFILES.get(profile_id)
    words = words_of(choice or WordChoice(), profile, SPECS[profile_id])
    replaced = {TagClass(kind): words for kind, words in instead.items()}
    return Adder(profile, Classifier(SPECS[profile_id], TAGS), words, replaced)


def words(profile_id, choice):
    return dict(words_of(choice, PROFILES.get(profile_id), SPECS[profile_id]).words)


@pytest.mark.parametrize(
    ("profile_id", "text", "result"),
    [
        ("kohaku-xl-gamma", "1girl, solo", "1girl, solo, newest, safe, masterpiece"),
        ("kohaku-xl-delta", "1girl, wlop, solo", "1girl, wlop, masterpiece, safe, newest, solo"),
        (
            "pony-v6",
            "1girl",
            "score_9, score_8_up, score_7_up, score_6_up, score_5_up, score_4_up, rating_safe, 1girl",
        ),
        ("animagine-xl-3.1", "1girl, solo", "1girl, solo, safe, masterpiece, best quality, very aesthetic"),
        ("kohaku-xl-beta", "1girl, solo", "1girl, solo"),
    ],
)
def test_the_usual_words_of_a_model(profile_id, text, result):
    assert adder(profile_id).prompt(text) == result


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("1girl, masterpiece", "1girl, newest, safe, masterpiece"),
        ("1girl, (Masterpiece:1.3)", "1girl, newest, safe, (Masterpiece:1.3)"),
        ("1girl, nsfw", "1girl, newest, nsfw, masterpiece"),
        ("1girl, explicit, nsfw, early", "1girl, explicit, nsfw, early, masterpiece"),
        ("1girl, worst quality, mid, sensitive", "1girl, worst quality, mid, sensitive"),
        ("1girl, [masterpiece::0.5]", "1girl, newest, safe, [masterpiece::0.5]"),
        ("1girl, masterpiece AND solo", "1girl, newest, safe, masterpiece AND solo"),
        ("1girl AND solo, masterpiece", "1girl, newest, safe AND solo, masterpiece"),
    ],
)
def test_what_a_prompt_says_itself_goes_first(text, result):
    assert adder().prompt(text) == result


def test_ratings_are_never_spicier_than_asked_for():
    for profile in PROFILES.profiles:
        usual = {picker.tag_class: picker.usual for picker in pickers(profile)}.get(C.RATING, ())
        assert usual == (profile.rating.general if profile.rating else ()), profile.id
        assert not {"nsfw", "explicit"} & set(usual)


@pytest.mark.parametrize(
    ("profile_id", "chosen", "found"),
    [
        ("kohaku-xl-gamma", "Leave out", ()),
        ("kohaku-xl-gamma", "none", ()),
        ("kohaku-xl-gamma", "good quality", ("good quality",)),
        ("kohaku-xl-gamma", "GOOD_quality", ("good quality",)),
        ("kohaku-xl-gamma", "masterpiece, best quality", ("masterpiece", "best quality")),
        ("kohaku-xl-gamma", "", ("masterpiece",)),
        ("pony-v6", "score_9, score_8_up", ("score_9", "score_8_up")),
        ("pony-v6", "score_9 ... score_7_up", ("score_9", "score_8_up", "score_7_up")),
        # Another family's word: as far down this one's scale.
        ("kohaku-xl-gamma", "high score", ("best quality",)),
        ("kohaku-xl-beta", "Usual", ()),
    ],
)
def test_choices_of_quality(profile_id, chosen, found):
    assert words(profile_id, WordChoice(quality=chosen)).get(C.QUALITY, ()) == found


def test_a_word_that_means_nothing_to_the_model_is_left_out_and_told():
    gamma = words_of(
        WordChoice(quality="shiny", year="oldest"), PROFILES.get("kohaku-xl-gamma"), SPECS["kohaku-xl-gamma"]
    )
    assert dict(gamma.words) == {C.RATING: ("safe",), C.YEAR: ("old",)}
    assert gamma.notes == ("Kohaku XL Gamma has no quality 'shiny': it is left out.",)
    beta = words_of(
        WordChoice(quality="masterpiece", negative=True), PROFILES.get("kohaku-xl-beta"), SPECS["kohaku-xl-beta"]
    )
    assert len(beta.notes) == 2 and not beta.negative


def test_years_by_template():
    assert words("animagine-xl-4.0", WordChoice(year="year 2019"))[C.YEAR] == ("year 2019",)
    assert C.YEAR not in words("animagine-xl-4.0", WordChoice(year="2019"))


def test_words_instead_of_the_prompts_own():
    grid = adder(choice=WordChoice(rating=LEAVE_OUT, year=LEAVE_OUT), quality=("good quality",))
    assert grid.prompt("1girl") == "1girl, good quality"
    assert grid.prompt("masterpiece, 1girl, best quality") == "good quality, 1girl"
    assert grid.prompt("1girl, safe") == "1girl, safe, good quality"
    assert adder(choice=WordChoice(), quality=()).prompt("1girl, masterpiece") == "1girl, newest, safe"


def test_the_usual_negative_goes_to_the_end_without_what_is_there():
    kohaku = adder(choice=WordChoice(negative=True))
    usual = "low quality, worst quality, normal quality, text, signature, jpeg artifacts, bad anatomy"
    assert kohaku.negative("") == usual
    assert kohaku.negative("blurry, (text:1.4), low quality:3") == (
        "blurry, (text:1.4), low quality:3, low quality, worst quality, normal quality, signature, jpeg artifacts, "
        "bad anatomy"
    )
    assert kohaku.negative(usual) == usual
    animagine = adder("animagine-xl-3.1", WordChoice(negative=True))
    assert "(bad), text" in animagine.negative("nsfw") and animagine.negative("nsfw").endswith(", [abstract]")
    assert adder().negative("blurry") == "blurry"


def test_comments_are_the_hosts_choice():
    off = replace(adder(), dialect=Dialect(comments=False))
    assert off.prompt("1girl # 1") == "1girl # 1, newest, safe, masterpiece"
    assert adder().prompt("1girl # 1") == "1girl, newest, safe, masterpiece # 1"


def test_a_word_that_cannot_be_written_breaks_nothing():
    broken = replace(adder(), words=ModelWords(((C.QUALITY, ("number#1",)),)))
    assert broken.prompt("1girl") == "1girl"


CHOICES = st.builds(
    WordChoice,
    quality=st.sampled_from(["Usual", LEAVE_OUT, "low quality", "score_9"]),
    rating=st.sampled_from(["Usual", "explicit, nsfw", "nsfw"]),
    year=st.sampled_from(["Usual", LEAVE_OUT, "old", "year 2023"]),
    negative=st.booleans(),
)


@many(300)
@given(text=prompts, profile=st.sampled_from(PROFILES.profiles), choice=CHOICES)
def test_twice_adds_nothing_more_and_nothing_gets_lost(text, profile, choice):
    adding = adder(profile.id, choice)
    for change in (adding.prompt, adding.negative):
        once = change(text)
        assert change(once) == once
        characters = iter(once)
        assert all(character in characters for character in text)
    once = adding.prompt(text)
    if once != text:
        for kind, chosen in adding.words.words:
            assert adding.has(text, kind) or adding.has(once, kind) == chosen
    assert {kind for kind, _ in adding.words.words} <= set(KINDS)
