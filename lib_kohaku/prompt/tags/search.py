"""Searching as one types: prefixes, beginnings of words, aliases, words in any order, and misspelt names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from lib_kohaku.prompt.tags.arrays import ALIAS_START, NAME_START, Ints, trigrams
from lib_kohaku.prompt.tags.distance import slips
from lib_kohaku.prompt.tags.index import TagIndex
from lib_kohaku.prompt.tags.model import Tag, normalise
from lib_kohaku.prompt.tags.ranking import Scores

LONGEST_QUERY = 200
# In powers of ten of the post count: a name that begins with the query outranks one in which a later word does,
# unless the latter is ten times as frequent. By key kind: name start, name word, alias start, alias word.
_BONUS = np.array([1.0, 0.0, 0.0, -1.0], dtype=np.float32)
_EXACT_NAME, _EXACT_ALIAS = 20.0, 10.0
_TYPO_CANDIDATES = 60
_SHORTEST_TYPO = 3
_MOST_SLIPS = 4
_SHORTEST_WORD = 2


class Match(str, Enum):
    """How a hit was found."""

    EXACT = "exact"
    PREFIX = "prefix"
    WORD = "word"
    ALIAS = "alias"
    WORDS = "words"
    TYPO = "typo"


@dataclass(frozen=True)
class Hit:
    """One answer.

    Attributes:
        tag: The tag.
        match: How it was found.
        matched: The name or alias that matched; the tag's own name unless it was found by an alias.
    """

    tag: Tag
    match: Match
    matched: str


class TagSearch:
    """Search over an index, ranked by ``scores``. Never changes, so that threads can share it."""

    def __init__(self, index: TagIndex, scores: Scores) -> None:
        self.index = index
        self.scores = scores

    def search(self, query: str, limit: int = 20) -> list[Hit]:
        """The best answers of every kind: completions first, then words in any order, and typos if nothing fits.

        Args:
            query: What was typed, with blanks or underscores, escaped for the prompt or not.
            limit: The most answers to give.
        """
        hits = self.complete(query, limit)
        if len(hits) < limit:
            seen = {hit.tag.name for hit in hits}
            hits += [hit for hit in self.any_order(query, limit) if hit.tag.name not in seen][: limit - len(hits)]
        return hits or self.suggest(query, limit)

    def complete(self, query: str, limit: int = 20) -> list[Hit]:
        """Tags of which a word, or a word of an alias, begins with what was typed; an exact name comes first."""
        low, high, wanted = self._range(query)
        if low == high or limit < 1:
            return []
        values = self.scores.values[self.index.key_tag[low:high]] + _BONUS[self.index.arrays.key_kind[low:high]]
        exact = set()
        for key in self.index.exact_keys(wanted):
            kind = self.index.arrays.key_kind[key]
            if kind in (NAME_START, ALIAS_START):
                exact.add(key)
                values[key - low] += _EXACT_NAME if kind == NAME_START else _EXACT_ALIAS
        hits: dict[int, Hit] = {}
        for offset in _best_first(values, limit):
            key = low + offset
            number = int(self.index.key_tag[key])
            if number not in hits:
                hits[number] = self._hit(key, number, key in exact)
            if len(hits) == limit:
                break
        return list(hits.values())

    def any_order(self, query: str, limit: int = 20) -> list[Hit]:
        """Tags in which every word of the query begins some word: ``hair blue`` finds ``blue_hair``."""
        words = [word.encode("utf-8", "replace") for word in _typed(query).split("_") if len(word) >= _SHORTEST_WORD]
        if len(words) < 2 or limit < 1:
            return []
        common: Ints | None = None
        for word in words:
            low, high = self.index.key_range(word)
            tags = np.unique(self.index.key_tag[low:high])
            common = tags if common is None else np.intersect1d(common, tags, assume_unique=True)
        assert common is not None  # there are at least two words
        numbers = [int(common[offset]) for offset in _best_first(self.scores.values[common], limit)][:limit]
        return [Hit(tag, Match.WORDS, tag.name) for tag in map(self.index.tag, numbers)]

    def suggest(self, query: str, limit: int = 10) -> list[Hit]:
        """Tags whose name or alias was probably meant: few slips first, then the more frequent ones.

        One slip is allowed in every three letters, four in all. Candidates are the entries that share most trigrams
        with the query (Dice coefficient), nudged by frequency.
        """
        wanted = normalise(query[:LONGEST_QUERY])
        if len(wanted) < _SHORTEST_TYPO or limit < 1 or not len(self.index):
            return []
        allowed = min(len(wanted) // 3, _MOST_SLIPS)
        ranked: dict[int, tuple[int, float, str]] = {}
        for entry in self._candidates(wanted):
            text = self.index.entry_text(entry)
            number = int(self.index.arrays.entry_tag[entry])
            rank = (slips(wanted, text, allowed), -float(self.scores.values[number]), text)
            if rank[0] <= allowed and (number not in ranked or rank < ranked[number]):
                ranked[number] = rank
        best = sorted(ranked, key=lambda number: ranked[number])[:limit]
        return [Hit(self.index.tag(number), Match.TYPO, ranked[number][2]) for number in best]

    def _candidates(self, wanted: str) -> list[int]:
        padded = np.frombuffer(b"\n" + wanted.encode("utf-8", "replace") + b"\n", dtype=np.uint8)
        grams = np.unique(trigrams(padded)).astype(np.int32)
        shared = self.index.entries_with_grams(grams)
        some = np.flatnonzero(shared)
        arrays = self.index.arrays
        likeness = 2.0 * shared[some] / (len(grams) + arrays.entry_grams[some])
        likeness += 0.02 * self.scores.values[arrays.entry_tag[some]]
        if len(some) > _TYPO_CANDIDATES:
            some = some[np.argpartition(-likeness, _TYPO_CANDIDATES)[:_TYPO_CANDIDATES]]
        return [int(entry) for entry in some]

    def _range(self, query: str) -> tuple[int, int, bytes]:
        typed = _typed(query)
        # A name may hold backslashes of its own (\m/); only when none fits are they the prompt's escapes.
        for text in dict.fromkeys((typed, typed.replace("\\", ""))):
            wanted = text.encode("utf-8", "replace")
            low, high = self.index.key_range(wanted) if wanted else (0, 0)
            if low < high:
                return low, high, wanted
        return 0, 0, b""

    def _hit(self, key: int, number: int, exact: bool) -> Hit:
        kind = int(self.index.arrays.key_kind[key])
        tag = self.index.tag(number)
        if kind >= ALIAS_START:
            return Hit(tag, Match.ALIAS, self.index.entry_text(int(self.index.arrays.key_entry[key])))
        match = Match.EXACT if exact else Match.PREFIX if kind == NAME_START else Match.WORD
        return Hit(tag, match, tag.name)


def _typed(query: str) -> str:
    """The query in the form of names; a blank at the end means that a word is finished."""
    query = query[:LONGEST_QUERY]
    name = normalise(query)
    return f"{name}_" if name and query[-1].isspace() else name


def _best_first(values: npt.NDArray[np.float32], wanted: int) -> Iterator[int]:
    """Positions in falling order of value, sorting no more of them than are asked for."""
    done = 0
    size = max(32, 4 * wanted)  # a tag can be there several times, by its name's words and its aliases
    while done < len(values):
        size = min(size, len(values))
        if size < len(values):
            part = np.argpartition(-values, size - 1)[:size]
            part.sort()
        else:
            part = np.arange(size)
        yield from part[np.argsort(-values[part], kind="stable")][done:].tolist()
        done, size = size, 4 * size
