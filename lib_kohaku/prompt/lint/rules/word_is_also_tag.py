"""Words of the model's own that are tags as well, like ``old``."""

from __future__ import annotations

from collections.abc import Iterator

from lib_kohaku.prompt.format import tag_key
from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule

CODE = "word-is-also-tag"


def check(context: LintContext) -> Iterator[Finding]:
    """Words with two meanings."""
    clear_words = {tag_key(word): clear for word, clear in context.spec.clear_words.items()}
    for at in context.tags:
        own, info = context.spec.word_classes.get(at.known.key), at.known.info
        if own is None or info is None:
            continue
        clear = clear_words.get(at.known.key, ())
        advice = f" If you mean the tag, write {' or '.join(repr(word) for word in clear)}." if clear else ""
        edits = [(word, context.respelled(at, word)) for word in clear]
        posts = f" ({info.count:,} posts)" if info.count else ""
        yield Finding(
            CODE,
            Severity.HINT,
            at.span,
            f"'{at.tag.name}' is a {own.value} word of {context.spec.name}, and a tag{posts} as well: "
            f"the model mixes the two.{advice}",
            tuple(Fix(f"Write {word}", (edit,)) for word, edit in edits if edit),
        )


RULE = Rule(CODE, "the model's words that are tags as well", check)
