"""Format: put the tags of a prompt into the order of a model, and change nothing else.

Separators, blanks, line ends, comments, ``BREAK``, ``AND`` and ``ADDCOL`` stay where they are; the elements between
them change places. Tags inside one pair of brackets stay together, unknown words stay with the tag before them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import accumulate

from lib_kohaku.prompt.format.classify import Classifier
from lib_kohaku.prompt.format.elements import Segment, segments
from lib_kohaku.prompt.format.lookup import NoTags, TagClass, TagLookup
from lib_kohaku.prompt.format.meaning import meaning
from lib_kohaku.prompt.format.moves import unmoved
from lib_kohaku.prompt.format.spec import OrderSpec
from lib_kohaku.prompt.syntax import (
    POSITIVE,
    Dialect,
    Edit,
    Kind,
    Leaf,
    Part,
    Prompt,
    Span,
    apply_edits,
    parse,
    protect_number,
)
from lib_kohaku.prompt.syntax.errors import UnreadableWeightError


@dataclass(frozen=True)
class Move:
    """An element that changed its place.

    Attributes:
        text: The element as it stands in the prompt before.
        tag_class: What it is.
        source: Where it stood: offsets in the text before.
        target: Where it stands: offsets in the text after.
    """

    text: str
    tag_class: TagClass
    source: Span
    target: Span


@dataclass(frozen=True)
class Note:
    """Something that was left alone, and why; ``span`` is a place in the text before."""

    span: Span
    message: str


@dataclass(frozen=True)
class FormatResult:
    """A re-ordered prompt.

    Attributes:
        before: The prompt.
        after: The same in the model's order; equal to ``before`` if there is nothing to do.
        edits: What turns ``before`` into ``after``.
        moves: As few moves as explain the difference, in the order of ``after``.
        notes: What was left alone, and why.
    """

    before: str
    after: str
    edits: tuple[Edit, ...] = ()
    moves: tuple[Move, ...] = ()
    notes: tuple[Note, ...] = ()

    @property
    def changed(self) -> bool:
        """Whether there is anything to apply."""
        return self.before != self.after


def format_prompt(
    text: str, spec: OrderSpec, lookup: TagLookup | None = None, dialect: Dialect = POSITIVE
) -> FormatResult:
    """Put a prompt into a model's order. Doing it twice changes nothing more.

    Args:
        text: Any prompt.
        spec: The model's format.
        lookup: The tag list; without one only the model's own words and counts are known.
        dialect: Whether the prompt is the negative one, and whether comments are on.
    """
    prompt = parse(text, dialect)
    classifier = Classifier(spec, lookup or NoTags())
    notes: list[Note] = []
    plans: list[_Plan] = []
    for segment in segments(prompt) if spec.slots else ():
        bracket = _unclosed(segment.part)
        if bracket is None:
            plans.append(_plan(segment, classifier))
        else:
            notes.append(Note(Span(bracket.start, bracket.end), "this bracket has no counterpart: close it first"))
    edits = _protected(text, [edit for plan in plans for edit in plan.edits()], dialect)
    after = apply_edits(text, edits)
    reason = _reason_against(text, after, dialect)
    if reason:
        return FormatResult(text, text, notes=(*_unique(notes), Note(Span(0, len(text)), reason)))
    moves = tuple(move for plan in plans for move in plan.moves(edits))
    return FormatResult(text, after, tuple(edits), moves, tuple(_unique(notes)))


def _unique(notes: list[Note]) -> list[Note]:
    return list(dict.fromkeys(notes))


def _unclosed(part: Part) -> Leaf | None:
    """The first bracket without a counterpart that changes the weight of what follows it."""
    leaves = (node for node in part.children if isinstance(node, Leaf) and node.kind is Kind.LOOSE)
    return next((leaf for leaf in leaves if leaf.text in "(["), None)


@dataclass(frozen=True)
class _Plan:
    """``order[i]`` is the index of the element that goes to place ``i``."""

    segment: Segment
    classes: tuple[TagClass, ...]
    order: tuple[int, ...]

    def edits(self) -> Iterator[Edit]:
        for place, index in enumerate(self.order):
            if place != index:
                target = self.segment.elements[place]
                yield Edit(target.start, target.end, self.segment.elements[index].text)

    def moves(self, edits: list[Edit]) -> Iterator[Move]:
        kept = unmoved(self.order)
        replaced = {edit.start: edit for edit in edits}
        shifts = _shifts(edits)
        for place, index in enumerate(self.order):
            if index in kept:
                continue
            element, target = self.segment.elements[index], self.segment.elements[place]
            # An element can move, around others, to where it was: then nothing replaces it.
            edit = replaced.get(target.start, Edit(target.start, target.end, target.text))
            start = target.start + shifts[bisect_left(edits, target.start, key=lambda e: e.start)]
            source = Span(element.start, element.end)
            yield Move(element.text, self.classes[index], source, Span(start, start + len(edit.replacement)))


def _shifts(edits: list[Edit]) -> list[int]:
    """How far the text behind the first 0, 1, 2, ... edits moves."""
    return [0, *accumulate(len(edit.replacement) - (edit.end - edit.start) for edit in edits)]


def _plan(segment: Segment, classifier: Classifier) -> _Plan:
    classes = [classifier.element(element) for element in segment.elements]
    slots = classifier.spec.slot_numbers
    clusters: list[list[int]] = []
    placed: list[int] = []
    for index, tag_class in enumerate(classes):
        slot = slots.get(tag_class)
        if clusters and (slot is None or not placed):
            clusters[-1].append(index)
        else:
            clusters.append([index])
        if slot is not None and len(placed) < len(clusters):
            placed.append(slot)
    if not placed:
        return _Plan(segment, tuple(classes), tuple(range(len(classes))))
    ranked = sorted(range(len(clusters)), key=lambda number: placed[number])
    order = [index for number in ranked for index in clusters[number]]
    return _Plan(segment, tuple(classes), tuple(order))


def _protected(text: str, edits: list[Edit], dialect: Dialect) -> list[Edit]:
    r"""Keep an element that comes to stand at the end of a part from being read as a weight: ``:3`` becomes ``:\3``."""
    if dialect.negative or not edits:
        return edits
    prompt = parse(text, dialect)
    if _trailing_weights(prompt) == _trailing_weights(parse(apply_edits(text, edits), dialect)):
        return edits
    last_of_part = set({segment.part.start: segment.elements[-1].start for segment in segments(prompt)}.values())
    return [
        replace(edit, replacement=protect_number(edit.replacement)) if edit.start in last_of_part else edit
        for edit in edits
    ]


def _trailing_weights(prompt: Prompt) -> list[str]:
    ends = (part.children[-1] for part in prompt.parts if part.children)
    return [end.text for end in ends if isinstance(end, Leaf) and end.kind is Kind.TRAILING_WEIGHT]


def _reason_against(before: str, after: str, dialect: Dialect) -> str | None:
    """Why the new order must not be used, if so."""
    if before == after:
        return None
    try:
        if meaning(before, dialect) == meaning(after, dialect):
            return None
    except UnreadableWeightError as error:
        return f"left as it is: {error}"
    return "left as it is: in another order the webui would read some of its tags differently"
