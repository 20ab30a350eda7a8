"""Tags that are there twice."""

from __future__ import annotations

from collections.abc import Iterator

from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule

CODE = "duplicate"


def check(context: LintContext) -> Iterator[Finding]:
    """The second and every further one in the same chunk; schedules are left alone."""
    seen: set[tuple[int, str]] = set()
    for at in context.tags:
        if at.conditional or at.tag.opaque:
            continue
        name = at.known.info.name if at.known.info else at.known.key
        if (at.chunk, name) not in seen:
            seen.add((at.chunk, name))
            continue
        edit = context.removed(at)
        yield Finding(
            CODE,
            Severity.WARNING,
            at.span,
            f"'{at.tag.name}' is there already. Twice costs tokens and weighs it up in an unclear way.",
            (Fix("Take the second one out", (edit,)),) if edit else (),
        )


RULE = Rule(CODE, "tags that are there twice", check)
