"""The text that a formula came from, for errors that are found after parsing."""

from __future__ import annotations

from lib_kohaku.errors import FormulaError
from lib_kohaku.merge.formula.nodes import Span


class SourceText:
    """Lines of a formula."""

    def __init__(self, text: str) -> None:
        self._lines = text.split("\n")

    def error(self, message: str, span: Span) -> FormulaError:
        """A :class:`~lib_kohaku.errors.FormulaError` that points at ``span``."""
        line = self._lines[span.line - 1] if 0 < span.line <= len(self._lines) else ""
        return FormulaError(message, line=span.line, column=span.column, length=span.length, source=line)
