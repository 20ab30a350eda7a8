"""Which :class:`~lib_kohaku.prompt.syntax.escape.Place` an offset of a prompt is."""

from __future__ import annotations

from collections.abc import Sequence

from lib_kohaku.prompt.syntax.escape import Place
from lib_kohaku.prompt.syntax.nodes import Alternation, Branch, Group, Kind, Leaf, Node, Prompt, Schedule, walk


def place_at(prompt: Prompt, offset: int) -> Place:
    """Where a text inserted at ``offset`` would stand.

    A weight that has a schedule in it counts as a branch: one colon too many in it, and the webui takes the schedule
    for literal text. So does everything behind a ``[`` that is not closed, because it may be closed yet.
    """
    # The end of a part is still inside of what the part leaves open.
    part = next((part for part in prompt.parts if part.start <= offset <= part.end), None)
    return place_among(part.children if part else (), offset)


def place_among(nodes: Sequence[Node], offset: int) -> Place:
    """The same for neighbouring nodes at the top level of a part, looking at nothing outside of them."""
    while True:
        if any(_is_open_square(node) for node in nodes if node.start < offset):
            return Place.BRANCH
        inside = next((n for n in nodes if isinstance(n, Branch) and n.start < offset < n.end), None)
        if inside is None:
            return Place.OPEN
        if _separates_at_colons(inside):
            return Place.BRANCH
        nodes = inside.children


def _is_open_square(node: Node) -> bool:
    return isinstance(node, Leaf) and node.kind is Kind.LOOSE and node.text == "["


def _separates_at_colons(node: Branch) -> bool:
    if isinstance(node, (Schedule, Alternation)):
        return True
    if not isinstance(node, Group):
        return False
    is_square = node.children[0] == Leaf(Kind.MARK, node.start, "[")
    return is_square or any(isinstance(inner, (Schedule, Alternation)) for inner in walk(node.content))
