"""The errors that this package raises on purpose.

Everything a person can cause or meet (a wrong formula, a broken file, a full disk) is a :class:`KohakuError` whose
text says what is wrong and, where it can, what to do. Any other exception is a bug. User interfaces show the text of
a ``KohakuError`` as it is and never its traceback.
"""

from __future__ import annotations


class KohakuError(Exception):
    """Base of all expected errors."""


class RefusedError(KohakuError):
    """The input was refused before any work was done."""


class CheckpointError(RefusedError):
    """A checkpoint file is damaged, of an unknown format, or not what was asked for."""


class UnsafeNameError(RefusedError):
    """A file name from outside is not a plain name inside the folder it belongs to."""


class FormulaError(RefusedError):
    """A merge formula cannot be understood.

    Attributes:
        message: What is wrong, in one sentence.
        line: 1-based line of the formula, or 0 when the error has no place.
        column: 1-based column of the first character at fault.
        length: Number of characters at fault, at least 1.
        source: The text of that line, for the marker.
    """

    def __init__(self, message: str, *, line: int = 0, column: int = 0, length: int = 1, source: str = "") -> None:
        self.message = message
        self.line = line
        self.column = column
        self.length = max(1, length)
        self.source = source
        super().__init__(message)

    def __str__(self) -> str:
        if not self.line:
            return self.message
        marker = " " * (self.column - 1) + "^" * self.length
        return f"line {self.line}, column {self.column}: {self.message}\n  {self.source}\n  {marker}"


class RecipeError(RefusedError):
    """A recipe file or a recipe's settings cannot be used."""


class PlanError(RefusedError):
    """A merge was planned and refused: the text lists every reason."""


class OutputExistsError(RefusedError):
    """The output file is there already and overwriting it was not asked for."""


class BusyError(RefusedError):
    """Another task is still running."""


class FailedError(KohakuError):
    """Work that had begun could not be finished; nothing was left under the final name."""


class CancelledError(KohakuError):
    """The user stopped the work; nothing was left under the final name."""
