"""The built-in profiles as formats, and the real tag list behind them."""

import pytest

from lib_kohaku.prompt.format import Classifier, TagClass, format_prompt
from lib_kohaku.prompt.format.from_index import IndexLookup
from lib_kohaku.prompt.format.from_profile import order_spec
from lib_kohaku.prompt.lint import Severity, lint
from lib_kohaku.prompt.profiles.loader import load_profiles
from lib_kohaku.prompt.syntax import escape, multicond
from lib_kohaku.prompt.tags.csv_reader import read_tag_list
from lib_kohaku.prompt.tags.implications import Implications
from lib_kohaku.prompt.tags.index import TagIndex
from lib_kohaku.prompt.tags.model import Category, Tag
from lib_kohaku.prompt.tags.ranking import rank
from lib_kohaku.prompt.tags.search import TagSearch
from tests.prompt.real_data import real_file
from tests.prompt.support import THOROUGH

PROFILES = load_profiles()
SPECS = {profile.id: order_spec(profile, PROFILES.profiles) for profile in PROFILES.profiles}
GAMMA = SPECS["kohaku-xl-gamma"]


def lookup_of(tags, implications=()):
    index = TagIndex.build([tags])
    return IndexLookup(TagSearch(index, rank(index)), Implications(implications))


SMALL = lookup_of(
    [
        Tag("1girl", Category.GENERAL, 6_000_000, ("sole_female",)),
        Tag("solo", Category.GENERAL, 5_000_000),
        Tag("long_hair", Category.GENERAL, 4_000_000),
        Tag("very_long_hair", Category.GENERAL, 800_000),
        Tag("saber_(fate)", Category.CHARACTER, 40_000),
        Tag("fate_(series)", Category.COPYRIGHT, 300_000),
        Tag("wlop", Category.ARTIST, 600),
        Tag("highres", Category.META, 5_000_000),
        Tag("masterpiece", Category.PROFILE, 0, (), True),
        Tag("somebody", Category.UNKNOWN),
    ],
    [("very_long_hair", "long_hair")],
)


def test_the_index_as_a_lookup():
    assert SMALL.resolve("sole_female").name == "1girl"
    assert SMALL.resolve("saber_(fate)").tag_class is TagClass.CHARACTER
    assert SMALL.resolve("very_long_hair").implies == ("long_hair",)
    assert SMALL.resolve("somebody").tag_class is TagClass.UNKNOWN
    assert SMALL.resolve("masterpiece") is None
    assert SMALL.resolve("nothing_of_the_kind") is None
    assert list(SMALL.similar("log_hair", 1)) == ["long_hair"]


SHUFFLED = "masterpiece, highres, solo, safe, wlop, newest, fate \\(series\\), saber \\(fate\\), 1girl"


@pytest.mark.parametrize(
    ("profile", "text"),
    [
        (
            "kohaku-xl-gamma",
            "1girl, saber \\(fate\\), fate \\(series\\), wlop, solo, highres, newest, safe, masterpiece",
        ),
        (
            "kohaku-xl-delta",
            "1girl, saber \\(fate\\), fate \\(series\\), wlop, masterpiece, safe, newest, solo, highres",
        ),
        (
            "animagine-xl-4.0",
            "1girl, saber \\(fate\\), fate \\(series\\), safe, wlop, solo, newest, masterpiece, highres",
        ),
    ],
)
def test_orders(profile, text):
    assert format_prompt(SHUFFLED, SPECS[profile], SMALL).after == text


def test_words_of_pony_keep_their_places_in_front():
    spec = SPECS["pony-v6"]
    assert format_prompt("1girl, rating_safe, source_anime, score_9", spec, SMALL).after == (
        "score_9, source_anime, rating_safe, 1girl"
    )
    assert spec.spell("score_9") == "score_9"
    assert spec.spell("long_hair") == "long hair"


def test_years_by_number():
    spec = SPECS["animagine-xl-4.0"]
    assert spec.word_class("year_2014") is TagClass.YEAR
    assert spec.word_class("year_14") is None


@pytest.mark.parametrize(
    ("word", "replacement"),
    [
        ("high quality", "great quality"),
        ("medium quality", "good quality"),
        ("late", "recent"),
        ("oldest", "old"),
        ("modern", "recent"),
        ("rating_safe", "safe"),
        ("score_9", None),
        ("very aesthetic", None),
        ("source_anime", None),
    ],
)
def test_words_of_other_families_on_gamma(word, replacement):
    assert GAMMA.foreign[word.replace(" ", "_")].replacement == replacement


def test_own_words_are_never_foreign():
    for spec in SPECS.values():
        assert not set(spec.foreign) & set(spec.word_classes)


def test_ratings_that_go_together():
    assert GAMMA.rating_sets == (frozenset({"explicit", "nsfw"}),)
    assert [f.code for f in lint("explicit, nsfw, 1girl", GAMMA, SMALL)] == []
    assert [f.code for f in lint("safe, nsfw, 1girl", GAMMA, SMALL)] == ["rating-conflict"]


@pytest.fixture(scope="module")
def everything():
    return lookup_of(read_tag_list(real_file("danbooru.csv")).tags)


@pytest.mark.parametrize("profile", SPECS)
def test_every_name_of_the_list_in_every_profile(profile, everything):
    """Twenty tags a prompt, ordered; every name is still read as itself, and nothing is wrong with it."""
    spec = SPECS[profile]
    names = [row.name for row in read_tag_list(real_file("danbooru.csv")).tags if "#" not in row.name]
    classifier = Classifier(spec, everything)
    step = 20 if THOROUGH else 1_000
    for start in range(0, len(names), step):
        some = names[start : start + 20]
        text = ", ".join([escape(spec.spell(name)) for name in some])
        result = format_prompt(text, spec, everything)
        assert not result.notes
        assert sorted(result.after.split(", ")) == sorted(text.split(", "))
        assert multicond(result.after) == [(result.after, 1.0)]
        assert [f for f in lint(result.after, spec, everything) if f.severity is Severity.ERROR] == []
        slots = {escape(spec.spell(name)): spec.slot_numbers[classifier.key(name).tag_class] for name in some}
        ranks = [slots[text] for text in result.after.split(", ")]
        assert ranks == sorted(ranks)
