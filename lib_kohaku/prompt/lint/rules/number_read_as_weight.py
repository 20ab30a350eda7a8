"""Tags that end in a colon and a number, where the webui takes the number for a weight (webui issue 7948)."""

from __future__ import annotations

from collections.abc import Iterator

from lib_kohaku.prompt.format import Element, elements, tag_key
from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.syntax import Edit, Group, Kind, Leaf, Part, Span, leaves, read, source, walk
from lib_kohaku.prompt.syntax.errors import UnreadableWeightError

CODE = "number-read-as-weight"
# Nobody guides a part of a prompt ten times as strongly as the others.
_UNLIKELY = 10


def check(context: LintContext) -> Iterator[Finding]:
    """At the end of the prompt or of a part, and before a closing bracket."""
    alone = len(context.prompt.parts) == 1
    for part in context.prompt.parts:
        yield from _at_end(context, part, alone)
    for node in walk(context.prompt.children):
        if isinstance(node, Group) and node.explicit:
            yield from _in_brackets(context, node)


def _at_end(context: LintContext, part: Part, alone: bool) -> Iterator[Finding]:
    pieces = [leaf for leaf in part.children if isinstance(leaf, Leaf) and leaf.kind is Kind.TRAILING_WEIGHT]
    if not pieces or any(leaf.kind is Kind.LOOSE and leaf.text == "(" for leaf in leaves([part])):
        return  # `(smile:1.2` lacks a bracket, not a comma
    head = [node for node in part.children if node.end <= pieces[0].start]
    if not (alone or abs(part.weight) >= _UNLIKELY or _is_tag(context, source(head), pieces[0].text.strip())):
        return
    number = next(leaf for leaf in reversed(pieces) if leaf.text.strip())
    end = number.start + len(number.text.rstrip())
    start = pieces[0].start + len(pieces[0].text) - len(pieces[0].text.lstrip())
    comma = Fix("Add a comma", (Edit(end, end, ","),))
    advice, fixes = "A comma behind it prevents that.", [comma]
    tag = _weighed_tag(context, pieces[0].start) if abs(part.weight) < _UNLIKELY else None
    if tag is not None:
        advice = "In brackets it is the weight of one tag."
        fixes = [Fix("Put brackets around it", (Edit(tag.start, tag.start, "("), Edit(end, end, ")"))), comma]
    yield Finding(
        CODE,
        Severity.ERROR,
        Span(start, end),
        f"The webui takes '{context.text[start:end]}' at the end for a weight: it drops these characters and follows "
        f"the prompt {part.weight:g} times as strongly. {advice}",
        tuple(fixes),
    )


def _weighed_tag(context: LintContext, number: int) -> Element | None:
    """The tag that somebody gave a weight and forgot the brackets, if it looks like that."""
    element = next((element for element in elements(context.prompt) if element.end == number), None)
    if element is None or not element.is_plain or any(isinstance(node, Group) for node in element.nodes):
        return None
    key = tag_key(element.tags[0].name)
    return element if context.lookup.resolve(key) or context.spec.word_class(key) else None


def _in_brackets(context: LintContext, group: Group) -> Iterator[Finding]:
    mark = group.children[-1]
    if not isinstance(mark, Leaf) or not mark.text.startswith(":"):
        return
    number = mark.text[1:-1]
    if not _is_tag(context, source(group.content), ":" + number.strip()):
        return
    digits = mark.start + 1 + len(number) - len(number.lstrip())
    yield Finding(
        CODE,
        Severity.ERROR,
        Span(mark.start, mark.end - 1),
        f"The webui takes '{mark.text[:-1]}' before the bracket for a weight of {group.weight:g}. "
        "A backslash before the number, which the webui drops, keeps it part of the tag.",
        (Fix("Keep it a tag", (Edit(digits, digits, "\\"),)),),
    )


def _is_tag(context: LintContext, before: str, number: str) -> bool:
    """Whether words and number together are one tag, or nothing but the number stands behind a comma."""
    words = before.rpartition(",")[2].rpartition("\n")[2]
    if not words.strip():
        return True
    try:
        return context.lookup.resolve(tag_key(read(words) + number)) is not None
    except UnreadableWeightError:
        return False


RULE = Rule(CODE, "numbers of tags that the webui takes for weights", check)
