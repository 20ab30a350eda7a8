"""How CLIP cuts a text into words, before it cuts the words into tokens."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

_CONTRACTION = re.compile(r"'(?:s|t|re|ve|m|ll|d)", re.IGNORECASE)


class Word(NamedTuple):
    """A word with its place in the text."""

    text: str
    start: int
    end: int


def words(text: str) -> Iterator[Word]:
    """Runs of letters, single digits, runs of anything else but blanks, and endings such as ``'s``."""
    position = 0
    while position < len(text):
        kind = _kind(text[position])
        if kind == " ":
            position += 1
            continue
        contraction = _CONTRACTION.match(text, position) if text[position] == "'" else None
        end = contraction.end() if contraction else position + 1
        if contraction is None and kind != "N":
            while end < len(text) and _kind(text[end]) == kind:
                end += 1
        yield Word(text[position:end], position, end)
        position = end


def _kind(character: str) -> str:
    """L letter, N digit or other number, blank, or anything else."""
    if character.isspace():
        return " "
    category = unicodedata.category(character)[0]
    return category if category in "LN" else "?"
