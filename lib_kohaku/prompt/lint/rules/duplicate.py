"""Tags that are there twice."""

from __future__ import annotations

from collections.abc import Iterator

from lib_kohaku.prompt.lint.context import LintContext, TagAt
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule

CODE = "duplicate"


def check(context: LintContext) -> Iterator[Finding]:
    """The second and every further one in the same chunk; schedules are left alone.

    The fix keeps the one that somebody gave a weight.
    """
    seen: dict[tuple[int, str], TagAt] = {}
    for at in context.tags:
        if at.conditional or at.tag.opaque:
            continue
        name = at.known.info.name if at.known.info else at.known.key
        first = seen.setdefault((at.chunk, name), at)
        if first is at:
            continue
        unwanted = first if _is_plain(first) and at.element.is_plain and not _is_plain(at) else at
        edit = context.removed(unwanted)
        label = "Take the second one out" if unwanted is at else "Take the one without a weight out"
        yield Finding(
            CODE,
            Severity.WARNING,
            at.span,
            f"'{at.tag.name}' is there already. Twice costs tokens and weighs it up in an unclear way.",
            (Fix(label, (edit,)),) if edit else (),
        )
        if unwanted is first:
            seen[(at.chunk, name)] = at


def _is_plain(at: TagAt) -> bool:
    return at.element.is_plain and at.element.weights == (1,)


RULE = Rule(CODE, "tags that are there twice", check)
