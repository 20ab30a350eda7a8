"""Tags that another tag of the prompt says already."""

from __future__ import annotations

from collections.abc import Iterator

from lib_kohaku.prompt.format import TagInfo, TagLookup
from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule

CODE = "implied"


def check(context: LintContext) -> Iterator[Finding]:
    """Tags that a more exact tag in the same chunk implies."""
    implied: dict[tuple[int, str], str] = {}
    for at in context.tags:
        if at.known.info and not at.conditional:
            for name in _all_implied(at.known.info, context.lookup):
                implied.setdefault((at.chunk, name), at.known.info.name)
    for at in context.tags:
        reason = implied.get((at.chunk, at.known.info.name)) if at.known.info and not at.conditional else None
        if reason is not None:
            edit = context.removed(at)
            yield Finding(
                CODE,
                Severity.HINT,
                at.span,
                f"'{context.spec.spell(reason)}' says '{at.tag.name}' already.",
                (Fix("Take it out", (edit,)),) if edit else (),
            )


def _all_implied(info: TagInfo, lookup: TagLookup) -> set[str]:
    found: set[str] = set()
    ahead = list(info.implies)
    while ahead:
        name = ahead.pop()
        if name not in found and name != info.name:
            found.add(name)
            further = lookup.resolve(name)
            ahead += further.implies if further else ()
    return found


RULE = Rule(CODE, "tags that another one implies", check)
