"""Other names of tags: models were trained on the tag, not on its aliases."""

from __future__ import annotations

from collections.abc import Iterator

from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule

CODE = "alias"


def check(context: LintContext) -> Iterator[Finding]:
    """Tags that the list resolves to one of another name."""
    for at in context.tags:
        info = at.known.info
        if info is None or info.name == at.known.key or context.spec.word_class(at.known.key):
            continue
        spelled = context.spec.spell(info.name)
        edit = context.respelled(at, info.name)
        yield Finding(
            CODE,
            Severity.WARNING,
            at.span,
            f"'{at.tag.name}' is another name of '{spelled}', which is what models learn.",
            (Fix(f"Write {spelled}", (edit,)),) if edit else (),
        )


RULE = Rule(CODE, "other names of tags", check)
