"""What counts tokens."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol

from lib_kohaku.prompt.chunks.words import words


class Token(NamedTuple):
    """One token and the characters it stands for: offsets in the text that was tokenized."""

    number: int
    start: int
    end: int


class Tokenizer(Protocol):
    """A text encoder's tokenizer."""

    @property
    def comma(self) -> int | None:
        """The number of the token ``,``; None if there is no such token."""

    @property
    def exact(self) -> bool:
        """Whether the counts are those of the text encoder, and not an estimate."""

    def tokenize(self, text: str) -> list[Token]:
        """The tokens of a text, without those that mark its begin and end."""


class WordwiseTokenizer:
    """A tokenizer made of a function that knows numbers only, such as the webui's own.

    CLIP encodes each word on its own, so asking for word after word gives the same numbers as asking for the whole
    text, and the place of each.

    Args:
        encode: Numbers of the tokens of a text, without those that mark its begin and end.
        comma: The number of the token ``,``.
    """

    exact = True

    def __init__(self, encode: Callable[[str], Sequence[int]], comma: int | None) -> None:
        self._encode = encode
        self.comma = comma

    def tokenize(self, text: str) -> list[Token]:
        """The tokens of a text; those of one word share its place."""
        return [Token(n, word.start, word.end) for word in words(text) for n in self._encode(word.text)]
