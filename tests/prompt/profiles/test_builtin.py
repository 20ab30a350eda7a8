"""The built-in profiles against the reference, worked out by hand from its tables."""

from __future__ import annotations

import pytest

from lib_kohaku.prompt.profiles.loader import load_profiles
from lib_kohaku.prompt.profiles.model import Mark, Rating, Slot, is_verified
from lib_kohaku.prompt.profiles.words import spell, year_word
from lib_kohaku.prompt.tags.csv_reader import read_tag_list
from lib_kohaku.prompt.tags.model import normalise
from tests.prompt.real_data import real_file

PROFILES = load_profiles()
ALL = [pytest.param(profile, id=profile.id) for profile in PROFILES.profiles]


def profile(profile_id):
    return PROFILES.get(profile_id)


def test_all_twelve_are_there_and_sound():
    assert PROFILES.problems == ()
    kohaku = {f"kohaku-xl-{name}" for name in ("beta", "gamma", "delta", "epsilon", "zeta")}
    animagine = {f"animagine-xl-{version}" for version in ("2.0", "3.0", "3.1", "4.0")}
    others = {"illustrious-0.1", "noobai-xl-1.0", "pony-v6"}
    assert {profile.id for profile in PROFILES.profiles} == kohaku | animagine | others


ORDERS = {
    # From the model cards; only the slots that the source names, in its order
    "animagine-xl-3.0": "quality counts characters copyrights general",
    "animagine-xl-3.1": "counts characters copyrights general quality",
    "animagine-xl-4.0": "counts characters copyrights rating general quality",
    "kohaku-xl-gamma": "counts characters copyrights general",
    "kohaku-xl-delta": "counts characters copyrights artists quality rating year general",
    "kohaku-xl-epsilon": "counts characters copyrights artists general quality year meta rating",
    "kohaku-xl-zeta": "counts characters copyrights artists general quality year meta rating",
    "illustrious-0.1": "counts characters rating general artists quality year",
    "noobai-xl-1.0": "counts characters copyrights artists quality general",
    "pony-v6": "quality source rating general",
}


@pytest.mark.parametrize(("profile_id", "named"), ORDERS.items())
def test_the_order_of_what_the_source_names(profile_id, named):
    wanted = [Slot(name) for name in named.split()]
    assert [slot for slot in profile(profile_id).order.slots if slot in wanted] == wanted


def test_gammas_order_in_full_is_that_of_its_captions():
    assert [slot.value for slot in profile("kohaku-xl-gamma").order.slots if slot is not Slot.NATURAL] == (
        ["counts", "characters", "copyrights", "artists", "general", "meta", "year", "rating", "quality"]
    )


SEVEN = (
    "masterpiece",
    "best quality",
    "great quality",
    "good quality",
    "normal quality",
    "low quality",
    "worst quality",
)
OLDER_SEVEN = (
    "masterpiece",
    "best quality",
    "high quality",
    "medium quality",
    "normal quality",
    "low quality",
    "worst quality",
)
QUALITY = {
    "animagine-xl-2.0": (OLDER_SEVEN, (150, 100, 75, 25, 0, -5, None)),
    "animagine-xl-3.0": (OLDER_SEVEN, (150, 100, 75, 25, 0, -5, None)),
    "animagine-xl-3.1": (SEVEN, (95, 85, 75, 50, 25, 10, None)),
    "kohaku-xl-gamma": (SEVEN, (95, 85, 75, 50, 25, 10, None)),
    "kohaku-xl-delta": (SEVEN, (95, 85, 75, 50, 25, 10, None)),
    "kohaku-xl-epsilon": (SEVEN, (90, 75, 60, 45, 30, 10, None)),
    "kohaku-xl-zeta": (SEVEN, (90, 75, 60, 45, 30, 10, None)),
    "illustrious-0.1": (
        ("masterpiece", "best quality", "good quality", "average quality", "bad quality", "worst quality"),
        (92, 82, 60, 20, 8, None),
    ),
    "noobai-xl-1.0": (
        ("masterpiece", "best quality", "good quality", "normal quality", "worst quality"),
        (95, 85, 60, 30, None),
    ),
    "animagine-xl-4.0": (
        ("masterpiece", "high score", "great score", "good score", "average score", "bad score", "low score"),
        (None,) * 7,
    ),
    "pony-v6": (("score_9", "score_8_up", "score_7_up", "score_6_up", "score_5_up", "score_4_up"), (None,) * 6),
}


