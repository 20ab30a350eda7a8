"""A guess at token counts for when no vocabulary is at hand."""

from __future__ import annotations

from lib_kohaku.prompt.chunks.tokenizer import Token
from lib_kohaku.prompt.chunks.words import words

_COMMA = 267
_OTHER = 0
# Measured over danbooru's tags: a run of letters makes a token for about every five, common short words make one.
_LETTERS_PER_TOKEN = 4
_SIGNS_PER_TOKEN = 2


class EstimatingTokenizer:
    """Counts by the lengths of words. ``exact`` is False: whoever shows its counts says that they are estimated."""

    exact = False
    comma = _COMMA

    def tokenize(self, text: str) -> list[Token]:
        """As many tokens as the text is likely to have."""
        tokens: list[Token] = []
        for word in words(text):
            number = _COMMA if word.text == "," else _OTHER
            size = _LETTERS_PER_TOKEN if word.text[0].isalpha() else _SIGNS_PER_TOKEN
            count = max(1, round(len(word.text) / size))
            tokens += [Token(number, word.start, word.end)] * count
        return tokens
