"""The tag index as a :class:`~lib_kohaku.prompt.format.lookup.TagLookup`."""

from __future__ import annotations

from collections.abc import Sequence

from lib_kohaku.prompt.format.lookup import TagClass, TagInfo
from lib_kohaku.prompt.tags.implications import Implications
from lib_kohaku.prompt.tags.model import Category
from lib_kohaku.prompt.tags.search import TagSearch

_CLASS_OF_CATEGORY = {
    Category.ARTIST: TagClass.ARTIST,
    Category.COPYRIGHT: TagClass.SERIES,
    Category.CHARACTER: TagClass.CHARACTER,
    Category.META: TagClass.META,
    # Of a list without categories nothing can be put into an order.
    Category.UNKNOWN: TagClass.UNKNOWN,
}


class IndexLookup:
    """Answers out of an index.

    Args:
        search: A search over the index; its ranking decides which suggestion comes first.
        implications: Which tags imply which; none by default.
        complete: Whether a list of a booru's tags is in it, and not just the built-in vocabulary.
    """

    def __init__(self, search: TagSearch, implications: Implications | None = None, *, complete: bool = True) -> None:
        self.complete = complete
        self._search = search
        self._implications = implications or Implications()

    def resolve(self, key: str) -> TagInfo | None:
        """The tag of this name, or the most frequent one that has it as an alias.

        A model's own word that no list has as a tag is none.
        """
        tag = next(iter(self._search.index.resolve(key)), None)
        if tag is None or tag.category is Category.PROFILE:
            return None
        tag_class = _CLASS_OF_CATEGORY.get(tag.category, TagClass.GENERAL)
        return TagInfo(tag.name, tag_class, tag.posts, self._implications.implied_by(tag.name))

    def similar(self, key: str, limit: int) -> Sequence[str]:
        """Tags with few slips of the keyboard, the more frequent ones first."""
        return [hit.tag.name for hit in self._search.suggest(key, limit)]
