"""Format as a preview: what would change, as data to be shown before anything is applied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.app.prompt.words import pickers, present_words, word_edits
from lib_kohaku.prompt.format import FormatResult, TagClass, format_prompt
from lib_kohaku.prompt.syntax import Edit, Span


class Change(str, Enum):
    """What happens to a piece of a prompt."""

    SAME = "same"
    MOVED = "moved"
    ADDED = "added"


@dataclass(frozen=True)
class Piece:
    """A piece of a prompt in the diff; ``tag_class`` is set for pieces that are more than filling."""

    text: str
    change: Change
    tag_class: str = ""


@dataclass(frozen=True)
class MissingWords:
    """Words of the model's own that the prompt has none of, and that are usually there."""

    tag_class: TagClass
    words: tuple[str, ...]


@dataclass(frozen=True)
class FormatPreview:
    """What Format would do.

    Attributes:
        before: The prompt.
        after: What it would become; equal to ``before`` if there is nothing to do.
        was: ``before`` in pieces; those that move are marked.
        becomes: ``after`` in pieces; those that moved or were added are marked.
        missing: Words that could be added as well, in the model's order.
        notes: What was left alone, and why.
    """

    before: str
    after: str
    was: tuple[Piece, ...]
    becomes: tuple[Piece, ...]
    missing: tuple[MissingWords, ...]
    notes: tuple[str, ...]


def preview(text: str, known: Knowledge, add: Iterable[TagClass] = ()) -> FormatPreview:
    """What Format would make of a prompt.

    Args:
        text: The prompt.
        known: The model and the tags.
        add: Kinds of words to add where the prompt has none of them.
    """
    result = format_prompt(text, known.spec, known.lookup, known.dialect)
    missing = missing_words(text, known)
    wanted = set(add)
    words = [(m.tag_class, word) for m in missing if m.tag_class in wanted for word in m.words]
    additions = word_edits(result.after, words, known)
    becomes = tuple(_pieces_after(result, additions))
    return FormatPreview(
        before=text,
        after="".join(piece.text for piece in becomes),
        was=tuple(_marked(text, [(move.source, move.tag_class) for move in result.moves])),
        becomes=becomes,
        missing=missing,
        notes=tuple(note.message for note in result.notes),
    )


def missing_words(text: str, known: Knowledge) -> tuple[MissingWords, ...]:
    """The usual words of each kind that a prompt has no word of."""
    found = [
        MissingWords(picker.tag_class, picker.usual)
        for picker in pickers(known.profile)
        if picker.usual and not present_words(text, picker.tag_class, known)
    ]
    slots = known.spec.slot_numbers
    return tuple(sorted(found, key=lambda m: slots.get(m.tag_class, len(slots))))


def _marked(text: str, places: Iterable[tuple[Span, TagClass]]) -> list[Piece]:
    pieces: list[Piece] = []
    position = 0
    for span, tag_class in sorted(places, key=lambda place: place[0]):
        pieces.append(Piece(text[position : span.start], Change.SAME))
        pieces.append(Piece(text[span.start : span.end], Change.MOVED, tag_class.value))
        position = span.end
    return [piece for piece in [*pieces, Piece(text[position:], Change.SAME)] if piece.text]


def _pieces_after(result: FormatResult, additions: list[Edit]) -> list[Piece]:
    """The text after with its additions: those cut the pieces in two that they fall into."""
    pieces: list[Piece] = []
    position, waiting = 0, sorted(additions, key=lambda edit: edit.start)
    for piece in _marked(result.after, [(move.target, move.tag_class) for move in result.moves]):
        end, rest = position + len(piece.text), piece.text
        while waiting and waiting[0].start <= end:
            edit = waiting.pop(0)
            cut = edit.start - (end - len(rest))
            pieces += [Piece(rest[:cut], piece.change, piece.tag_class), Piece(edit.replacement, Change.ADDED)]
            rest = rest[cut:]
        pieces.append(Piece(rest, piece.change, piece.tag_class))
        position = end
    pieces += [Piece(edit.replacement, Change.ADDED) for edit in waiting]
    return [piece for piece in pieces if piece.text]
