"""Lint: all rules over one prompt."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from lib_kohaku.prompt.format import OrderSpec, TagLookup
from lib_kohaku.prompt.lint.context import make_context
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rules import RULES
from lib_kohaku.prompt.syntax import POSITIVE, Dialect, apply_edits

# A prompt with more mistakes than these can mend is not one that a person wrote.
_MOST_LOOKS = 200


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
    text: str,
    spec: OrderSpec | None = None,
    lookup: TagLookup | None = None,
    dialect: Dialect = POSITIVE,
    *,
    unless: Callable[[str, Finding], bool] = lambda _text, _finding: False,
) -> str:
    """Apply the best fix of every error and warning until none is left that has one.

    Hints are left to the person. A fix is only taken if there are fewer errors and warnings after it. A prompt is
    looked at two hundred times at most; what is not mended by then stays.

    Args:
        text: Any prompt.
        spec: As for :func:`lint`.
        lookup: As for :func:`lint`.
        dialect: As for :func:`lint`.
        unless: Asked with a prompt and a finding in it; where it says yes, nothing is changed.
    """

    def pressing(prompt: str) -> list[Finding]:
        found = lint(prompt, spec, lookup, dialect)
        return [f for f in found if f.severity is not Severity.HINT and not unless(prompt, f)]

    repair = _Repair(text, pressing)
    while repair.improve():
        pass
    return repair.text


class _Repair:
    """A prompt that is getting better."""

    def __init__(self, text: str, pressing: Callable[[str], list[Finding]]) -> None:
        self.text = text
        self._pressing = pressing
        self._found = pressing(text)
        self._looks = 1

    def improve(self) -> bool:
        """Apply what helps of all fixes that there are now; whether any did."""
        before = self.text
        fixes = [finding.fix for finding in self._found if finding.fix]
        self._take(_apart(fixes))
        if self.text == before:  # one may help that could not be made together with the others
            for fix in fixes:
                self._take([fix])
                if self.text != before:
                    return True
        return self.text != before

    def _take(self, fixes: Sequence[Fix]) -> None:
        """Apply fixes that touch different places, given in the order of the places."""
        if not fixes or self._looks >= _MOST_LOOKS:
            return
        fixed = apply_edits(self.text, [edit for fix in fixes for edit in fix.edits])
        left = self._pressing(fixed)
        self._looks += 1
        if len(left) <= len(self._found) - len(fixes):  # every one has done its part
            self.text, self._found = fixed, left
        elif len(fixes) > 1:
            half = len(fixes) // 2
            self._take(fixes[half:])  # the later ones first, so that the places of the others stay right
            self._take(fixes[:half])


def _apart(fixes: Sequence[Fix]) -> list[Fix]:
    """Those that can be made at once, in the order of their places."""
    chosen: list[Fix] = []
    end = 0
    for fix in sorted(fixes, key=lambda fix: min(edit.start for edit in fix.edits)):
        if min(edit.start for edit in fix.edits) >= end:
            chosen.append(fix)
            end = max(edit.end for edit in fix.edits)
    return chosen
