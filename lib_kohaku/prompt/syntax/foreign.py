"""Other extensions' syntax, which is nobody's business here but must stay in one piece.

``{a|b}`` ``${name}`` ``$name`` (Dynamic Prompts, tagcomplete), ``__wildcard__`` (many), ``@file:category@`` (Easy
Prompt Selector). Their extensions replace them before the webui's parser sees the prompt, so brackets, commas and
bars inside are not the prompt's.
"""

from __future__ import annotations

import re

# A tag like `@_@` or `a$ap_rocky` is not meant: the marks have to stand free, and something like a word between them.
_WILDCARD = re.compile(r"__(?!_)[^\s,()\[\]{}|<>]*?[^\s,()\[\]{}|<>_]__(?!_)")
_VARIABLE = re.compile(r"(?<![^\s,({\[:|])\$[A-Za-z_]\w*")
_SELECTOR = re.compile(r"(?<![^\s,({\[:|])@(?=[^@\s]*[^\W_])[^@\s,()\[\]]+@")
# Regional Prompter's. To the webui they are words like any other.
REGION = r"\bADD(?:BASE|COMM|COL|ROW|P)\b"
_MARK = re.compile(r"[{}]|__|\$|@")


def foreign_spans(text: str) -> list[tuple[int, int]]:
    """Places of other extensions' syntax: ascending, not overlapping, as (start, end) offsets."""
    closing = _matching_braces(text)
    spans: list[tuple[int, int]] = []
    position = 0
    while mark := _MARK.search(text, position):
        end = _end_of(text, mark.start(), mark.group(), closing)
        if end is None:
            position = mark.end()
        else:
            spans.append((mark.start(), end))
            position = end
    return spans


def _matching_braces(text: str) -> dict[int, int]:
    """Offset after the closing brace for each opening one that has one."""
    opened: list[int] = []
    closing: dict[int, int] = {}
    for match in re.finditer(r"[{}]", text):
        if match.group() == "{":
            opened.append(match.start())
        elif opened:
            closing[opened.pop()] = match.end()
    return closing


def _end_of(text: str, start: int, mark: str, closing: dict[int, int]) -> int | None:
    if mark == "{":
        return closing.get(start)
    if mark == "$" and text.startswith("${", start):
        return closing.get(start + 1)
    pattern = {"__": _WILDCARD, "$": _VARIABLE, "@": _SELECTOR}.get(mark)
    match = pattern.match(text, start) if pattern else None
    return match.end() if match else None
