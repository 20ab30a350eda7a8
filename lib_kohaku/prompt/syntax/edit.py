"""Changes to a text as data: shown before they are made, made with one click, and touching nothing else."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lib_kohaku.prompt.syntax.errors import EditError


@dataclass(frozen=True, order=True)
class Span:
    """A place in a text: offsets of its first character and after its last one, in code points."""

    start: int
    end: int


@dataclass(frozen=True, order=True)
class Edit:
    """Replace ``text[start:end]``; an insertion if the two are equal."""

    start: int
    end: int
    replacement: str


def apply_edits(text: str, edits: Iterable[Edit]) -> str:
    """The text after all edits, whose offsets are those of the text before any of them.

    Insertions at one place keep the order in which they are given.

    Raises:
        EditError: If two edits overlap, or one lies outside of the text.
    """
    pieces: list[str] = []
    position = 0
    for edit in sorted(edits, key=lambda edit: (edit.start, edit.end)):
        if not position <= edit.start <= edit.end <= len(text):
            raise EditError(f"the edit of characters {edit.start} to {edit.end} overlaps another or leaves the text")
        pieces += [text[position : edit.start], edit.replacement]
        position = edit.end
    return "".join([*pieces, text[position:]])
