"""Lint: all rules over one prompt."""

from __future__ import annotations

from collections.abc import Collection

from lib_kohaku.prompt.format import OrderSpec, TagLookup
from lib_kohaku.prompt.lint.context import make_context
from lib_kohaku.prompt.lint.finding import Finding, Severity
from lib_kohaku.prompt.lint.rules import RULES
from lib_kohaku.prompt.syntax import POSITIVE, Dialect


def lint(
    text: str,
    spec: OrderSpec | None = None,
    lookup: TagLookup | None = None,
    dialect: Dialect = POSITIVE,
    *,
    without: Collection[str] = (),
) -> list[Finding]:
    """Everything that is wrong with a prompt, or might be, in the order of the places.

    Args:
        text: Any prompt.
        spec: The model's format; without one its words are not checked.
        lookup: The tag list; without one only the syntax, counts and the model's own words are checked.
        dialect: Whether the prompt is the negative one, and whether comments are on.
        without: Codes of rules to leave out.
    """
    context = make_context(text, spec, lookup, dialect)
    findings = [finding for rule in RULES if rule.code not in without for finding in rule.check(context)]
    return sorted(findings, key=lambda finding: finding.span)


def fix_all(
    text: str, spec: OrderSpec | None = None, lookup: TagLookup | None = None, dialect: Dialect = POSITIVE
) -> str:
    """Apply the best fix of every error and warning, one after the other, until none is left that has one.

    Hints are left to the person. A fix is only taken if there are fewer errors and warnings after it.
    """
    while (fixed := _next_fixed(text, spec, lookup, dialect)) is not None:
        text = fixed
    return text


def _next_fixed(text: str, spec: OrderSpec | None, lookup: TagLookup | None, dialect: Dialect) -> str | None:
    pressing = _pressing(text, spec, lookup, dialect)
    for finding in pressing:
        if finding.fix:
            fixed = finding.fix.apply(text)
            if len(_pressing(fixed, spec, lookup, dialect)) < len(pressing):
                return fixed
    return None


def _pressing(text: str, spec: OrderSpec | None, lookup: TagLookup | None, dialect: Dialect) -> list[Finding]:
    return [finding for finding in lint(text, spec, lookup, dialect) if finding.severity is not Severity.HINT]
