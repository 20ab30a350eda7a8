"""Characters to tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum

from lib_kohaku.errors import FormulaError
from lib_kohaku.merge.formula.nodes import Span

MAX_LENGTH = 100_000


class Kind(Enum):
    """What a token is."""

    NUMBER = "a number"
    NAME = "a name"
    PARAMETER = "a parameter"
    TEXT = "a quoted name"
    SYMBOL = "a symbol"
    NEWLINE = "the end of the line"
    END = "the end of the formula"


@dataclass(frozen=True, slots=True)
class Token:
    """One token. ``text`` is the content without quotes or dollar sign."""

    kind: Kind
    text: str
    span: Span


# A name may hold dots inside (v1.5) but not begin with a digit, so that 2.5*a stays a product. \w includes letters
# of every script.
_TOKEN = re.compile(
    r"""
    (?P<space>[ \t\r\f\v\u00a0\u3000]+)
  | (?P<comment>\#[^\n]*)
  | (?P<newline>\n)
  | (?P<number>(?:\d+\.?\d*|\.\d+)(?:[eE][-+−–]?\d+)?(?![\w.]))
  | (?P<parameter>\$[^\W\d]\w*)
  | (?P<name>[^\W\d]\w*(?:\.\w+)*)
  | (?P<text>"(?:[^"\\\n]|\\["\\])*"|'(?:[^'\\\n]|\\['\\])*'|[“”](?:[^"“”\\\n]|\\["“”\\])*["“”])
  | (?P<symbol>[-+*/()\[\],=;−–×·÷])
    """,
    re.VERBOSE,
)
# What word processors and model cards put in place of plain operators. Names in quotes may hold them as they are.
_LOOKALIKES = str.maketrans({"−": "-", "–": "-", "×": "*", "·": "*", "÷": "/"})


def tokenize(source: str) -> list[Token]:
    """Split a formula into tokens.

    Newlines inside brackets are left out, so an expression may go over several lines there; ``;`` counts as a newline.

    Raises:
        FormulaError: On a character that no token begins with, an open quote, or a formula of over 100,000 characters.
    """
    if len(source) > MAX_LENGTH:
        raise FormulaError(f"The formula is longer than {MAX_LENGTH} characters.")
    lines = source.split("\n")
    tokens: list[Token] = []
    position, line, line_start, depth = 0, 1, 0, 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        column = position - line_start + 1
        if match is None:
            raise _unexpected(source, position, line, column, lines[line - 1])
        kind, content, position = match.lastgroup, match.group(), match.end()
        span = Span(line, column, len(content))
        if kind == "newline":
            line, line_start = line + 1, position
        if kind in ("space", "comment") or (kind == "newline" and depth):
            continue
        token = _make(kind or "", content, span)
        depth = max(0, depth + (content in ("(", "[")) - (content in (")", "]"))) if kind == "symbol" else depth
        tokens.append(token)
    tokens.append(Token(Kind.END, "", Span(line, len(source) - line_start + 1, 1)))
    return tokens


def _make(kind: str, content: str, span: Span) -> Token:
    if kind == "newline" or content == ";":
        return Token(Kind.NEWLINE, "", span)
    if kind == "number":
        return Token(Kind.NUMBER, content.translate(_LOOKALIKES), span)
    if kind == "parameter":
        return Token(Kind.PARAMETER, content[1:], span)
    if kind == "name":
        return Token(Kind.NAME, content, span)
    if kind == "text":
        return Token(Kind.TEXT, re.sub(r"\\(.)", r"\1", content[1:-1]), span)
    return Token(Kind.SYMBOL, content.translate(_LOOKALIKES), span)


def _unexpected(text: str, position: int, line: int, column: int, source_line: str) -> FormulaError:
    character = text[position]
    if character in "\"'“”":
        message = "this quote is not closed on the same line"
    elif character.isdigit() or character == ".":
        word = re.match(r"[\w.]+", text[position:])
        found = word.group() if word else character
        message = f'{found!r} is not a number; if it is a checkpoint\'s name, put it in quotes: "{found}"'
        return FormulaError(message, line=line, column=column, length=len(found), source=source_line)
    else:
        message = f"{character!r} has no meaning here"
    return FormulaError(message, line=line, column=column, source=source_line)