@pytest.mark.parametrize(("profile_id", "expected"), QUALITY.items())
def test_quality_words_and_cut_points(profile_id, expected):
    words = profile(profile_id).quality.words
    assert (tuple(word.text for word in words), tuple(word.above for word in words)) == expected


def test_beta_has_no_tag_system():
    beta = profile("kohaku-xl-beta")
    assert (beta.quality, beta.rating, beta.year, beta.aesthetic) == (None, None, None, None)
    assert not is_verified(beta.order.evidence)


@pytest.mark.parametrize(
    ("profile_id", "field", "table", "skip"),
    [
        ("kohaku-xl-gamma", "score", "score-after-5m", 6_880_000),
        ("kohaku-xl-delta", "fav_count", "fav-whole-site", 7_000_000),
        ("kohaku-xl-epsilon", "fav_count", "fav-whole-site", 7_500_000),
        ("kohaku-xl-zeta", "fav_count", "fav-whole-site", 7_500_000),
        ("animagine-xl-2.0", "score", "absolute", None),
    ],
)
def test_how_posts_were_measured(profile_id, field, table, skip):
    measure = profile(profile_id).quality.measure
    assert (measure.field, measure.table, measure.skip_ids_above) == (field, table, skip)


RATINGS = {
    "kohaku-xl-gamma": ("safe", "sensitive", "nsfw", "explicit|nsfw"),
    "kohaku-xl-zeta": ("safe", "sensitive", "nsfw", "explicit|nsfw"),
    "animagine-xl-3.1": ("safe", "sensitive", "nsfw", "explicit|nsfw"),
    "animagine-xl-3.0": ("rating: general", "rating: sensitive", "rating: questionable|nsfw", "rating: explicit|nsfw"),
    "animagine-xl-2.0": ("", "", "nsfw", "nsfw"),
    "animagine-xl-4.0": ("safe", "sensitive", "nsfw", "explicit"),
    "noobai-xl-1.0": ("safe", "sensitive", "nsfw", "nsfw|explicit"),
    "pony-v6": ("rating_safe", "rating_safe", "rating_questionable", "rating_explicit"),
}


@pytest.mark.parametrize(("profile_id", "expected"), RATINGS.items())
def test_rating_words(profile_id, expected):
    words = profile(profile_id).rating
    assert tuple("|".join(words.of(rating)) for rating in Rating) == expected


@pytest.mark.parametrize(
    ("profile_id", "expected"),
    [
        (
            "kohaku-xl-gamma",
            {
                2004: None,
                2005: "old",
                2010: "old",
                2011: "early",
                2014: "early",
                2015: "mid",
                2017: "mid",
                2018: "recent",
                2020: "recent",
                2021: "newest",
                2024: "newest",
                2025: None,
            },
        ),
        (
            "animagine-xl-3.0",
            {2005: "oldest", 2014: "early", 2018: "mid", 2019: "late", 2021: "late", 2023: "newest", 2024: None},
        ),
        ("animagine-xl-3.1", {2010: "oldest", 2014: "early", 2017: "mid", 2020: "recent", 2024: "newest"}),
        (
            "illustrious-0.1",
            {
                2001: "oldest",
                2017: "oldest",
                2018: "old",
                2019: "old",
                2020: "modern",
                2022: "recent",
                2023: "newest",
                2024: None,
            },
        ),
        ("noobai-xl-1.0", {2010: "old", 2013: "early", 2014: "early", 2015: "mid", 2020: "recent", 2024: "newest"}),
        ("animagine-xl-4.0", {2004: None, 2005: "year 2005", 2023: "year 2023", 2026: None}),
        ("animagine-xl-2.0", {2020: None}),
        ("pony-v6", {2020: None}),
    ],
)
def test_year_words(profile_id, expected):
    assert {year: year_word(profile(profile_id), year) for year in expected} == expected


@pytest.mark.parametrize(
    ("profile_id", "cfg", "steps", "clip_skip"),
    [
        ("kohaku-xl-gamma", (4, 7, None), None, 1),
        ("kohaku-xl-zeta", (3.5, 6.5, None), (12, 50), None),
        ("animagine-xl-2.0", (12, 12, None), (50, 50), None),
        ("animagine-xl-3.0", (5, 7, None), (None, 29), None),
        ("animagine-xl-3.1", (5, 7, None), (28, 28), None),
        ("animagine-xl-4.0", (4, 7, 5), (25, 28), None),
        ("illustrious-0.1", (5, 7.5, None), (20, 28), None),
        ("noobai-xl-1.0", (5, 6, None), (25, 30), None),
        ("pony-v6", None, (25, 25), 2),
    ],
)
def test_settings(profile_id, cfg, steps, clip_skip):
    settings = profile(profile_id).settings
    assert (settings.cfg and (settings.cfg.min, settings.cfg.max, settings.cfg.best)) == cfg
    assert (settings.steps and (settings.steps.min, settings.steps.max)) == steps
    assert settings.clip_skip == clip_skip


