"""Putting words into a prompt where a model's order has them, and changing nothing else.

Only insertions: what stood in the prompt stands there afterwards. Words go to one part of a prompt with ``AND``, the
first one that draws towards what it says: guidance adds up over the parts, so in every part they would count double.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest

from lib_kohaku.prompt.format.classify import Classifier
from lib_kohaku.prompt.format.elements import Element, segments
from lib_kohaku.prompt.format.lookup import TagClass
from lib_kohaku.prompt.format.meaning import gains, meaning
from lib_kohaku.prompt.syntax import POSITIVE, Dialect, Edit, Kind, Leaf, Part, Prompt, apply_edits, parse
from lib_kohaku.prompt.syntax.errors import UnreadableWeightError


@dataclass(frozen=True)
class Addition:
    """A piece of prompt text to be put in.

    Attributes:
        text: As the webui reads it, already escaped.
        tag_class: What it is; where the model's order has that, it goes. None for the end.
    """

    text: str
    tag_class: TagClass | None = None


def add(text: str, additions: Sequence[Addition], classifier: Classifier, dialect: Dialect = POSITIVE) -> str:
    """Put words into a prompt; the prompt as it is if no place is safe.

    Afterwards the webui reads the words at the weight that they are written with and at every step, and all the rest as
    before. The exception is what means something only at the very end: a number that the webui takes for a weight
    (``1girl, :3``) is the tag that was meant when words come behind it, and a lone backslash spoils nothing any more.
    """
    in_order = _in_order(additions, classifier)
    for edits in (_insertions(parse(text, dialect), in_order, classifier), _in_front(text, in_order)):
        after = apply_edits(text, edits)
        if _is_safe(text, after, additions, dialect):
            return after
    return text


def addition_edits(prompt: Prompt, additions: Sequence[Addition], classifier: Classifier) -> list[Edit]:
    """The insertions, in the model's order. They are not checked; see :func:`add`."""
    return list(_apart(prompt.text, _insertions(prompt, additions, classifier)))


def _insertions(prompt: Prompt, additions: Sequence[Addition], classifier: Classifier) -> list[Edit]:
    ordered = _in_order(additions, classifier)
    part = _part_for_words(prompt)
    elements = _elements(prompt, part)
    if not elements:
        return _in_front(prompt.text, ordered)
    # Everything behind a bracket that nobody closes has another weight, and behind ADDCOMM are single regions.
    limit = next((leaf.start for leaf in part.children if isinstance(leaf, Leaf) and _limits(leaf)), float("inf"))
    usable = [element for element in elements if element.end <= limit]
    front = elements[0].start
    edits = []
    for addition in ordered:
        after = _last_before(usable, _slot(addition, classifier), classifier)
        if after is None:
            edits.append(Edit(front, front, f"{addition.text}, "))
        else:
            place = _behind(prompt, part, after, is_last=after is elements[-1])
            edits.append(Edit(place, place, f", {addition.text}"))
    return edits


def _apart(text: str, edits: Sequence[Edit]) -> Iterator[Edit]:
    """The insertions with a blank where a word would touch the next one: in ``(smile:1.2)BREAK`` that is a keyword."""
    for edit, following in zip_longest(edits, edits[1:]):
        is_last = following is None or following.start != edit.start
        touches = is_last and edit.replacement[-1:].isalnum() and text[edit.end : edit.end + 1].isalnum()
        yield replace(edit, replacement=f"{edit.replacement} ") if touches else edit


def _in_order(additions: Iterable[Addition], classifier: Classifier) -> list[Addition]:
    return sorted(additions, key=lambda addition: _slot(addition, classifier))


def _slot(addition: Addition, classifier: Classifier) -> int:
    slots = classifier.spec.slot_numbers
    return slots.get(addition.tag_class, len(slots)) if addition.tag_class else len(slots)


def _part_for_words(prompt: Prompt) -> Part:
    """The first part that has words and is not there to push away."""
    drawing = (part for part in prompt.parts if part.weight > 0 and _elements(prompt, part))
    return next(drawing, prompt.parts[0])


def _elements(prompt: Prompt, part: Part) -> list[Element]:
    return [element for segment in segments(prompt) if segment.part is part for element in segment.elements]


def _limits(leaf: Leaf) -> bool:
    if leaf.kind is Kind.REGION:
        return leaf.text in ("ADDCOMM", "ADDBASE")
    return leaf.kind is Kind.LOOSE and leaf.text in "(["


def _last_before(elements: Sequence[Element], slot: int, classifier: Classifier) -> Element | None:
    """The element to put a word of a slot behind: the last one that does not belong after it; None for the front."""
    place = None
    for element, number in zip(elements, _slots(elements, classifier), strict=True):
        if number > slot:
            break
        if not element.is_network:  # those stand at the end, and their place means nothing
            place = element
    return place


def _slots(elements: Sequence[Element], classifier: Classifier) -> list[int]:
    """Where each element belongs. Unknown ones belong to the one before, at the beginning to the first known one."""
    slots = classifier.spec.slot_numbers
    known = [slots.get(classifier.element(element)) for element in elements]
    current = next((number for number in known if number is not None), slots.get(TagClass.GENERAL, 0))
    numbers = []
    for number in known:
        current = current if number is None else number
        numbers.append(current)
    return numbers


def _behind(prompt: Prompt, part: Part, element: Element, *, is_last: bool) -> int:
    """Where a word behind an element goes: behind the number too that its tag ends with, if the tag is the last one.

    In a prompt without ``AND`` a weight at the end is hardly ever meant.
    """
    end = part.children[-1] if part.children else None
    if is_last and len(prompt.parts) == 1 and isinstance(end, Leaf) and end.kind is Kind.TRAILING_WEIGHT:
        return end.start + len(end.text.rstrip())
    return element.end


def _in_front(text: str, additions: Sequence[Addition]) -> list[Edit]:
    """All of them in front of everything."""
    words = ", ".join(addition.text for addition in additions)
    return [Edit(0, 0, f"{words}, " if text.strip() else words)] if words else []


def _is_safe(before: str, after: str, additions: Sequence[Addition], dialect: Dialect) -> bool:
    words = [addition.text for addition in additions]
    try:
        # The second one is what the prompt is when its end is no longer the end.
        was = (meaning(before, dialect), meaning(f"{before.rstrip()},", dialect))
        return any(gains(meaning(after, dialect), old, words) for old in was)
    except UnreadableWeightError:  # the webui stops with an error on it, with or without words
        return False
