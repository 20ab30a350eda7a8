from __future__ import annotations

import pytest

from lib_kohaku.prompt.tags.csv_reader import read_tag_list
from lib_kohaku.prompt.tags.index import TagIndex
from lib_kohaku.prompt.tags.merge import merge_tag_lists
from lib_kohaku.prompt.tags.model import Category, Tag
from tests.prompt.real_data import real_file

TAGS = [
    Tag("orange_eyes", Category.GENERAL, 2, ("golden_eyes",)),
    Tag("yellow_eyes", Category.GENERAL, 9, ("golden_eyes", "ear")),
    Tag("ear", Category.GENERAL, 1),
    Tag("ears", Category.GENERAL, 3),
]


@pytest.fixture
def index():
    return TagIndex.build([TAGS])


def test_names_are_found_and_come_back_as_they_were(index):
    assert {index.get(tag.name) for tag in TAGS} == set(TAGS)
    assert len(index) == 4
    assert [tag.name for tag in index] == ["yellow_eyes", "ears", "orange_eyes", "ear"]  # by posts


@pytest.mark.parametrize("name", ["", "golden_eyes", "yellow", "yellow_eyes_", "eyes", "\n"])
def test_what_is_no_name_is_not_found(index, name):
    assert index.get(name) is None


def test_blanks_and_capitals_do_not_matter(index):
    assert index.get(" Yellow eyes ") == TAGS[1]


def test_an_ambiguous_alias_gives_all_its_tags_and_a_name_beats_an_alias(index):
    assert [tag.name for tag in index.resolve("golden eyes")] == ["yellow_eyes", "orange_eyes"]
    assert [tag.name for tag in index.resolve("ear")] == ["ear"]
    assert index.resolve("ea") == ()


def test_lists_are_merged_by_name():
    mine = [Tag("old", Category.UNKNOWN, 0, ("aged",)), Tag("new", Category.GENERAL, 1)]
    theirs = [Tag("old", Category.GENERAL, 12_650, ("aged", "elder")), Tag("best", Category.ARTIST, 7)]
    words = [Tag("old", Category.PROFILE, 0, (), True), Tag("masterpiece", Category.PROFILE, 0, (), True)]
    assert merge_tag_lists([mine, theirs, words]) == [
        Tag("old", Category.GENERAL, 12_650, ("aged", "elder"), True),
        Tag("best", Category.ARTIST, 7),
        Tag("new", Category.GENERAL, 1),
        Tag("masterpiece", Category.PROFILE, 0, (), True),
    ]


def test_the_first_list_that_knows_a_category_decides():
    lists = [[Tag("a", Category.ARTIST, 1)], [Tag("a", Category.GENERAL, 5)]]
    assert merge_tag_lists(lists) == [Tag("a", Category.ARTIST, 5)]


def test_every_name_and_alias_of_the_real_list_is_found():
    tags = read_tag_list(real_file("danbooru.csv")).tags
    index = TagIndex.build([tags])
    assert len(index) == len(tags)
    assert all(index.get(tag.name) == tag for tag in tags)
    names = {tag.name for tag in tags}
    owners: dict[str, set[str]] = {}
    for tag in tags:
        for alias in tag.aliases:
            owners.setdefault(alias, set()).add(tag.name)
    wrong = [
        alias
        for alias, expected in owners.items()
        if {tag.name for tag in index.resolve(alias)} != ({alias} if alias in names else expected)
    ]
    assert wrong == []
