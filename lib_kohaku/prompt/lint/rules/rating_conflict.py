"""Ratings that contradict each other."""

from __future__ import annotations

from collections.abc import Iterator

from lib_kohaku.prompt.format import TagClass, tag_key
from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule

CODE = "rating-conflict"


def check(context: LintContext) -> Iterator[Finding]:
    """Every rating that does not go with the first one. A negative prompt may name as many as it likes."""
    if context.dialect.negative:
        return
    together = [{tag_key(word) for word in words} for words in context.spec.rating_sets]
    present: dict[int, list[str]] = {}
    for at in context.tags:
        if context.spec.word_classes.get(at.known.key) is not TagClass.RATING or at.conditional:
            continue  # another family's rating is a finding of its own
        ratings = present.setdefault(at.chunk, [])
        if not ratings or at.known.key in ratings or any({*ratings, at.known.key} <= allowed for allowed in together):
            ratings.append(at.known.key)
            continue
        edit = context.removed(at)
        yield Finding(
            CODE,
            Severity.WARNING,
            at.span,
            f"'{at.tag.name}' contradicts the rating '{context.spec.own_words.get(ratings[0], ratings[0])}'.",
            (Fix(f"Take {at.tag.name} out", (edit,)),) if edit else (),
        )


RULE = Rule(CODE, "ratings that contradict each other", check)
