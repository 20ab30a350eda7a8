"""Making one list out of several."""

from __future__ import annotations

from collections.abc import Iterable

from lib_kohaku.prompt.tags.model import Category, Tag

# Categories that say less than any other: a list that knows better replaces them.
_VAGUE = frozenset({Category.UNKNOWN, Category.PROFILE})


def merge_tag_lists(lists: Iterable[Iterable[Tag]]) -> list[Tag]:
    """Merge tag lists by name.

    A tag that several lists have gets the category of the first list that knows it, the largest count, and the
    aliases of all. It is a profile word if any list says so.

    Args:
        lists: The lists, most trusted first.

    Returns:
        The tags, those with most posts first; among equals the order of the lists.
    """
    tags: dict[str, Tag] = {}
    for members in lists:
        for tag in members:
            known = tags.get(tag.name)
            tags[tag.name] = tag if known is None else _merge(known, tag)
    return sorted(tags.values(), key=_by_posts)


def _by_posts(tag: Tag) -> int:
    return -tag.posts


def _merge(first: Tag, second: Tag) -> Tag:
    return Tag(
        first.name,
        second.category if first.category in _VAGUE and second.category is not Category.UNKNOWN else first.category,
        max(first.posts, second.posts),
        tuple(dict.fromkeys((*first.aliases, *second.aliases))),
        first.profile_word or second.profile_word,
    )
