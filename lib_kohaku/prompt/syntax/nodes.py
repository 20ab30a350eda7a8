"""The lossless tree of a prompt.

Every character of the source is in exactly one :class:`Leaf`, so the leaves put together are the source again. The
other nodes hold their leaves, brackets and separators included, in ``children``. All nodes are immutable and have
offsets into the source; none refers to its parent. Trees can be as deep as a prompt has brackets: go through them
with :func:`walk` and :func:`leaves`, not by recursion.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What a leaf is."""

    WORDS = "words"
    """Text without blanks at its ends, commas or anything special."""
    BLANK = "blank"
    """Spaces, tabs and newlines."""
    COMMA = "comma"
    ESCAPE = "escape"
    r"""``\(`` and the like; a lone backslash, which the webui drops."""
    BREAK = "break"
    AND = "and"
    NETWORK = "network"
    COMMENT = "comment"
    FOREIGN = "foreign"
    """Another extension's syntax, see :mod:`~lib_kohaku.prompt.syntax.foreign`."""
    REGION = "region"
    """``ADDCOL`` and the like of Regional Prompter, which gives each side another region of the picture."""
    MARK = "mark"
    """Brackets, separators, weights and step numbers of the node that the leaf is a child of."""
    COLON = "colon"
    """A colon that separates nothing."""
    BAR = "bar"
    """A ``|`` that separates nothing. The webui takes every schedule of its part for literal text because of it."""
    LOOSE = "loose"
    """A bracket without its counterpart."""
    TRAILING_WEIGHT = "trailing weight"
    """``:1.2`` at the end of a part."""


@dataclass(frozen=True)
class Leaf:
    """A piece of the source."""

    kind: Kind
    start: int
    text: str

    @property
    def end(self) -> int:
        """Offset after the last character."""
        return self.start + len(self.text)


@dataclass(frozen=True, eq=False, repr=False)
class Branch:
    """A node made of others.

    Attributes:
        start: Offset of the first character.
        end: Offset after the last one.
        children: All nodes below, in order; together they are the source from ``start`` to ``end``.
    """

    start: int
    end: int
    children: tuple[Node, ...]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.start}, {self.end}, <{len(self.children)} children>)"


@dataclass(frozen=True, eq=False, repr=False)
class Group(Branch):
    """``(...)``, ``(...:1.2)`` or ``[...]``.

    Attributes:
        weight: What it multiplies the weight of its content by; NaN for a number that the webui fails on.
        explicit: Whether the number is written down.
        content: The children without the marks.
    """

    weight: float
    explicit: bool
    content: tuple[Node, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Schedule(Branch):
    """``[before:after:when]``; ``before`` is None for ``[after:when]``."""

    before: tuple[Node, ...] | None
    after: tuple[Node, ...]
    when: str


@dataclass(frozen=True, eq=False, repr=False)
class Alternation(Branch):
    """``[option|option|...]``."""

    options: tuple[tuple[Node, ...], ...]


@dataclass(frozen=True, eq=False, repr=False)
class Part(Branch):
    """What stands between two ``AND``; a prompt without one is a single part. ``weight`` is that of its guidance."""

    weight: float


Node = Leaf | Branch


@dataclass(frozen=True)
class Prompt:
    """A prompt's tree: parts, and ``AND`` leaves between them. Two prompts are equal if their texts are."""

    children: tuple[Node, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Prompt) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    @property
    def text(self) -> str:
        """The source, put together from the leaves."""
        return "".join([leaf.text for leaf in leaves(self.children)])

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts, at least one."""
        return tuple(node for node in self.children if isinstance(node, Part))


def walk(nodes: Iterable[Node]) -> Iterator[Node]:
    """All nodes, each before those below it, in the order of the source."""
    stack = list(nodes)[::-1]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, Branch):
            stack += node.children[::-1]


def leaves(nodes: Iterable[Node]) -> Iterator[Leaf]:
    """All leaves in the order of the source."""
    return (node for node in walk(nodes) if isinstance(node, Leaf))


def source(nodes: Iterable[Node]) -> str:
    """The piece of the source that the nodes stand for."""
    return "".join([leaf.text for leaf in leaves(nodes)])
