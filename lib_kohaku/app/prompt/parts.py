"""A prompt as rows of tags by kind, and changes to one of them that touch nothing else."""

from __future__ import annotations

from dataclasses import dataclass

from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.app.prompt.words import add_words
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.format import Element, TagClass, elements, remove_element, set_weight
from lib_kohaku.prompt.syntax import Prompt, apply_edits, parse
from lib_kohaku.prompt.tags.strength import Strength, known_strength

LOWEST_WEIGHT, HIGHEST_WEIGHT = 0.0, 3.0


@dataclass(frozen=True)
class Chip:
    """One element of a prompt.

    Attributes:
        start: Offset of its first character, in code points.
        end: Offset after its last one.
        text: As it is written.
        name: The tag that it is, unescaped; its text if it is more than one tag.
        weight: Its weight; None if it is more than one tag.
        posts: Posts that have the tag; 0 if nobody tells.
        strength: How well a model can be expected to know it.
    """

    start: int
    end: int
    text: str
    name: str
    weight: float | None
    posts: int
    strength: Strength


@dataclass(frozen=True)
class Row:
    """The elements of one kind."""

    tag_class: TagClass
    chips: tuple[Chip, ...]


def rows(text: str, known: Knowledge) -> tuple[Row, ...]:
    """A row for every kind that the model's order knows, then those that the prompt has besides."""
    classifier = known.classifier
    found: dict[TagClass, list[Chip]] = {tag_class: [] for slot in known.spec.slots for tag_class in slot}
    for element in elements(parse(text, known.dialect)):
        found.setdefault(classifier.element(element), []).append(_chip(element, known))
    return tuple(Row(tag_class, tuple(chips)) for tag_class, chips in found.items())


def _chip(element: Element, known: Knowledge) -> Chip:
    tag = known.classifier.tag(element.tags[0]) if element.is_plain else None
    posts = tag.info.count if tag and tag.info else 0
    weights = set(element.weights)
    name = (element.tags[0].typed if tag and tag.as_typed else element.tags[0].name) if tag else element.text
    weight = weights.pop() if tag and len(weights) == 1 else None
    return Chip(element.start, element.end, element.text, name, weight, posts, known_strength(posts))


def remove(text: str, start: int, end: int, known: Knowledge) -> str:
    """Take one element out.

    Raises:
        RefusedError: If there is no such element, because the prompt was changed meanwhile.
    """
    prompt = parse(text, known.dialect)
    return apply_edits(text, [remove_element(prompt, _element(prompt, start, end))])


def weigh(text: str, start: int, end: int, weight: float, known: Knowledge) -> str:
    """Give one element a weight.

    Raises:
        RefusedError: If there is no such element or the weight is out of bounds.
    """
    if not LOWEST_WEIGHT <= weight <= HIGHEST_WEIGHT:
        raise RefusedError(f"A weight is a number from {LOWEST_WEIGHT:g} to {HIGHEST_WEIGHT:g}.")
    prompt = parse(text, known.dialect)
    return apply_edits(text, [set_weight(prompt, _element(prompt, start, end), round(weight, 2))])


def add(text: str, tag_class: TagClass, name: str, known: Knowledge) -> str:
    """Put a tag where the model's order has its kind.

    Raises:
        UnwritableTagError: If the host cannot be made to read this tag.
    """
    return add_words(text, [(tag_class, name)], known)


def _element(prompt: Prompt, start: int, end: int) -> Element:
    for element in elements(prompt):
        if (element.start, element.end) == (start, end):
            return element
    raise RefusedError("The prompt was changed meanwhile; try again.")
