"""What the webui takes out of a prompt before it reads it: comments, then extra networks.

:func:`visible` gives the very text that the webui goes on with. :func:`hide` also says *where* the hidden parts
stood, for the lossless tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

_WHOLE_LINE_COMMENT = re.compile(r"(^|\n)#[^\n]*(\n|$)")
_COMMENT = re.compile(r"#[^\n]*(\n|$)")
_COMMENT_TEXT = re.compile(r"#[^\n]*")
_NETWORK_START = re.compile(r"<(\w+):")


@dataclass(frozen=True)
class Network:
    """An extra network such as ``<lora:name:0.8>``; ``start`` and ``end`` are offsets in the text it was found in."""

    kind: str
    arguments: tuple[str, ...]
    start: int
    end: int


@dataclass(frozen=True)
class Hidden:
    """A run of characters that the webui takes out: a comment, or (a piece of) an extra network."""

    start: int
    end: int
    comment: bool


@dataclass(frozen=True)
class Visible:
    """A text without its hidden parts.

    Attributes:
        text: What is left; every character of it comes from the source.
        sources: For each character of ``text`` its offset in the source.
        hidden: The parts taken out, ascending.
    """

    text: str
    sources: Sequence[int]
    hidden: tuple[Hidden, ...]


def strip_comments(text: str) -> str:
    """The text without ``# ...`` to the end of the line, as the webui does by default.

    A line that holds nothing else goes away whole, and a comment at the end of the text becomes a newline.
    """
    return _COMMENT.sub("\n", _WHOLE_LINE_COMMENT.sub("\n", text))


def networks(text: str) -> Iterator[Network]:
    """Extra networks in the order they stand in. Text that the webui would take for one counts, like ``<a:b>``."""
    position = 0
    while start := _NETWORK_START.search(text, position):
        closing = text.find(">", start.end())
        if closing < 0:
            return
        position = start.end()
        if closing > start.end():
            position = closing + 1
            yield Network(start.group(1), tuple(text[start.end() : closing].split(":")), start.start(), position)


def strip_networks(text: str) -> str:
    """The text without its extra networks; the blanks and commas around them stay."""
    pieces: list[str] = []
    position = 0
    for network in networks(text):
        pieces.append(text[position : network.start])
        position = network.end
    pieces.append(text[position:])
    return "".join(pieces)


def visible(text: str, *, comments: bool = True) -> str:
    """The text that the webui splits at ``AND`` and reads: comments (if the option is on) and networks taken out."""
    return strip_networks(strip_comments(text) if comments else text)


def hide(text: str, *, comments: bool = True) -> Visible:
    """Take out comments (up to, not including, their newline) and extra networks, remembering where they were."""
    # One number per character: 0 stays, 1 is a comment's, 2 and on are the networks'. A network can have a comment
    # inside, so its characters need not stand together.
    owner = [0] * len(text)
    for match in _COMMENT_TEXT.finditer(text) if comments else ():
        owner[match.start() : match.end()] = [1] * len(match.group())
    sources = [index for index, number in enumerate(owner) if not number]
    uncommented = "".join([text[index] for index in sources]) if len(sources) < len(text) else text
    for number, network in enumerate(networks(uncommented), start=2):
        for index in sources[network.start : network.end]:
            owner[index] = number
    sources = [index for index, number in enumerate(owner) if not number]
    if len(sources) == len(text):
        return Visible(text, range(len(text)), ())
    return Visible("".join([text[index] for index in sources]), sources, tuple(_runs(owner)))


def _runs(owner: list[int]) -> Iterator[Hidden]:
    start = 0
    for end in range(1, len(owner) + 1):
        if end == len(owner) or owner[end] != owner[start]:
            if owner[start]:
                yield Hidden(start, end, owner[start] == 1)
            start = end
