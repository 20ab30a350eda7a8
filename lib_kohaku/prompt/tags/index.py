"""Looking tags up by name, alias or prefix."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator

import numpy as np

from lib_kohaku.prompt.tags.arrays import ALIAS_START, NAME_START, IndexArrays, Ints, build_arrays
from lib_kohaku.prompt.tags.merge import merge_tag_lists
from lib_kohaku.prompt.tags.model import CATEGORIES, Tag, normalise

_BREAK = 0x0A


class TagIndex:
    """Tags and the ways to find them. Never changes, so that threads can share it.

    Tags are numbered from 0; the most frequent one is 0.

    Attributes:
        arrays: What it is made of.
        key_tag: The tag of each key; int32 ``[K]``.
    """

    def __init__(self, arrays: IndexArrays) -> None:
        self.arrays = arrays
        self._text = arrays.text.tobytes()
        self._positions = arrays.key_position.data
        self._starts = arrays.entry_start.data
        self._entry_tags = arrays.entry_tag.data
        self._tag_entries = arrays.tag_entry.data
        self.key_tag: Ints = arrays.entry_tag[arrays.key_entry]

    @classmethod
    def build(cls, lists: Iterable[Iterable[Tag]]) -> TagIndex:
        """Index the tags of several lists, the most trusted first."""
        return cls(build_arrays(merge_tag_lists(lists)))

    def __len__(self) -> int:
        return len(self.arrays.posts)

    def __iter__(self) -> Iterator[Tag]:
        return map(self.tag, range(len(self)))

    def tag(self, number: int) -> Tag:
        """The tag with a number."""
        first, end = self._tag_entries[number], self._tag_entries[number + 1]
        return Tag(
            self.entry_text(first),
            CATEGORIES[self.arrays.category[number]],
            int(self.arrays.posts[number]),
            tuple(self.entry_text(entry) for entry in range(first + 1, end)),
            bool(self.arrays.profile_word[number]),
        )

    def entry_text(self, entry: int) -> str:
        """A name or alias by its entry's number."""
        return self._text[self._starts[entry] : self._starts[entry + 1] - 1].decode()

    def key_range(self, prefix: bytes) -> tuple[int, int]:
        """The range of keys that begin with ``prefix`` (normalised, UTF-8, not empty); exact ones come first."""
        text, positions, length = self._text, self._positions, len(prefix)

        def begins(key: int) -> bytes:
            # May run into the next entry; harmless, since the line feed before that sorts below every prefix.
            position = positions[key]
            return text[position : position + length]

        keys = range(len(positions))
        low = bisect_left(keys, prefix, key=begins)
        return low, bisect_right(keys, prefix, lo=low, key=begins)

    def exact_keys(self, name: bytes) -> Iterator[int]:
        """The keys whose text is ``name`` and nothing more."""
        low, high = self.key_range(name)
        for key in range(low, high):
            if self._text[self._positions[key] + len(name)] != _BREAK:
                return
            yield key

    def find(self, name: str) -> int | None:
        """The number of the tag with this very name (not alias), or None."""
        return next(self._of_kind(name, NAME_START), None)

    def get(self, name: str) -> Tag | None:
        """The tag with this very name (not alias), blanks or underscores, or None."""
        number = self.find(name)
        return None if number is None else self.tag(number)

    def resolve(self, name: str) -> tuple[Tag, ...]:
        """The tags that a name may mean.

        Returns:
            The tag of that name if there is one; else every tag that has it as an alias (``golden_eyes`` and some
            two hundred others are aliases of several), most frequent first; else nothing.
        """
        tag = self.get(name)
        if tag is not None:
            return (tag,)
        return tuple(self.tag(number) for number in sorted(set(self._of_kind(name, ALIAS_START))))

    def _of_kind(self, name: str, kind: int) -> Iterator[int]:
        wanted = normalise(name).encode("utf-8", "replace")
        if not wanted:
            return
        for key in self.exact_keys(wanted):
            if self.arrays.key_kind[key] == kind:
                yield self._entry_tags[int(self.arrays.key_entry[key])]

    def entries_with_grams(self, grams: Ints) -> Ints:
        """How many of the given trigrams each entry has; int64 ``[E]``."""
        arrays = self.arrays
        found = np.searchsorted(arrays.gram, grams)
        inside = np.minimum(found, max(0, len(arrays.gram) - 1))
        present = inside[arrays.gram[inside] == grams] if len(arrays.gram) else inside[:0]
        runs = [arrays.gram_entry[arrays.gram_start[g] : arrays.gram_start[g + 1]] for g in present]
        entries = np.concatenate(runs) if runs else np.empty(0, dtype=np.int32)
        return np.bincount(entries, minlength=len(arrays.entry_tag))
