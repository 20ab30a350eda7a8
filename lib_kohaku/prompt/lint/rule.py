"""What a rule is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding


@dataclass(frozen=True)
class Rule:
    """One rule.

    Attributes:
        code: Its name, in findings and in settings.
        title: What it looks for, in a few plain words.
        check: Finds it. Every finding bears the rule's code.
    """

    code: str
    title: str
    check: Callable[[LintContext], Iterator[Finding]]
