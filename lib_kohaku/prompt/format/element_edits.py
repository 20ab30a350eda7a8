"""What an artist does to one tag: take it out, weigh it, put another in. Each gives edits that touch only that."""

from __future__ import annotations

from lib_kohaku.prompt.format.elements import Element, Segment, segments
from lib_kohaku.prompt.syntax import (
    Edit,
    Group,
    Kind,
    Leaf,
    Node,
    Place,
    Prompt,
    place_at,
    protect_number,
    weight_text,
    write_tag,
)


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
    """Give an element a weight; whatever brackets are around all of it are replaced, others are kept inside.

    Of an element of several tags only one pair is: the others are weights that its tags have already.

    Raises:
        PromptError: If the weight is no number.
    """
    nodes = _unwrapped(element.nodes)
    while len(element.tags) == 1 and nodes != (inside := _unwrapped(nodes)):
        nodes = inside
    inner = prompt.text[nodes[0].start : nodes[-1].end].strip()
    return Edit(
        element.start, element.end, protect_number(inner) if weight == 1 else f"({inner}:{weight_text(weight)})"
    )


def _unwrapped(nodes: tuple[Node, ...]) -> tuple[Node, ...]:
    """What is inside of the one pair of brackets that is around all of it; the same nodes if there is none."""
    filled = [node for node in nodes if not (isinstance(node, Leaf) and node.kind is Kind.BLANK)]
    only = filled[0] if len(filled) == 1 else None
    return only.content if isinstance(only, Group) and only.content else nodes


def insert_tag(prompt: Prompt, after: Element | None, name: str, weight: float = 1.0, separator: str = ", ") -> Edit:
    """Put a tag behind an element, or at the beginning.

    Raises:
        UnwritableTagError: If the webui cannot be made to read this tag.
    """
    if after is None:
        text = write_tag(name, weight, Place.OPEN)
        return Edit(0, 0, text + separator if prompt.text.strip() else text)
    return Edit(after.end, after.end, separator + write_tag(name, weight, place_at(prompt, after.end)))
