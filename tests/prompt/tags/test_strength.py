from __future__ import annotations

import pytest

from lib_kohaku.prompt.tags.csv_reader import read_tag_list
from lib_kohaku.prompt.tags.model import Category
from lib_kohaku.prompt.tags.strength import Strength, known_strength
from tests.prompt.real_data import real_file


@pytest.mark.parametrize(
    ("posts", "strength"),
    [
        (1000, Strength.WORKS),
        (999, Strength.WITH_WEIGHT),
        (100, Strength.WITH_WEIGHT),
        (99, Strength.WEAK),
        (0, Strength.UNKNOWN),
    ],
)
def test_by_the_authors_rule_of_thumb(posts, strength):
    assert known_strength(posts) is strength


def test_the_artists_of_the_real_list():
    # Counted: 417 artists with at least 1,000 posts, 17,716 with at least 100
    artists = [tag for tag in read_tag_list(real_file("danbooru.csv")).tags if tag.category is Category.ARTIST]
    works = sum(known_strength(tag.posts) is Strength.WORKS for tag in artists)
    with_weight = sum(known_strength(tag.posts) is Strength.WITH_WEIGHT for tag in artists)
    assert (works, works + with_weight) == (417, 17_716)
