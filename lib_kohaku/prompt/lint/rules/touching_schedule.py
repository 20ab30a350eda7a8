"""Schedules that touch a loose bracket or colon: the webui itself does not decide them the same way every time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.syntax import Alternation, Branch, Edit, Kind, Leaf, Node, Schedule, Span, walk

CODE = "touching-schedule"
_LOOSE = (Kind.LOOSE, Kind.COLON)


def check(context: LintContext) -> Iterator[Finding]:
    """Neighbours in the tree with nothing between them."""
    for node in walk(context.prompt.children):
        if isinstance(node, Branch):
            yield from _neighbours(node.children)


def _neighbours(nodes: Sequence[Node]) -> Iterator[Finding]:
    for left, right in pairwise(nodes):
        for schedule, other in ((left, right), (right, left)):
            if isinstance(schedule, (Schedule, Alternation)) and isinstance(other, Leaf) and other.kind in _LOOSE:
                yield Finding(
                    CODE,
                    Severity.WARNING,
                    Span(schedule.start, schedule.end),
                    f"This schedule touches a '{other.text}' that belongs to nothing. Whether the webui takes it for "
                    "a schedule or for plain text then changes from one start of the webui to the next.",
                    (Fix("Put a space between", (Edit(right.start, right.start, " "),)),),
                )


RULE = Rule(CODE, "schedules that touch a loose bracket or colon", check)
