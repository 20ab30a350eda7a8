"""Quality, year and rating words of another family of models."""

from __future__ import annotations

from collections.abc import Iterator

from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule

CODE = "foreign-word"


def check(context: LintContext) -> Iterator[Finding]:
    """Words that the model was not trained with, though a relative was."""
    for at in context.tags:
        word = context.spec.foreign.get(at.known.key)
        if word is None or at.known.info is not None:
            continue  # what is a tag as well is most likely meant as that
        if word.replacement:
            edit = context.respelled(at, word.replacement)
            advice, label = f" Here the word is '{word.replacement}'.", f"Write {word.replacement}"
        else:
            edit, advice, label = context.removed(at), "", "Take it out"
        yield Finding(
            CODE,
            Severity.WARNING,
            at.span,
            f"'{at.tag.name}' is a word of {word.family}; {context.spec.name} was not trained with it.{advice}",
            (Fix(label, (edit,)),) if edit else (),
        )


RULE = Rule(CODE, "words of another family of models", check)
