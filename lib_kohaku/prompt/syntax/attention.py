r"""What the webui makes of brackets and weights: a list of texts, each with its weight.

The webui reads the text from left to right and keeps two stacks, one for ``(`` and one for ``[``, that know nothing
of each other: ``(a [b) c]`` weights ``b`` twice. It multiplies the weights of everything since the opening bracket
when the closing one comes, and at the end of the text for those that were never closed. Two texts that end up with
equal weights are joined, so the order of the multiplications decides, by its rounding, where texts are cut;
:func:`attention` multiplies in the same order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from lib_kohaku.prompt.syntax.errors import UnreadableWeightError

ROUND_WEIGHT = 1.1
SQUARE_WEIGHT = 1 / 1.1

BREAK = re.compile(r"\bBREAK\b")
TOKEN = re.compile(r"\\[()\[\]\\]?|[(\[]|:\s*([+-]?[.\d]+)\s*\)|[)\]]|[^\\()\[\]:]+|:")

# Weights are multiplied in the webui's own order up to this depth on each of the two stacks. Doing so for every depth
# would take quadratic time; further out the order is another one, which can change the last bits of the weight.
EXACT_DEPTH = 64


class WeightedText(NamedTuple):
    """A piece of text and its weight. ``("BREAK", -1)`` asks for a new chunk."""

    text: str
    weight: float


@dataclass
class _Brackets:
    """All brackets of one kind in a text, as a forest: a bracket's parent is the one it was opened in."""

    multiplier: list[float] = field(default_factory=list)
    parent: list[int] = field(default_factory=list)
    closed_at: list[int] = field(default_factory=list)
    top: int = -1
    beyond: list[float] = field(default_factory=list)

    def open(self, default: float) -> None:
        self.multiplier.append(default)
        self.parent.append(self.top)
        self.closed_at.append(-1)
        self.top = len(self.parent) - 1

    def close(self, time: int, multiplier: float | None = None) -> None:
        if multiplier is not None:
            self.multiplier[self.top] = multiplier
        self.closed_at[self.top] = time
        self.top = self.parent[self.top]

    def close_all(self, time: int) -> int:
        """Close what is still open as the webui does: the outermost first. Returns the next moment."""
        still_open = [index for index, moment in enumerate(self.closed_at) if moment < 0]
        for moment, index in enumerate(still_open, start=time):
            self.closed_at[index] = moment
        self.top = -1
        return time + len(still_open)

    def multiply_out(self) -> None:
        """Prepare ``beyond``: the product of each bracket and everything around it."""
        for index, parent in enumerate(self.parent):
            self.beyond.append(self.multiplier[index] * (self.beyond[parent] if parent >= 0 else 1.0))

    def innermost(self, index: int) -> tuple[list[tuple[int, float]], float]:
        """The nearest brackets around a place with their closing moments, and the product of those further out."""
        near: list[tuple[int, float]] = []
        while index >= 0 and len(near) < EXACT_DEPTH:
            near.append((self.closed_at[index], self.multiplier[index]))
            index = self.parent[index]
        return near, self.beyond[index] if index >= 0 else 1.0


class _Piece(NamedTuple):
    text: str
    weight: float
    start: int
    round_top: int
    square_top: int


def _split_breaks(text: str) -> Iterator[tuple[str, float, int]]:
    """Cut at the word BREAK, which takes the blanks around it with it. Yields text, weight and offset."""
    start = 0
    for match in BREAK.finditer(text):
        yield text[start : match.start()].rstrip(), 1.0, start
        yield "BREAK", -1, match.start()
        start = match.end()
        while start < len(text) and text[start].isspace():
            start += 1
    yield text[start:], 1.0, start


def _number(match: re.Match[str]) -> float:
    try:
        return float(match.group(1))
    except ValueError:
        raise UnreadableWeightError(match.group(1), match.start(1)) from None


def _scan(text: str) -> tuple[list[_Piece], _Brackets, _Brackets]:
    pieces: list[_Piece] = []
    round_, square = _Brackets(), _Brackets()
    time = 0
    for match in TOKEN.finditer(text):
        token = match.group()
        if token.startswith("\\"):
            pieces.append(_Piece(token[1:], 1.0, match.start() + 1, round_.top, square.top))
        elif token == "(":
            round_.open(ROUND_WEIGHT)
        elif token == "[":
            square.open(SQUARE_WEIGHT)
        elif token.endswith(")") and round_.top >= 0:
            round_.close(time, _number(match) if match.group(1) is not None else None)
            time += 1
        elif token == "]" and square.top >= 0:
            square.close(time)
            time += 1
        else:
            pieces += [
                _Piece(part, weight, match.start() + offset, round_.top, square.top)
                for part, weight, offset in _split_breaks(token)
            ]
    square.close_all(round_.close_all(time))
    return pieces, round_, square


def attention(text: str) -> list[WeightedText]:
    """Texts and weights as the webui's ``parse_prompt_attention`` has them.

    Args:
        text: A prompt after comments, extra networks, ``AND`` and schedules were dealt with; any string will do.

    Returns:
        At least one item; neighbours with equal weights are joined.

    Raises:
        UnreadableWeightError: On ``(a:1.2.3)`` and the like, where the webui stops with an error of its own.
    """
    result: list[tuple[list[str], float]] = []
    for piece in attention_pieces(text):
        if result and result[-1][1] == piece.weight:
            result[-1][0].append(piece.text)
        else:
            result.append(([piece.text], piece.weight))
    return [WeightedText("".join(texts), weight) for texts, weight in result] or [WeightedText("", 1.0)]


class WeightedPiece(NamedTuple):
    """A piece of text, its weight, and its offset in the text that was read."""

    text: str
    weight: float
    start: int


def attention_pieces(text: str) -> Iterator[WeightedPiece]:
    """The same as :func:`attention` before neighbours with equal weights are joined, with offsets.

    Raises:
        UnreadableWeightError: See :func:`attention`.
    """
    pieces, round_, square = _scan(text)
    round_.multiply_out()
    square.multiply_out()
    products: dict[tuple[int, int], float] = {}
    for piece in pieces:
        weight = piece.weight
        if piece.round_top >= 0 or piece.square_top >= 0:
            place = (piece.round_top, piece.square_top)
            if place not in products:
                products[place] = _product(round_, square, place)
            weight *= products[place]
        yield WeightedPiece(piece.text, weight, piece.start)


def _product(round_: _Brackets, square: _Brackets, place: tuple[int, int]) -> float:
    near_round, far_round = round_.innermost(place[0])
    near_square, far_square = square.innermost(place[1])
    product = 1.0
    for _, multiplier in sorted(near_round + near_square):
        product *= multiplier
    return product * far_round * far_square


def read(text: str) -> str:
    r"""The words that the webui's text encoder gets, brackets, weights and backslashes gone.

    >>> read(r"(saber \(fate\):1.2)")
    'saber (fate)'

    Raises:
        UnreadableWeightError: See :func:`attention`.
    """
    return "".join(piece.text for piece in attention(text))
