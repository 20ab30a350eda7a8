"""From text to tree."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass

from lib_kohaku.prompt.syntax.attention import TOKEN
from lib_kohaku.prompt.syntax.builder import Builder, Leaves
from lib_kohaku.prompt.syntax.foreign import REGION, foreign_spans
from lib_kohaku.prompt.syntax.hidden import hide
from lib_kohaku.prompt.syntax.multicond import AND, trailing_weight
from lib_kohaku.prompt.syntax.nodes import Kind, Node, Part, Prompt
from lib_kohaku.prompt.syntax.schedule import constructs
from lib_kohaku.prompt.syntax.schedule_grammar import Construct, parse_schedules

# Stands in for other extensions' syntax while the webui's grammar is applied: no bracket, no blank, no word character.
_MASK = "~"
_TEXT = re.compile(
    rf"(?P<comma>,)|(?P<bar>\|)|(?P<blank>\s+)|(?P<break>\bBREAK\b)|(?P<region>{REGION})"
    rf"|(?P<words>(?:(?!\bBREAK\b|{REGION})[^\s,|])+)"
)
_TEXT_KINDS = {kind.value: kind for kind in (Kind.COMMA, Kind.BAR, Kind.BLANK, Kind.BREAK, Kind.REGION, Kind.WORDS)}


@dataclass(frozen=True)
class Dialect:
    """What changes the webui's reading of a prompt.

    Attributes:
        negative: A negative prompt: ``AND`` and a weight at the end mean nothing in it.
        comments: The webui's option "Enable comments", on by default.
    """

    negative: bool = False
    comments: bool = True


POSITIVE = Dialect()
NEGATIVE = Dialect(negative=True)


def parse(text: str, dialect: Dialect = POSITIVE) -> Prompt:
    """The lossless tree of a prompt, in time linear in its length.

    Never fails: every string is a prompt to the webui, and ``parse(text).text == text`` for all of them.
    """
    return _Parser(text, dialect).prompt()


class _Parser:
    def __init__(self, text: str, dialect: Dialect) -> None:
        self.text = text
        self.dialect = dialect
        self.visible = hide(text, comments=dialect.comments)
        self.foreign = foreign_spans(self.visible.text)
        self.foreign_starts = [start for start, _ in self.foreign]
        self.masked = self._mask()
        self.leaves = Leaves(self.visible)

    def _mask(self) -> str:
        pieces: list[str] = []
        position = 0
        for start, end in self.foreign:
            pieces += [self.visible.text[position:start], _MASK * (end - start)]
            position = end
        return "".join([*pieces, self.visible.text[position:]])

    def prompt(self) -> Prompt:
        children: list[Node] = []
        position = 0
        for match in AND.finditer(self.masked) if not self.dialect.negative else ():
            children.append(self._part(position, match.start()))
            self.leaves.place(Kind.AND, match.start(), match.end(), self.text, children)
            position = match.end()
        children.append(self._part(position, len(self.masked)))
        return Prompt(tuple(children))

    def _part(self, start: int, end: int) -> Part:
        trailing = None if self.dialect.negative else trailing_weight(self.masked[start:end])
        core_end = start + trailing.start if trailing else end
        builder = Builder(self.text, self.leaves, self._constructs(start, core_end))
        for match in TOKEN.finditer(self.masked, start, core_end):
            self._token(builder, match)
        nodes = builder.finish()
        self.leaves.place(Kind.TRAILING_WEIGHT, core_end, end, self.text, nodes)
        self.leaves.hidden_before(self._source(end), self.text, nodes)
        where = nodes[0].start if nodes else self._source(start)
        return Part(where, nodes[-1].end if nodes else where, tuple(nodes), trailing.weight if trailing else 1.0)

    def _source(self, position: int) -> int:
        sources = self.visible.sources
        return sources[position] if position < len(sources) else len(self.text)

    def _constructs(self, start: int, end: int) -> dict[int, Construct]:
        items = parse_schedules(self.masked[start:end])
        return {found.start: found for found in constructs(items or ())}

    def _token(self, builder: Builder, match: re.Match[str]) -> None:
        token, start, end = match.group(), match.start(), match.end()
        if token.startswith("\\"):
            builder.add(Kind.ESCAPE, start, end)
        elif token in ("(", "["):
            builder.open(start)
        elif token == "]" and builder.is_open("["):
            builder.close("[", start, end, None)
        elif token.endswith(")") and builder.is_open("("):
            builder.close("(", start, end, match.group(1))
        elif token[0] == ":":
            self._colon(builder, start, end)
        elif token in (")", "]"):
            builder.add(Kind.LOOSE, start, end)
        else:
            self._words(builder, start, end)

    def _colon(self, builder: Builder, start: int, end: int) -> None:
        """A colon, alone or as the beginning of a weight without an opening bracket such as ``:1.2)``."""
        builder.separator(Kind.COLON, start)
        if end > start + 1:
            self._words(builder, start + 1, end - 1)
            builder.add(Kind.LOOSE, end - 1, end)

    def _words(self, builder: Builder, start: int, end: int) -> None:
        """Text without brackets and colons: cut at commas, blanks, bars, keywords and other extensions' syntax."""
        if self.masked[start] == "|" and self.masked[start - 1 : start] == "\\":
            # The webui's grammar takes `\|` for text; the attention parser has just eaten the backslash.
            builder.add(Kind.WORDS, start, start + 1)
            start += 1
        while start < end:
            foreign = bisect_right(self.foreign_starts, start) - 1
            if foreign >= 0 and start < self.foreign[foreign][1]:
                stop = self.foreign[foreign][1]
                builder.add(Kind.FOREIGN, start, stop)
            else:
                next_foreign = self.foreign_starts[foreign + 1] if foreign + 1 < len(self.foreign) else end
                stop = min(end, next_foreign)
                self._plain_words(builder, start, stop)
            start = stop

    def _plain_words(self, builder: Builder, start: int, end: int) -> None:
        for match in _TEXT.finditer(self.masked, start, end):
            kind = _TEXT_KINDS[match.lastgroup or "words"]
            if kind is Kind.BAR:
                builder.separator(kind, match.start())
            else:
                builder.add(kind, match.start(), match.end())
