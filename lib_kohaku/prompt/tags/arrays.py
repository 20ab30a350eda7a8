"""The index as flat arrays: quick to build, to store in one file and to load back.

All names and aliases ("entries") lie in one text, parted by line feeds. Two structures point into it: the sorted
positions at which a word begins, in which a typed prefix is one contiguous range, and the entries of every three
bytes ("trigrams"), by which misspelt names are found.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from lib_kohaku.prompt.tags.model import CATEGORIES, Tag

Ints = npt.NDArray[np.int32]
Bytes = npt.NDArray[np.uint8]

NAME_START, NAME_WORD, ALIAS_START, ALIAS_WORD = range(4)
_BREAK = 0x0A
_UNDERSCORE = ord("_")


@dataclass(frozen=True)
class IndexArrays:
    """The arrays of an index over ``T`` tags, ``E`` entries, ``K`` keys and ``G`` trigrams.

    Attributes:
        text: uint8; a line feed, then every entry followed by a line feed.
        entry_start: int32 ``[E + 1]``; where each entry begins in ``text``.
        entry_tag: int32 ``[E]``; the tag of each entry. A tag's entries lie together, its name first.
        tag_entry: int32 ``[T + 1]``; the first entry of each tag.
        category: uint8 ``[T]``; position in ``CATEGORIES``.
        profile_word: uint8 ``[T]``; 0 or 1.
        posts: int32 ``[T]``; number of posts.
        key_position: int32 ``[K]``; where a word begins, ordered by the text from there to the entry's end.
        key_entry: int32 ``[K]``; the entry of each key.
        key_kind: uint8 ``[K]``; ``NAME_START``, ``NAME_WORD``, ``ALIAS_START`` or ``ALIAS_WORD``.
        gram: int32 ``[G]``; the trigrams in ascending order, as ``a << 16 | b << 8 | c``.
        gram_start: int32 ``[G + 1]``; where each trigram's entries begin in ``gram_entry``.
        gram_entry: int32; the entries that hold each trigram, ascending.
        entry_grams: int32 ``[E]``; number of different trigrams of each entry.
    """

    text: Bytes
    entry_start: Ints
    entry_tag: Ints
    tag_entry: Ints
    category: Bytes
    profile_word: Bytes
    posts: Ints
    key_position: Ints
    key_entry: Ints
    key_kind: Bytes
    gram: Ints
    gram_start: Ints
    gram_entry: Ints
    entry_grams: Ints


def build_arrays(tags: Sequence[Tag]) -> IndexArrays:
    """Build the arrays. Takes about a second for 140,000 tags.

    Args:
        tags: Merged, in the order in which equally good hits are to be shown.
    """
    entries: list[bytes] = []
    entries_per_tag = np.empty(len(tags), dtype=np.int32)
    for number, tag in enumerate(tags):
        before = len(entries)
        entries.append(tag.name.encode())
        if tag.aliases:
            entries.extend(alias.encode() for alias in tag.aliases)
        entries_per_tag[number] = len(entries) - before
    raw = b"\n" + b"".join(entry + b"\n" for entry in entries)
    text = np.frombuffer(raw, dtype=np.uint8)
    lengths = np.fromiter(map(len, entries), dtype=np.int32, count=len(entries))
    entry_start = _starts(lengths + 1) + 1
    tag_entry = _starts(entries_per_tag)
    numbers = {category: number for number, category in enumerate(CATEGORIES)}
    return IndexArrays(
        text=text,
        entry_start=entry_start,
        entry_tag=np.repeat(np.arange(len(tags), dtype=np.int32), entries_per_tag),
        tag_entry=tag_entry,
        category=np.fromiter((numbers[tag.category] for tag in tags), dtype=np.uint8, count=len(tags)),
        profile_word=np.fromiter((tag.profile_word for tag in tags), dtype=np.uint8, count=len(tags)),
        posts=np.fromiter((tag.posts for tag in tags), dtype=np.int32, count=len(tags)),
        **_build_keys(raw, text, entry_start, tag_entry),
        **_build_grams(text, lengths),
    )


def _starts(lengths: Ints) -> Ints:
    """Where runs of these lengths begin when they are laid end to end, and where the last one ends."""
    starts = np.zeros(len(lengths) + 1, dtype=np.int32)
    np.cumsum(lengths, out=starts[1:])
    return starts


def _build_keys(raw: bytes, text: Bytes, entry_start: Ints, tag_entry: Ints) -> dict[str, Any]:
    positions = _word_starts(text)
    entries = np.searchsorted(entry_start, positions, side="right").astype(np.int32) - 1
    ends = entry_start[entries + 1] - 1
    words = [raw[start:end] for start, end in zip(positions.tolist(), ends.tolist(), strict=True)]
    order = np.fromiter(sorted(range(len(words)), key=words.__getitem__), dtype=np.int32, count=len(words))
    is_alias = np.ones(len(entry_start) - 1, dtype=bool)
    is_alias[tag_entry[:-1]] = False
    inside = positions != entry_start[entries]
    kind = np.where(is_alias[entries], ALIAS_START, NAME_START) + inside
    return {
        "key_position": positions[order],
        "key_entry": entries[order],
        "key_kind": kind[order].astype(np.uint8),
    }


def _word_starts(text: Bytes) -> Ints:
    """Positions at which an entry begins, or a word in it: after an underscore, or a letter after a sign."""
    is_letter = np.zeros(256, dtype=bool)
    is_letter[[*range(ord("0"), ord("9") + 1), *range(ord("a"), ord("z") + 1), *range(0x80, 0x100)]] = True
    before, here = text[:-1], text[1:]
    starts = (before == _BREAK) | (before == _UNDERSCORE) | (~is_letter[before] & is_letter[here])
    starts &= here != _BREAK
    return (np.flatnonzero(starts) + 1).astype(np.int32)


def trigrams(text: Bytes) -> npt.NDArray[np.int64]:
    """The number of every three neighbouring bytes; int64 ``[len(text) - 2]``."""
    wide = text.astype(np.int64)
    return (wide[:-2] << 16) | (wide[1:-1] << 8) | wide[2:]


def _build_grams(text: Bytes, lengths: Ints) -> dict[str, Any]:
    # Every byte of an entry is the middle of one trigram; the line feeds around it mark the beginning and the end.
    middles = np.flatnonzero(text[1:-1] != _BREAK)
    entries = np.repeat(np.arange(len(lengths), dtype=np.int64), lengths)
    pairs = np.unique((trigrams(text)[middles] << 32) | entries)
    grams = (pairs >> 32).astype(np.int32)
    gram_entry = (pairs & 0xFFFFFFFF).astype(np.int32)
    first = np.flatnonzero(np.diff(grams, prepend=-1))
    return {
        "gram": grams[first],
        "gram_start": np.append(first, len(grams)).astype(np.int32),
        "gram_entry": gram_entry,
        "entry_grams": np.bincount(gram_entry, minlength=len(lengths)).astype(np.int32),
    }
