"""CLIP's byte pair encoding, with the vocabulary file that the packages ``open_clip`` and ``clip`` bring along.

Source: Sennrich et al. 2016 (byte pair encoding) with the byte alphabet of GPT-2, as CLIP uses them.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

from lib_kohaku.prompt.chunks.tokenizer import Token
from lib_kohaku.prompt.chunks.words import words
from lib_kohaku.prompt.syntax.errors import PromptError

_FILE = "bpe_simple_vocab_16e6.txt.gz"
_PACKAGES = ("open_clip", "clip")
# The file holds more merges than CLIP uses: its 49,408 tokens are two alphabets of bytes, two marks, and these.
_MERGES = 49_408 - 2 * 256 - 2
_LARGEST_FILE = 16 << 20
_END = "</w>"
# Joining takes quadratic time, so absurdly long "words" are joined piecewise, which can cost a token per piece.
_LONGEST_WORD = 256
_CACHED_WORDS = 50_000


def find_vocabulary() -> Path | None:
    """The vocabulary file of an installed package; the packages themselves are not imported."""
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for folder in (spec.submodule_search_locations or ()) if spec else ():
            path = Path(folder) / _FILE
            if path.is_file():
                return path
    return None


class ClipTokenizer:
    """The tokenizer of the text encoders of Stable Diffusion 1.x and XL.

    CLIP's own code also repairs broken encodings and joins accents with their letters; text that needs that may count
    differently here.

    Args:
        merges: Pairs of pieces, in the order in which they are to be joined.
    """

    exact = True

    def __init__(self, merges: Iterable[tuple[str, str]]) -> None:
        alphabet = list(_byte_alphabet().values())
        self._ranks = {pair: rank for rank, pair in enumerate(merges)}
        pieces = [*alphabet, *(letter + _END for letter in alphabet), *(left + right for left, right in self._ranks)]
        self._numbers = {piece: number for number, piece in enumerate(pieces)}
        self._bytes = _byte_alphabet()
        self._cache: dict[str, tuple[int, ...]] = {}

    @classmethod
    def load(cls, path: Path) -> ClipTokenizer:
        """Read CLIP's vocabulary file, in about a tenth of a second.

        Raises:
            PromptError: If the file cannot be read, or is another.
        """
        try:
            with gzip.open(path, "rb") as file:
                lines = file.read(_LARGEST_FILE).decode("utf-8").split("\n")
        except (OSError, EOFError, UnicodeDecodeError) as error:
            raise PromptError(f"the vocabulary {path.name} cannot be read: {error}") from error
        pairs = [tuple(line.split()) for line in lines[1 : _MERGES + 1]]
        merges = [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]
        if len(merges) != _MERGES:
            raise PromptError(f"{path.name} is not CLIP's vocabulary: {len(merges)} merges instead of {_MERGES}")
        return cls(merges)

    @property
    def comma(self) -> int:
        """The number of the token ``,``."""
        return self._numbers["," + _END]

    def tokenize(self, text: str) -> list[Token]:
        """The tokens of a text; those of one word share its place."""
        return [Token(n, word.start, word.end) for word in words(text) for n in self._word(word.text)]

    def _word(self, word: str) -> tuple[int, ...]:
        if word not in self._cache:
            if len(self._cache) >= _CACHED_WORDS:
                self._cache.clear()
            # CLIP lowers the text first, and a few letters fall apart by that: "İ" becomes "i" and a dot.
            self._cache[word] = tuple(n for lowered in words(word.lower()) for n in self._encode(lowered.text))
        return self._cache[word]

    def _encode(self, word: str) -> Iterator[int]:
        # Lone surrogates have no bytes of their own; CLIP cannot know them either.
        pieces = [self._bytes[byte] for byte in word.encode("utf-8", errors="replace")]
        pieces[-1] += _END
        for start in range(0, len(pieces), _LONGEST_WORD):
            yield from (self._numbers[piece] for piece in self._merged(pieces[start : start + _LONGEST_WORD]))

    def _merged(self, pieces: list[str]) -> list[str]:
        while len(pieces) > 1:
            best = min(pairwise(pieces), key=lambda pair: self._ranks.get(pair, _MERGES))
            if best not in self._ranks:
                break
            joined: list[str] = []
            index = 0
            while index < len(pieces):
                if tuple(pieces[index : index + 2]) == best:
                    joined.append(best[0] + best[1])
                    index += 2
                else:
                    joined.append(pieces[index])
                    index += 1
            pieces = joined
        return pieces


@lru_cache(maxsize=1)
def _byte_alphabet() -> dict[int, str]:
    """A printable character for each byte: itself where it is printable, else one from U+0100 on. Order matters."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    letters = {byte: chr(byte) for byte in printable}
    return {**letters, **{byte: chr(256 + number) for number, byte in enumerate(others)}}
