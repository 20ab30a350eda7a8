r"""Finding ``[a:b:0.5]`` and ``[a|b]`` in a text, as the grammar of the webui finds them.

The webui hands the text to an Earley parser with this grammar (in words): a text is a row of *prompts* and single
brackets or colons; a prompt is a row of words, ``(prompt)``, ``(prompt:prompt)``, ``[prompt]``, schedules
``[prompt:prompt:number]``, ``[prompt:number]`` and alternations ``[prompt|prompt|...]``. Single brackets and colons
are allowed only outside of every construct, a ``|`` nowhere but in an alternation, a backslash nowhere but before a
character other than a newline. Where the text does not fit, *every* schedule in it stays literal.

Because a construct holds nothing but whole constructs, a bracket can only belong to the next bracket that balances
it. So one pass with a stack finds the same constructs in linear time: at a bracket that cannot belong to a construct,
everything still open becomes literal.
"""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass, field
from typing import NamedTuple

_TOKEN = re.compile(r"[\[\]():|]|(?:[^\\\[\]():|]+|\\.)+")
_WHEN = re.compile(r"\s*([+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)\s*")


@dataclass(frozen=True, eq=False, repr=False)
class Scheduled:
    """``[before:after:when]``. ``before`` is None in ``[after:when]``, which is not the same as empty.

    ``start`` and ``end`` are those of the brackets, ``separators`` the places of the colons.
    """

    start: int
    end: int
    separators: tuple[int, ...]
    before: tuple[Item, ...] | None
    after: tuple[Item, ...]
    when: str


@dataclass(frozen=True, eq=False, repr=False)
class Alternated:
    """``[option|option|...]``; ``separators`` are the places of the bars."""

    start: int
    end: int
    separators: tuple[int, ...]
    options: tuple[tuple[Item, ...], ...]


class Text(NamedTuple):
    """A piece of literal text and its offset."""

    text: str
    start: int


Construct = Scheduled | Alternated
Item = Text | Construct


@dataclass
class _Frame:
    """A bracket that is still open; ``first`` is the index of its own item.

    ``separators`` has the offset and the item index of each colon or bar directly inside.
    """

    bracket: str
    start: int
    first: int
    separators: list[tuple[int, int]] = field(default_factory=list)
    bars: bool = False
    colons: bool = False


class _UnparsableError(Exception):
    """The text does not fit the grammar."""


class _Reader:
    """All items in one row, and the brackets still open.

    Brackets and separators are items of their own. A construct, once complete, replaces its items; everything else
    needs no moving, whether it turns out to be emphasis or mere text.
    """

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.stack: list[_Frame] = []

    def read(self, token: str, position: int) -> None:
        if token in ("(", "["):
            self.stack.append(_Frame(token, position, len(self.items)))
        elif token in (":", "|"):
            self._separate(token, position)
        self.items.append(Text(token, position))
        if token in (")", "]"):
            self._close(token, position + 1)

    def give_up_stack(self) -> None:
        """No open bracket can belong to a construct any more."""
        if any(frame.bars for frame in self.stack):
            raise _UnparsableError
        self.stack.clear()

    def _separate(self, token: str, position: int) -> None:
        if not self.stack:
            if token == "|":
                raise _UnparsableError
            return
        frame = self.stack[-1]
        frame.separators.append((position, len(self.items)))
        frame.bars |= token == "|"
        frame.colons |= token == ":"

    def _close(self, token: str, end: int) -> None:
        opening = "(" if token == ")" else "["
        if not self.stack or self.stack[-1].bracket != opening:
            self.give_up_stack()
            return
        frame = self.stack[-1]
        if frame.bars and (frame.colons or token == ")"):
            raise _UnparsableError
        if not frame.separators or (token == ")" and len(frame.separators) == 1):
            self.stack.pop()
            return
        construct = self._construct(frame, end) if token == "]" else None
        if construct is None:
            self.give_up_stack()
        else:
            self.stack.pop()
            self.items[frame.first :] = [construct]

    def _construct(self, frame: _Frame, end: int) -> Construct | None:
        places = tuple(position for position, _ in frame.separators)
        cuts = [frame.first, *(index for _, index in frame.separators), len(self.items) - 1]
        if not frame.bars and len(places) > 2:
            return None
        fields = [tuple(self.items[left + 1 : right]) for left, right in itertools.pairwise(cuts)]
        if frame.bars:
            return Alternated(frame.start, end, places, tuple(fields))
        when = _when(fields[-1])
        if when is None:
            return None
        return Scheduled(frame.start, end, places, fields[0] if len(places) == 2 else None, fields[-2], when)


def _when(items: tuple[Item, ...]) -> str | None:
    if len(items) != 1 or not isinstance(items[0], Text):
        return None
    match = _WHEN.fullmatch(items[0].text)
    return match.group(1) if match else None


def parse_schedules(text: str) -> tuple[Item, ...] | None:
    """Text and constructs in order, or None where the webui's grammar fails and all stays literal.

    The pieces of text and the spans of the constructs, put together, are the text.
    """
    reader = _Reader()
    position = 0
    try:
        while position < len(text):
            match = _TOKEN.match(text, position)
            if match is None:
                return None
            reader.read(match.group(), position)
            position = match.end()
        reader.give_up_stack()
    except _UnparsableError:
        return None
    return tuple(reader.items)
