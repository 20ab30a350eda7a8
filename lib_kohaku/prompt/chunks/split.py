"""Where the webui cuts a prompt into chunks of 75 tokens.

At the end of a chunk the webui looks back for a comma: if there is one within ``backtrack`` tokens, the words behind
it move to the next chunk as a whole. ``BREAK`` ends a chunk wherever it is. Embeddings are not known here: they count
as the tokens of their names.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from lib_kohaku.prompt.chunks.tokenizer import Token, Tokenizer
from lib_kohaku.prompt.syntax import POSITIVE, Dialect, Steps
from lib_kohaku.prompt.syntax.attention import attention_pieces
from lib_kohaku.prompt.syntax.hidden import hide
from lib_kohaku.prompt.syntax.multicond import AND, condition
from lib_kohaku.prompt.syntax.schedule import schedule_pieces

CHUNK = 75
DEFAULT_BACKTRACK = 20


class Ending(Enum):
    """Why a chunk ends."""

    FULL = "full"
    """It has 75 tokens; the cut may go through a tag."""
    COMMA = "comma"
    """It was full, and the words behind its last comma went to the next one."""
    BREAK = "break"
    PROMPT = "prompt"
    """The prompt ends."""


@dataclass(frozen=True)
class Chunk:
    """What one run of the text encoder gets.

    Attributes:
        tokens: How many tokens of the prompt it has, at most 75.
        start: Offset of its first character in the prompt as it was typed.
        end: Offset after its last one.
        ending: Why it ends there.
    """

    tokens: int
    start: int
    end: int
    ending: Ending


@dataclass(frozen=True)
class ChunkedPart:
    """A part of a prompt, at those of its steps at which it has the most tokens.

    Attributes:
        chunks: At least one.
        last_step: The last of these steps.
        exact: False if the counts are estimated.
    """

    chunks: tuple[Chunk, ...]
    last_step: int
    exact: bool

    @property
    def tokens(self) -> int:
        """The count that the webui shows: every chunk counts as full, but for the one that the prompt ends in."""
        return sum(chunk.tokens if chunk.ending is Ending.PROMPT else CHUNK for chunk in self.chunks)

    @property
    def limit(self) -> int:
        """The number behind the slash that the webui shows: the next multiple of 75."""
        return math.ceil(max(self.tokens, 1) / CHUNK) * CHUNK


def chunk_prompt(
    text: str,
    tokenizer: Tokenizer,
    dialect: Dialect = POSITIVE,
    *,
    steps: int | Steps = 20,
    backtrack: int = DEFAULT_BACKTRACK,
) -> list[ChunkedPart]:
    """The chunks of each part of a prompt (one, unless it has ``AND``).

    Args:
        text: Any prompt.
        tokenizer: The text encoder's, or an estimate.
        dialect: Whether the prompt is the negative one, and whether comments are on.
        steps: The sampling, for prompts with schedules.
        backtrack: The webui's setting ``comma_padding_backtrack``, in tokens; 0 switches it off.

    Raises:
        UnreadableWeightError: If the webui would stop with an error on the prompt.
        PromptError: If the number of steps is below 1.
    """
    shown = hide(text, comments=dialect.comments)
    parts: list[ChunkedPart] = []
    for start, part in _parts(shown.text, dialect):
        versions: list[ChunkedPart] = []
        for last_step, pieces in schedule_pieces(part, steps):
            scheduled = "".join([piece.text for piece in pieces])
            sources = [shown.sources[start + p.start + index] for p in pieces for index in range(len(p.text))]
            cutter = _Cutter(tokenizer.comma, backtrack)
            cutter.read(_runs(scheduled, tokenizer))
            chunks = [_placed(chunk, sources) for chunk in cutter.chunks]
            versions.append(ChunkedPart(tuple(chunks), last_step, tokenizer.exact))
        parts.append(max(versions, key=lambda version: version.tokens))
    return parts


def _parts(text: str, dialect: Dialect) -> Iterator[tuple[int, str]]:
    if dialect.negative:
        yield 0, text
        return
    start = 0
    for part in AND.split(text):
        yield start, condition(part).text
        start += len(part) + len("AND")


def _runs(text: str, tokenizer: Tokenizer) -> Iterator[list[Token] | None]:
    """Tokens with offsets in ``text``, one list per run of equal weight; None for a BREAK."""
    words: list[str] = []
    offsets: list[int] = []
    weight = 1.0
    for piece in attention_pieces(text):
        if piece.weight != weight:
            yield from _run("".join(words), weight, offsets, tokenizer)
            words, offsets, weight = [], [], piece.weight
        words.append(piece.text)
        offsets += range(piece.start, piece.start + len(piece.text))
    yield from _run("".join(words), weight, offsets, tokenizer)


def _run(text: str, weight: float, offsets: Sequence[int], tokenizer: Tokenizer) -> Iterator[list[Token] | None]:
    if text == "BREAK" and weight == -1:
        yield None
    else:
        found = tokenizer.tokenize(text)
        yield [Token(token.number, offsets[token.start], offsets[token.end - 1] + 1) for token in found]


class _Cutter:
    """Fills one chunk after the other."""

    def __init__(self, comma: int | None, backtrack: int) -> None:
        self.comma = comma
        self.backtrack = backtrack
        self.chunks: list[tuple[list[Token], Ending]] = []
        self.tokens: list[Token] = []
        self.last_comma = -1

    def read(self, runs: Iterator[list[Token] | None]) -> None:
        for run in runs:
            if run is None:
                self._next(Ending.BREAK)
            else:
                for token in run:
                    self._add(token)
        if self.tokens or not self.chunks:
            self._next(Ending.PROMPT)

    def _next(self, ending: Ending) -> None:
        self.chunks.append((self.tokens, ending))
        self.tokens = []
        self.last_comma = -1

    def _add(self, token: Token) -> None:
        if token.number == self.comma:
            self.last_comma = len(self.tokens)
        elif self._can_look_back():
            cut = self.last_comma + 1
            moved = self.tokens[cut:]
            del self.tokens[cut:]
            self._next(Ending.COMMA)
            self.tokens = moved
        if len(self.tokens) == CHUNK:
            self._next(Ending.FULL)
        self.tokens.append(token)

    def _can_look_back(self) -> bool:
        near = self.last_comma >= 0 and len(self.tokens) - self.last_comma <= self.backtrack
        return self.backtrack != 0 and len(self.tokens) == CHUNK and near


def _placed(chunk: tuple[list[Token], Ending], sources: Sequence[int]) -> Chunk:
    tokens, ending = chunk
    if not tokens:
        return Chunk(0, 0, 0, ending)
    return Chunk(len(tokens), sources[tokens[0].start], sources[tokens[-1].end - 1] + 1, ending)
