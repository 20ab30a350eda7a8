"""What an artist does to one tag: take it out, weigh it, put another in. Each gives edits that touch only that."""

from __future__ import annotations

from lib_kohaku.prompt.format.elements import Element, Segment, segments
from lib_kohaku.prompt.syntax import Edit, Group, Place, Prompt, place_at, protect_number, weight_text, write_tag


def segment_of(prompt: Prompt, element: Element) -> tuple[Segment, int]:
    """The segment of an element, and its index there.

    Raises:
        ValueError: If the element is not one of this prompt.
    """
    for segment in segments(prompt):
        for index, candidate in enumerate(segment.elements):
            if (candidate.start, candidate.end) == (element.start, element.end):
                return segment, index
    raise ValueError("the element belongs to another prompt")


def remove_element(prompt: Prompt, element: Element) -> Edit:
    """Take an element out, with the comma and blanks between it and the one before (or, for the first, after) it."""
    segment, index = segment_of(prompt, element)
    if index:
        return Edit(segment.elements[index - 1].end, element.end, "")
    if index + 1 < len(segment.elements):
        return Edit(element.start, segment.elements[index + 1].start, "")
    return Edit(element.start, element.end, "")


def set_weight(prompt: Prompt, element: Element, weight: float) -> Edit:
    """Give an element a weight. One pair of brackets around all of it is replaced, others are kept inside.

    Raises:
        PromptError: If the weight is no number.
    """
    inner = element.text
    only = element.nodes[0] if len(element.nodes) == 1 else None
    if isinstance(only, Group) and only.content:
        inner = prompt.text[only.content[0].start : only.content[-1].end]
    return Edit(
        element.start, element.end, protect_number(inner) if weight == 1 else f"({inner}:{weight_text(weight)})"
    )


def insert_tag(prompt: Prompt, after: Element | None, name: str, weight: float = 1.0, separator: str = ", ") -> Edit:
    """Put a tag behind an element, or at the beginning.

    Raises:
        UnwritableTagError: If the webui cannot be made to read this tag.
    """
    if after is None:
        text = write_tag(name, weight, Place.OPEN)
        return Edit(0, 0, text + separator if prompt.text.strip() else text)
    return Edit(after.end, after.end, separator + write_tag(name, weight, place_at(prompt, after.end)))
