"""``BREAK`` and ``AND`` inside of weights."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.syntax import Branch, Edit, Group, Kind, Leaf, Node, Span

CODE = "keyword-in-weight"
# Deeper than anybody nests; what is further out is not looked at.
_DEEPEST = 8
_AND = re.compile(r"\bAND\b")
_REASON = {
    "BREAK": "BREAK inside of brackets is no break: the word itself is drawn from, with a negative weight.",
    "AND": "AND inside of brackets cuts the brackets in two: one half has no end, the other no beginning.",
}


def check(context: LintContext) -> Iterator[Finding]:
    """Keywords that have weighting brackets around them."""
    stack: list[tuple[Node, tuple[Branch, ...]]] = [(node, ()) for node in reversed(context.whole.children)]
    while stack:
        node, around = stack.pop()
        if isinstance(node, Branch):
            inner = (*around, node)[-_DEEPEST:] if isinstance(node, Group) or around else around
            stack += [(child, inner) for child in reversed(node.children)]
        elif any(isinstance(branch, Group) for branch in around):
            for keyword in _keywords(node, context):
                yield _finding(context, keyword, around)


def _keywords(leaf: Leaf, context: LintContext) -> Iterator[Span]:
    if leaf.kind is Kind.BREAK:
        yield Span(leaf.start, leaf.end)
    elif leaf.kind is Kind.WORDS and not context.dialect.negative:
        for match in _AND.finditer(leaf.text):
            yield Span(leaf.start + match.start(), leaf.start + match.end())


def _finding(context: LintContext, keyword: Span, around: tuple[Branch, ...]) -> Finding:
    text = context.text
    word = text[keyword.start : keyword.end]
    start, end = keyword.start, keyword.end
    while start and text[start - 1].isspace():
        start -= 1
    while end < len(text) and text[end].isspace():
        end += 1
    groups = [branch for branch in around if isinstance(branch, Group)]
    if len(groups) == len(around) < _DEEPEST:
        closing = "".join([_closing(text, group) for group in reversed(groups)])
        opening = "".join([text[group.start] for group in groups])
        edits = (Edit(start, start, closing), Edit(end, end, opening))
        fix = Fix(f"Close the brackets before {word} and open them again behind it", edits)
    else:
        fix = Fix(f"Take {word} out", (Edit(start, end, ", "),))
    return Finding(CODE, Severity.ERROR, keyword, _REASON[word], (fix,))


def _closing(text: str, group: Group) -> str:
    begin = group.content[-1].end if group.content else group.start + 1
    return text[begin : group.end]


RULE = Rule(CODE, "BREAK and AND inside of weights", check)
