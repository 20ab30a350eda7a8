from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.prompt.tags.distance import slips
from lib_kohaku.prompt.tags.index import TagIndex
from lib_kohaku.prompt.tags.model import Category, Tag
from lib_kohaku.prompt.tags.ranking import rank
from lib_kohaku.prompt.tags.search import Match, TagSearch

TAGS = [
    Tag("1girl", Category.GENERAL, 6_000_000, ("1girls", "sole_female")),
    Tag("long_hair", Category.GENERAL, 4_000_000, ("/lh", "longhair")),
    Tag("blue_hair", Category.GENERAL, 800_000),
    Tag("hair_ornament", Category.GENERAL, 1_500_000, ("hair_ornaments",)),
    Tag("hairband", Category.GENERAL, 500_000),
    Tag("yellow_eyes", Category.GENERAL, 700_000, ("golden_eyes",)),
    Tag("orange_eyes", Category.GENERAL, 150_000, ("golden_eyes",)),
    Tag("saber_(fate)", Category.CHARACTER, 40_000),
    Tag("saber_alter", Category.CHARACTER, 9_000),
    Tag("dress", Category.GENERAL, 1_300_000),
    Tag("dress_lift", Category.GENERAL, 20_000),
    Tag("\\m/", Category.GENERAL, 5_000),
    Tag("old", Category.GENERAL, 12_650, (), True),
    Tag("masterpiece", Category.PROFILE, 0, (), True),
]


def searcher(tags=TAGS, favour=None):
    index = TagIndex.build([tags])
    return TagSearch(index, rank(index, favour))


def names(hits):
    return [hit.tag.name for hit in hits]


def test_an_exact_name_comes_before_more_frequent_longer_ones():
    hits = searcher().complete("dress")
    assert names(hits) == ["dress", "dress_lift"]
    assert [hit.match for hit in hits] == [Match.EXACT, Match.PREFIX]


def test_a_beginning_outranks_a_later_word_unless_that_is_ten_times_as_frequent():
    # log10: hair_ornament 6.18 + 1, long_hair 6.60, blue_hair 5.90, hairband 5.70 + 1
    assert names(searcher().complete("hair")) == ["hair_ornament", "hairband", "long_hair", "blue_hair"]


@pytest.mark.parametrize(
    ("query", "expected", "match", "matched"),
    [
        ("/lh", "long_hair", Match.ALIAS, "/lh"),
        ("sole fem", "1girl", Match.ALIAS, "sole_female"),
        ("fate", "saber_(fate)", Match.WORD, "saber_(fate)"),
        ("(fa", "saber_(fate)", Match.WORD, "saber_(fate)"),
        ("Saber (F", "saber_(fate)", Match.PREFIX, "saber_(fate)"),
        (r"saber \(fate\)", "saber_(fate)", Match.EXACT, "saber_(fate)"),
        ("\\m/", "\\m/", Match.EXACT, "\\m/"),
        ("mast", "masterpiece", Match.PREFIX, "masterpiece"),
    ],
)
def test_ways_to_find_a_tag(query, expected, match, matched):
    hit = searcher().search(query)[0]
    assert (hit.tag.name, hit.match, hit.matched) == (expected, match, matched)


def test_a_blank_at_the_end_finishes_the_word():
    assert names(searcher().complete("dress ")) == ["dress_lift"]


def test_words_in_any_order():
    assert names(searcher().any_order("hair blue")) == ["blue_hair"]
    assert searcher().search("hair blue")[0].match is Match.WORDS
    assert searcher().any_order("hair green") == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [("yelow_eyes", "yellow_eyes"), ("bule hair", "blue_hair"), ("saber (fatr)", "saber_(fate)"), ("1gril", "1girl")],
)
def test_slips_of_the_keyboard(query, expected):
    hit = searcher().search(query)[0]
    assert (hit.tag.name, hit.match) == (expected, Match.TYPO)


def test_a_misspelt_alias_is_found_and_told():
    hit = searcher().suggest("goldne_eyes")[0]
    assert (hit.tag.name, hit.matched) == ("yellow_eyes", "golden_eyes")


@pytest.mark.parametrize("query", ["", " ", "\n", "zzzzzzzz", "ab \ud800c", "x" * 100_000, "\ud800", "%", "*", "日本"])
def test_nothing_is_found_for_nonsense_and_nothing_breaks(query):
    assert searcher().search(query) == []


def test_the_limit_is_kept_and_each_tag_comes_once():
    assert names(searcher().complete("hair", 2)) == ["hair_ornament", "hairband"]
    assert searcher().complete("hair", 0) == []
    assert len(names(searcher().search("h", 50))) == len(set(names(searcher().search("h", 50))))


def test_what_the_user_takes_often_moves_up():
    # saber_(fate) has 4.4 times the posts of saber_alter: 0.65 powers of ten.
    assert names(searcher().complete("saber")) == ["saber_(fate)", "saber_alter"]
    assert names(searcher(favour={"saber_alter": 0.6}).complete("saber")) == ["saber_(fate)", "saber_alter"]
    assert names(searcher(favour={"saber_alter": 0.7}).complete("saber")) == ["saber_alter", "saber_(fate)"]


def test_an_empty_index_finds_nothing():
    empty = searcher([])
    assert empty.search("a") == []
    assert empty.suggest("abcdef") == []


NAMES = st.text(alphabet="ab_(:é", min_size=1, max_size=8).map(lambda text: text.strip("_")).filter(bool)


def begins_a_word(text, query):
    """The rule in another form: at the start, after an underscore, or a letter after a sign."""
    places = [match.start() for match in re.finditer(f"(?={re.escape(query)})", text)]
    return any(
        place == 0 or text[place - 1] == "_" or (text[place] in "abé" and text[place - 1] not in "abé")
        for place in places
    )


@given(st.lists(st.tuples(NAMES, st.lists(NAMES, max_size=2)), max_size=30, unique_by=lambda row: row[0]), NAMES)
def test_completion_agrees_with_a_plain_scan(rows, query):
    tags = [Tag(name, Category.GENERAL, 1, tuple(dict.fromkeys(aliases))) for name, aliases in rows]
    expected = {tag.name for tag in tags if any(begins_a_word(text, query) for text in (tag.name, *tag.aliases))}
    assert set(names(searcher(tags).complete(query, 1000))) == expected


@pytest.mark.parametrize(
    ("first", "second", "limit", "expected"),
    [
        ("kitten", "sitting", 5, 3),
        ("bule", "blue", 2, 1),
        ("abc", "abc", 0, 0),
        ("", "abc", 3, 3),
        ("ca", "abc", 5, 3),  # optimal string alignment; unrestricted Damerau-Levenshtein would say 2
        ("kitten", "sitting", 2, 3),
        ("a", "abcdefgh", 2, 3),
    ],
)
def test_slips_by_hand(first, second, limit, expected):
    assert slips(first, second, limit) == expected
    assert slips(second, first, limit) == expected


def naive(first, second):
    if not first or not second:
        return len(first) + len(second)
    best = min(
        naive(first[1:], second) + 1,
        naive(first, second[1:]) + 1,
        naive(first[1:], second[1:]) + (first[0] != second[0]),
    )
    if len(first) > 1 and len(second) > 1 and first[0] == second[1] and first[1] == second[0]:
        best = min(best, naive(first[2:], second[2:]) + 1)
    return best


@given(st.text(alphabet="abc", max_size=5), st.text(alphabet="abc", max_size=5), st.integers(0, 6))
def test_slips_agree_with_the_definition(first, second, limit):
    assert slips(first, second, limit) == min(naive(first, second), limit + 1)
