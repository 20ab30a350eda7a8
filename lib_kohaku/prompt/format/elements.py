"""A prompt as the row of tags that an artist sees: what commas and line ends divide, brackets in one piece."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from lib_kohaku.prompt.syntax import (
    Alternation,
    Branch,
    Group,
    Kind,
    Leaf,
    Node,
    Part,
    Prompt,
    Schedule,
    attention,
    source,
)
from lib_kohaku.prompt.syntax.errors import UnreadableWeightError


@dataclass(frozen=True)
class Tag:
    r"""One tag inside an element.

    Attributes:
        start: Offset of its first character, brackets that only weight it left out.
        end: Offset after its last one.
        name: As the webui reads it: ``saber (fate)`` for ``saber \(fate\)``.
        typed: The same with brackets that the webui takes for a weight: ``saber (fate)`` unescaped reads as
            ``saber fate``. Equal to ``name`` if there are none.
        opaque: It has other extensions' syntax in it, so nobody knows what it will be.
    """

    start: int
    end: int
    name: str
    typed: str
    opaque: bool


@dataclass(frozen=True, eq=False)
class Element:
    """What stands between two commas or line ends, without the blanks around it.

    Attributes:
        nodes: Its nodes, at least one.
        tags: The tags in it: one for ``1girl`` or ``(1girl:1.2)``, several for ``(1girl, solo:1.2)`` and
            ``[cat:dog:0.5]``, none for ``<lora:x:1>``.
    """

    nodes: tuple[Node, ...]
    tags: tuple[Tag, ...]

    @property
    def start(self) -> int:
        """Offset of the first character."""
        return self.nodes[0].start

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.nodes[-1].end

    @property
    def text(self) -> str:
        """The piece of the source."""
        return source(self.nodes)

    @property
    def is_network(self) -> bool:
        """Whether it is nothing but extra networks."""
        return all(isinstance(node, Leaf) and node.kind in (Kind.NETWORK, Kind.BLANK) for node in self.nodes)

    @property
    def is_plain(self) -> bool:
        """Whether it is one tag, perhaps in brackets that weight it, and no schedule, network or the like."""
        if len(self.tags) != 1 or self.tags[0].opaque:
            return False
        stack = list(self.nodes)
        while stack:
            node = stack.pop()
            if isinstance(node, Group):
                stack += node.children
            elif isinstance(node, Branch) or node.kind in (Kind.NETWORK, Kind.COMMENT, Kind.LOOSE):
                return False
        return True

    @property
    def weights(self) -> tuple[float, ...]:
        """The weights of its pieces of text from left to right; none if there is one that the webui fails on."""
        try:
            return tuple(piece.weight for piece in attention(self.text) if piece.text.strip())
        except UnreadableWeightError:
            return ()


@dataclass(frozen=True, eq=False)
class Segment:
    """Elements that can change places: those between two ``AND``, ``BREAK``, ``ADDCOL`` or comments.

    Attributes:
        part: The part of the prompt that it belongs to.
        elements: In order.
    """

    part: Part
    elements: tuple[Element, ...]


_WALLS = (Kind.BREAK, Kind.REGION, Kind.COMMENT, Kind.TRAILING_WEIGHT)


def segments(prompt: Prompt) -> list[Segment]:
    """The segments of a prompt that have at least one element.

    In a prompt without ``AND`` a weight at the end is hardly ever meant, ``reverse:1999`` is a tag that lost its
    number: the words before the number are a segment of their own, so that they stay with it.
    """
    found: list[Segment] = []
    parts = prompt.parts
    for part in parts:
        run: list[Node] = []
        for node, following in zip_longest(part.children, part.children[1:]):
            if not _is_wall(node, following):
                run.append(node)
                continue
            pinned = len(parts) == 1 and isinstance(node, Leaf) and node.kind is Kind.TRAILING_WEIGHT
            cut = _last_division(run) if pinned else len(run)
            found += _segment(part, run[:cut]) + _segment(part, run[cut:])
            run = []
        found += _segment(part, run)
    return found


def _is_wall(node: Node, following: Node | None) -> bool:
    if not isinstance(node, Leaf) or node.kind not in _WALLS:
        return False
    # A comment inside of `{...}`: another extension's syntax goes on behind it.
    return not (node.kind is Kind.COMMENT and isinstance(following, Leaf) and following.kind is Kind.FOREIGN)


def _last_division(nodes: Sequence[Node]) -> int:
    return max([index + 1 for index, node in enumerate(nodes) if _divides(node)], default=0)


def elements(prompt: Prompt) -> list[Element]:
    """All elements of a prompt."""
    return [element for segment in segments(prompt) for element in segment.elements]


def _segment(part: Part, nodes: Sequence[Node]) -> list[Segment]:
    runs: list[list[Node]] = [[]]
    for node in nodes:
        if _divides(node):
            runs.append([])
        elif runs[-1] or not _is_blank(node):
            runs[-1].append(node)
    found = [_element(run) for run in runs if run]
    return [Segment(part, tuple(found))] if found else []


def _divides(node: Node) -> bool:
    return isinstance(node, Leaf) and (node.kind is Kind.COMMA or (node.kind is Kind.BLANK and "\n" in node.text))


def _is_blank(node: Node) -> bool:
    return isinstance(node, Leaf) and node.kind is Kind.BLANK


def _element(run: list[Node]) -> Element:
    while _is_blank(run[-1]):
        run.pop()
    return Element(tuple(run), tuple(_tags(run)))


class _TagReader:
    """Collects the leaves of one tag after the other."""

    def __init__(self) -> None:
        self.tags: list[Tag] = []
        self.pieces: list[tuple[Leaf, bool]] = []
        self.opaque = False

    def cut(self) -> None:
        """The tag ends here."""
        content = [index for index, (leaf, bracket) in enumerate(self.pieces) if not bracket and leaf.text.strip()]
        if content:
            inside = _paired(self.pieces, content)
            kept = [leaf for i, (leaf, bracket) in enumerate(self.pieces) if i in inside or (not bracket)]
            name = "".join([_reading(leaf) for leaf, bracket in self.pieces if not bracket]).strip()
            typed = "".join([_reading(leaf) for leaf in kept]).strip()
            ends = [content[0], content[-1], *inside]
            start, end = self.pieces[min(ends)][0].start, self.pieces[max(ends)][0].end
            self.tags.append(Tag(start, end, name, typed, self.opaque))
        self.pieces.clear()
        self.opaque = False

    def leaf(self, leaf: Leaf) -> None:
        """One more leaf that is not a bracket."""
        if _divides(leaf) or leaf.kind is Kind.REGION:
            self.cut()
        elif leaf.kind not in (Kind.NETWORK, Kind.COMMENT, Kind.MARK, Kind.AND, Kind.BREAK):
            self.opaque |= leaf.kind is Kind.FOREIGN
            self.pieces.append((leaf, False))

    def bracket(self, leaf: Leaf) -> None:
        """A bracket that only weights, but might have been meant as part of a name."""
        self.pieces.append((leaf, True))


def _paired(pieces: Sequence[tuple[Leaf, bool]], content: Sequence[int]) -> set[int]:
    """Indices of brackets that may belong to a name, ``(o)_(o)``: all pairs that are not around all of the words."""
    paired: set[int] = set()
    opened: list[int] = []
    for index, (leaf, bracket) in enumerate(pieces):
        if not bracket:
            continue
        if leaf.text == "(":
            opened.append(index)
        elif opened:
            opening = opened.pop()
            if opening > content[0] or index < content[-1]:
                paired |= {opening, index}
    return paired


def _reading(leaf: Leaf) -> str:
    return leaf.text[1:] if leaf.kind is Kind.ESCAPE else leaf.text


def _is_row_of_weights(nodes: Sequence[Node]) -> bool:
    """``(masterpiece:1.2) (best quality:1.2)``: the comma between them was left out, but they are two tags."""
    filled = [node for node in nodes if not _is_blank(node)]
    groups = [node for node in filled if isinstance(node, Group)]
    return len(groups) > 1 and len(groups) == len(filled) and any(group.explicit for group in groups)


def _tags(nodes: Sequence[Node]) -> Iterator[Tag]:
    reader = _TagReader()
    in_row = _is_row_of_weights(nodes)
    stack: list[tuple[Node, Branch | None]] = [(node, None) for node in reversed(nodes)]
    while stack:
        node, parent = stack.pop()
        if in_row and parent is None:
            reader.cut()
        if isinstance(node, Branch):
            stack += [(child, node) for child in reversed(node.children)]
        elif node.kind is not Kind.MARK:
            reader.leaf(node)
        elif isinstance(parent, (Schedule, Alternation)):
            reader.cut()
        elif isinstance(parent, Group) and not parent.explicit and node.text in "()":
            reader.bracket(node)
    reader.cut()
    return iter(reader.tags)
