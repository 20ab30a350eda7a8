r"""``name (series)`` without backslashes: the brackets become a weight and vanish. And ``\m/``, which loses its own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lib_kohaku.prompt.lint.context import LintContext, TagAt
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.syntax import Edit, Kind, leaves

CODE = "unescaped-name"
_LOOKS_LIKE_NAME = re.compile(r"\w[ _]\([^()]+\)$")


def check(context: LintContext) -> Iterator[Finding]:
    """Tags that the list knows with their brackets; without a list, what looks like one."""
    for at in context.tags:
        guessed = not context.lookup.complete and at.tag.typed != at.tag.name and _LOOKS_LIKE_NAME.search(at.tag.typed)
        lost = context.backslashed(at)
        if at.known.as_typed or guessed:
            yield _finding(at)
        elif lost is not None and (edit := context.respelled(at, lost.name)):
            yield Finding(
                CODE,
                Severity.WARNING,
                at.span,
                f"The webui drops the backslash of '{lost.name}' and reads '{at.tag.name}'. A second one keeps it.",
                (Fix(f"Write {edit.replacement}", (edit,)),),
            )


def _finding(at: TagAt) -> Finding:
    brackets = [
        leaf
        for leaf in leaves(at.element.nodes)
        if leaf.kind is Kind.MARK and leaf.text in "()" and at.tag.start <= leaf.start < at.tag.end
    ]
    return Finding(
        CODE,
        Severity.WARNING,
        at.span,
        f"The webui takes the brackets of '{at.tag.typed}' for a weight and reads '{at.tag.name}'. "
        "Backslashes keep them part of the name.",
        (Fix("Escape the brackets", tuple(Edit(leaf.start, leaf.start, "\\") for leaf in brackets)),),
    )


RULE = Rule(CODE, "names with brackets that the webui takes for a weight", check)
