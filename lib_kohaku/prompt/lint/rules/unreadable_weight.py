"""Weights on which the webui stops with an error: ``(hair:1.2.3)``."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.syntax import Edit, Group, Span, walk

CODE = "unreadable-weight"
_NUMBER = re.compile(r"[+-]?\d+(?:\.\d+)?")


def check(context: LintContext) -> Iterator[Finding]:
    """Weights that are no numbers."""
    for node in walk(context.prompt.children):
        if isinstance(node, Group) and math.isnan(node.weight):
            start = node.content[-1].end if node.content else node.start + 1
            mark = context.text[start : node.end - 1]
            number = _NUMBER.search(mark)
            written = ":" + number.group() if number else ""
            yield Finding(
                CODE,
                Severity.ERROR,
                Span(start, node.end - 1),
                f"'{mark}' is no number that the webui can read: it stops with an error.",
                (Fix(f"Write {written}" if written else "Take it out", (Edit(start, node.end - 1, written),)),),
            )


RULE = Rule(CODE, "weights that stop the webui", check)
