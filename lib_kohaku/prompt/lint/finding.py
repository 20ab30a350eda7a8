"""What lint says about a prompt."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from lib_kohaku.prompt.syntax import Edit, Span, apply_edits


class Severity(str, Enum):
    """How bad it is."""

    ERROR = "error"
    """The picture will not be what the prompt says, or the webui stops with an error."""
    WARNING = "warning"
    """Probably not what is meant."""
    HINT = "hint"
    """Worth a look."""


@dataclass(frozen=True)
class Fix:
    r"""One way to put a finding right: edits to the text that the finding is about.

    Attributes:
        label: What a button says, such as ``Write \(fate\)``.
        edits: All of them belong together.
    """

    label: str
    edits: tuple[Edit, ...]

    def apply(self, text: str) -> str:
        """The text with this fix, everything else untouched."""
        return apply_edits(text, self.edits)


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong, or might be.

    Attributes:
        code: The rule's name; never changes, so that people can switch rules off by it.
        severity: How bad it is.
        span: The place in the prompt.
        message: What is wrong and why it matters, in plain words.
        fixes: Ways to put it right, the best first; empty if only a person can tell.
    """

    code: str
    severity: Severity
    span: Span
    message: str
    fixes: tuple[Fix, ...] = ()

    @property
    def fix(self) -> Fix | None:
        """The best way to put it right."""
        return self.fixes[0] if self.fixes else None
