"""Puts the tree of one part together: places leaves, matches brackets, lets loose what has no counterpart."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field, replace

from lib_kohaku.prompt.syntax.attention import ROUND_WEIGHT, SQUARE_WEIGHT
from lib_kohaku.prompt.syntax.hidden import Visible
from lib_kohaku.prompt.syntax.nodes import Alternation, Branch, Group, Kind, Leaf, Node, Schedule
from lib_kohaku.prompt.syntax.schedule_grammar import Alternated, Construct


@dataclass
class _Frame:
    """An open bracket: where it stands in the visible text, and what came after it so far.

    ``separators`` has the visible offset and the index among ``children`` of each colon and bar directly inside.
    """

    start: int
    children: list[Node] = field(default_factory=list)
    separators: list[tuple[int, int]] = field(default_factory=list)


class Leaves:
    """Turns ranges of the visible text into leaves, with the hidden parts put back where they were."""

    def __init__(self, visible: Visible) -> None:
        self.visible = visible
        self._hidden = visible.hidden
        self._next = 0

    def hidden_before(self, source: int, text: str, into: list[Node]) -> None:
        """Place the hidden parts that begin before an offset of the source."""
        while self._next < len(self._hidden) and self._hidden[self._next].start < source:
            part = self._hidden[self._next]
            kind = Kind.COMMENT if part.comment else Kind.NETWORK
            into.append(Leaf(kind, part.start, text[part.start : part.end]))
            self._next += 1

    def place(self, kind: Kind, start: int, end: int, text: str, into: list[Node]) -> None:
        """Place ``visible.text[start:end]``: one leaf, or several where something hidden interrupts it."""
        sources = self.visible.sources
        while start < end:
            source = sources[start]
            self.hidden_before(source, text, into)
            stop = end
            if self._next < len(self._hidden):
                stop = min(end, start + self._hidden[self._next].start - source)
            into.append(Leaf(kind, source, text[source : source + stop - start]))
            start = stop


class Builder:
    """Collects the nodes of one part.

    Args:
        text: The whole source.
        leaves: Shared by all parts, because hidden parts are placed in the order of the source.
        constructs: Schedules and alternations that the webui's grammar finds, by the visible offset of their bracket.
    """

    def __init__(self, text: str, leaves: Leaves, constructs: dict[int, Construct]) -> None:
        self.text = text
        self.leaves = leaves
        self.constructs = constructs
        self.nodes: list[Node] = []
        self.stacks: dict[str, int] = {"(": 0, "[": 0}
        self.frames: list[_Frame] = []

    @property
    def _current(self) -> list[Node]:
        return self.frames[-1].children if self.frames else self.nodes

    def add(self, kind: Kind, start: int, end: int) -> None:
        """Place a leaf that opens and closes nothing."""
        self.leaves.place(kind, start, end, self.text, self._current)

    def separator(self, kind: Kind, position: int) -> None:
        """Place a colon or a bar, which may turn out to separate something."""
        self.add(kind, position, position + 1)
        if self.frames:
            frame = self.frames[-1]
            frame.separators.append((position, len(frame.children) - 1))

    def open(self, position: int) -> None:
        """Place an opening bracket."""
        self.leaves.hidden_before(self.leaves.visible.sources[position], self.text, self._current)
        self.frames.append(_Frame(position))
        self.add(Kind.MARK, position, position + 1)
        self.stacks[self.leaves.visible.text[position]] += 1

    def is_open(self, bracket: str) -> bool:
        """Whether a closing bracket would have a counterpart."""
        return self.stacks[bracket] > 0

    def close(self, bracket: str, start: int, end: int, number: str | None) -> None:
        """Place a closing bracket (with the weight before it, if any) whose counterpart is open."""
        while self._bracket(self.frames[-1]) != bracket:
            self._let_loose_top()
        frame = self.frames[-1]
        self.leaves.hidden_before(self.leaves.visible.sources[start], self.text, frame.children)
        inner = len(frame.children)
        self.leaves.place(Kind.MARK, start, end, self.text, frame.children)
        self.frames.pop()
        self.stacks[bracket] -= 1
        construct = self.constructs.get(frame.start)
        if construct is not None and construct.end == end:
            self._current.append(_construct(frame, construct, inner))
        else:
            self._current.append(_group(frame, bracket, number, inner))

    def finish(self) -> list[Node]:
        """The nodes, after letting loose every bracket that is still open."""
        for frame in self.frames:
            self.nodes += _loose(frame)
        self.frames.clear()
        return self.nodes

    def _bracket(self, frame: _Frame) -> str:
        return self.leaves.visible.text[frame.start]

    def _let_loose_top(self) -> None:
        frame = self.frames.pop()
        self.stacks[self._bracket(frame)] -= 1
        below = self.frames[-1]
        offset = len(below.children)
        below.separators += [(position, index + offset) for position, index in frame.separators]
        below.children += _loose(frame)


def _loose(frame: _Frame) -> list[Node]:
    opening = frame.children[0]
    return [replace(opening, kind=Kind.LOOSE) if isinstance(opening, Leaf) else opening, *frame.children[1:]]


def _group(frame: _Frame, bracket: str, number: str | None, inner: int) -> Branch:
    children = tuple(frame.children)
    weight = ROUND_WEIGHT if bracket == "(" else SQUARE_WEIGHT
    if number is not None:
        try:
            weight = float(number)
        except ValueError:
            weight = math.nan
    return Group(children[0].start, children[-1].end, children, weight, number is not None, children[1:inner])


def _construct(frame: _Frame, construct: Construct, inner: int) -> Branch:
    places = set(construct.separators)
    marks = [index for position, index in frame.separators if position in places]
    children = frame.children
    for index in marks:
        children[index] = _as_mark(children[index])
    cuts = [0, *marks, inner]
    fields = [tuple(children[left + 1 : right]) for left, right in itertools.pairwise(cuts)]
    start, end = children[0].start, children[-1].end
    if isinstance(construct, Alternated):
        return Alternation(start, end, tuple(children), tuple(fields))
    for index in range(marks[-1] + 1, inner):
        children[index] = _as_mark(children[index])
    before = fields[0] if len(fields) == 3 else None
    return Schedule(start, end, tuple(children), before, fields[-2], construct.when)


def _as_mark(node: Node) -> Node:
    hidden = (Kind.NETWORK, Kind.COMMENT)
    return replace(node, kind=Kind.MARK) if isinstance(node, Leaf) and node.kind not in hidden else node