def test_samplers_that_the_sources_name():
    named = {one.id: one.settings.samplers for one in PROFILES.profiles if one.settings}
    euler = ("Euler a",)
    assert named == {
        "animagine-xl-2.0": euler,
        "animagine-xl-3.0": euler,
        "animagine-xl-3.1": euler,
        "animagine-xl-4.0": euler,
        "illustrious-0.1": euler,
        "noobai-xl-1.0": euler,
        "pony-v6": euler,
        "kohaku-xl-gamma": (),
        "kohaku-xl-zeta": ("Euler", "Euler a", "DPM++ exponential"),
    }
    assert [one.id for one in PROFILES.profiles if one.settings and one.settings.any_sampler] == ["kohaku-xl-gamma"]


def test_aesthetic_words_of_animagine_31():
    words = profile("animagine-xl-3.1").aesthetic.words
    assert [(word.text, word.above) for word in words] == [
        ("very aesthetic", 0.71),
        ("aesthetic", 0.45),
        ("displeasing", 0.27),
        ("very displeasing", None),
    ]


def test_the_number_of_words_in_the_usual_negatives():
    # Counted by hand.
    counts = {
        "animagine-xl-2.0": 17,
        "animagine-xl-3.0": 19,
        "animagine-xl-3.1": 23,
        "animagine-xl-4.0": 18,
        "noobai-xl-1.0": 17,
    }
    assert {key: len(profile(key).negative[0].text.split(", ")) for key in counts} == counts
    three = profile("animagine-xl-3.0").negative[0].text
    assert three == f"nsfw, {profile('animagine-xl-2.0').negative[0].text}, artist name"


@pytest.mark.parametrize(
    ("profile_id", "section"),
    [
        ("animagine-xl-3.0", "quality"),
        ("animagine-xl-3.0", "year"),
        ("kohaku-xl-gamma", "quality"),
        ("kohaku-xl-epsilon", "quality"),
        ("kohaku-xl-zeta", "quality"),
        ("noobai-xl-1.0", "rating"),
        ("noobai-xl-1.0", "aesthetic"),
        ("pony-v6", "rating"),
    ],
)
def test_what_the_reference_does_not_confirm_is_marked(profile_id, section):
    assert not is_verified(getattr(profile(profile_id), section).evidence)


def test_what_the_reference_confirms_is_not_marked():
    assert is_verified(profile("kohaku-xl-gamma").settings.evidence)
    assert is_verified(profile("animagine-xl-3.1").year.evidence)
    assert profile("illustrious-0.1").negative[0].evidence[0].mark is Mark.SECOND_HAND


@pytest.mark.parametrize("one", ALL)
def test_own_words_have_a_slot_in_the_order(one):
    assert set(one.own_words.values()) <= set(one.order.slots)


@pytest.mark.parametrize(
    ("profile_id", "name", "written"),
    [
        ("kohaku-xl-gamma", "long_hair", "long hair"),
        ("kohaku-xl-gamma", "o_o", "o_o"),
        ("kohaku-xl-gamma", "^_^", "^_^"),
        ("kohaku-xl-gamma", "(o)_(o)", "(o) (o)"),
        ("pony-v6", "score_8_up", "score_8_up"),
        ("pony-v6", "rating_safe", "rating_safe"),
        ("pony-v6", "source_anime", "source_anime"),
        ("pony-v6", "long_hair", "long hair"),
    ],
)
def test_spelling(profile_id, name, written):
    assert spell(profile(profile_id), name) == written


@pytest.mark.parametrize("one", ALL)
def test_no_two_names_of_the_real_list_are_spelt_alike(one):
    names = [tag.name for tag in read_tag_list(real_file("danbooru.csv")).tags]
    written = [spell(one, name) for name in names]
    assert len(set(written)) == len(names)
    assert all(normalise(text) == name for text, name in zip(written, names, strict=True))


def test_old_is_a_tag_and_a_word_and_no_other_word_of_gamma_is():
    tags = {tag.name for tag in read_tag_list(real_file("danbooru.csv")).tags}
    assert {word for word in profile("kohaku-xl-gamma").own_words if normalise(word) in tags} == {"old"}
