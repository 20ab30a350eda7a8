"""Tags with a ``#``: the webui takes it, and the rest of the line, for a comment."""

from __future__ import annotations

from collections.abc import Iterator

from lib_kohaku.prompt.format import Element, elements, tag_key
from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.syntax import Edit, Kind, Leaf, Span, leaves

CODE = "hash-in-name"


def check(context: LintContext) -> Iterator[Finding]:
    """Comments that begin right behind a word, or that would be a known tag."""
    before = {element.end: element for element in elements(context.prompt)}
    for leaf in leaves(context.prompt.children):
        if leaf.kind is Kind.COMMENT:
            name = _name(context, leaf, before.get(leaf.start))
            if name is not None:
                yield _finding(context, name, leaf)


def _name(context: LintContext, comment: Leaf, before: Element | None) -> Span | None:
    """Where the name stands that the comment is a piece of; None if it is just a comment."""
    start = before.start if before is not None else comment.start
    end = comment.start + len(comment.text.partition(",")[0].rstrip())
    known = context.lookup.resolve(tag_key(context.text[start:end].replace("\\", ""))) is not None
    return Span(start, end) if before is not None or known else None


def _finding(context: LintContext, name: Span, comment: Leaf) -> Finding:
    rest = context.text[name.end : comment.end]
    skipped = len(rest) - len(rest.lstrip(", \t"))
    return Finding(
        CODE,
        Severity.ERROR,
        name,
        f"'#' begins a comment: the webui ignores '{comment.text}' to the end of the line. It has no way to write a "
        "tag with '#', unless its option 'Enable comments' is switched off.",
        (Fix("Take the tag out, keep the rest of the line", (Edit(name.start, name.end + skipped, ""),)),),
    )


RULE = Rule(CODE, "tags with '#', which begins a comment", check)
