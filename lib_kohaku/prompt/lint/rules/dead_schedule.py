"""Schedules that a character somewhere else turns into plain text."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.syntax import (
    Alternation,
    Branch,
    Edit,
    Group,
    Kind,
    Leaf,
    Node,
    Part,
    Schedule,
    Span,
    apply_edits,
    parse,
    walk,
)

CODE = "dead-schedule"
_ENDS_IN_NUMBER = re.compile(r":\s*[-+]?[\d.]+\s*\]$")


def check(context: LintContext) -> Iterator[Finding]:
    """A bar, colon or backslash that the webui's grammar has no place for, where there would be schedules without."""
    for part in context.prompt.parts:
        if any(isinstance(node, (Schedule, Alternation)) for node in walk(part.children)):
            continue
        culprits = sorted(_culprits(context, part), key=lambda leaf: leaf.start)
        edits = tuple(_edit(leaf) for leaf in culprits)
        if edits and _lives(context, part, edits):
            first = culprits[0]
            yield Finding(
                CODE,
                Severity.WARNING,
                Span(first.start, first.end),
                f"Because of this '{first.text}' the webui takes every [a:b:0.5] and [a|b] around it for plain text.",
                (Fix("Take it out" if first.kind is Kind.ESCAPE else "Make it text with a backslash", edits),),
            )


def _culprits(context: LintContext, part: Part) -> Iterator[Leaf]:
    for node in (part, *walk(part.children)):
        if isinstance(node, Leaf):
            if node.kind is Kind.ESCAPE and context.text[node.end : node.end + 1] in ("", "\n"):
                yield node
            continue
        bars, colons = _direct(node, Kind.BAR), _direct(node, Kind.COLON)
        if not isinstance(node, Group) or context.text[node.start] == "(":
            yield from bars
        elif bars and colons:
            # A schedule with a bar in one of its texts, or an alternation of tags such as `:d`?
            yield from bars if _ENDS_IN_NUMBER.search(context.text[node.start : node.end]) else colons


def _direct(node: Branch, kind: Kind) -> list[Leaf]:
    return [child for child in node.children if isinstance(child, Leaf) and child.kind is kind]


def _edit(leaf: Leaf) -> Edit:
    return Edit(leaf.start, leaf.end if leaf.kind is Kind.ESCAPE else leaf.start, "" if leaf.text == "\\" else "\\")


def _lives(context: LintContext, part: Part, edits: tuple[Edit, ...]) -> bool:
    """Whether the part has schedules with the edits made; its end may lie as many characters further on."""
    nodes: Iterator[Node] = walk(parse(apply_edits(context.text, edits), context.dialect).children)
    found = (node for node in nodes if isinstance(node, (Schedule, Alternation)))
    return any(part.start <= node.start < part.end + len(edits) for node in found)


RULE = Rule(CODE, "schedules that do not work because of another character", check)
