r"""Brackets without a counterpart, judged as the webui reads them: ``\(`` and ``;)`` are fine."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator

from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.syntax import Edit, Kind, Leaf, Span, leaves

CODE = "loose-bracket"
# A weight without its bracket: `(smile:1.2, solo`.
_WEIGHT = re.compile(r"[^,()\[\]:\n]+:\s*[+-]?[\d.]+(?=\s*(?:[,\n]|$))")
_CLOSING = {"(": ")", "[": "]"}


def check(context: LintContext) -> Iterator[Finding]:
    """Unclosed brackets act to the end of the prompt; superfluous closing ones are drawn from as text."""
    loose = [leaf for leaf in leaves(context.whole.children) if leaf.kind is Kind.LOOSE]
    crossed = _crossed(loose)
    tags = [at.tag for at in context.tags if at.known.info]
    starts = [tag.start for tag in tags]
    end = _end(context)
    for leaf in loose:
        number = bisect_right(starts, leaf.start) - 1
        in_tag = number >= 0 and leaf.start < tags[number].end
        if leaf in crossed:
            yield _crossing(leaf, crossed[leaf])
        elif leaf.text in _CLOSING:
            yield _unclosed(context.text, leaf, end, in_tag)
        elif not in_tag:
            message = f"This '{leaf.text}' closes nothing: the webui reads it as text."
            yield Finding(CODE, Severity.HINT, Span(leaf.start, leaf.end), message, (_escape(leaf),))


def _crossed(loose: list[Leaf]) -> dict[Leaf, Leaf]:
    """Pairs like the square brackets of ``(a [b) c]``, which the webui does match."""
    partners: dict[Leaf, Leaf] = {}
    for opening, closing in _CLOSING.items():
        opened: list[Leaf] = []
        for leaf in loose:
            if leaf.text == opening:
                opened.append(leaf)
            elif leaf.text == closing and opened:
                partner = opened.pop()
                partners |= {leaf: partner, partner: leaf}
    return partners


def _escape(*brackets: Leaf) -> Fix:
    label = "Make it text: \\" + " \\".join(sorted(leaf.text for leaf in brackets))
    return Fix(label, tuple(Edit(leaf.start, leaf.start, "\\") for leaf in brackets))


def _crossing(leaf: Leaf, partner: Leaf) -> Finding:
    message = "These brackets cross others: what is inside of both is weighted twice."
    return Finding(CODE, Severity.WARNING, Span(leaf.start, leaf.end), message, (_escape(leaf, partner),))


def _end(context: LintContext) -> int:
    """Where a bracket can be closed at the end: before blanks and comments."""
    end = len(context.text)
    for leaf in reversed(list(leaves(context.whole.children))):
        if leaf.kind not in (Kind.BLANK, Kind.COMMENT):
            break
        end = leaf.start
    return end


def _unclosed(text: str, leaf: Leaf, end: int, in_tag: bool) -> Finding:
    close = Fix(f"Close it at the end with {_CLOSING[leaf.text]}", (Edit(end, end, _CLOSING[leaf.text]),))
    weight = _WEIGHT.match(text, leaf.end) if leaf.text == "(" else None
    if weight:
        close = Fix("Close it behind the weight", (Edit(weight.end(), weight.end(), ")"),))
    escape = _escape(leaf)
    return Finding(
        CODE,
        Severity.WARNING,
        Span(leaf.start, leaf.end),
        f"This '{leaf.text}' is never closed: it changes the weight of everything behind it.",
        (escape, close) if in_tag else (close, escape),
    )


RULE = Rule(CODE, "brackets without a counterpart", check)
