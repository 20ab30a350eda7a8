"""What was merged, when, from what: one JSON line per merge in the user's data folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.errors import RecipeError
from lib_kohaku.merge.recipe import Recipe, recipe_from_json, recipe_to_json

KEPT = 500


@dataclass(frozen=True)
class HistoryEntry:
    """One merge.

    Attributes:
        when: UTC, ISO 8601, to the second.
        output: The file's name; empty for a merge that was loaded without saving.
        recipe: Text of the recipe, with its models bound.
        seconds: How long it took.
        verified: ``""`` (not checked), ``"passed"`` or ``"failed"``.
    """

    when: str
    output: str
    recipe: str
    seconds: float
    verified: str = ""

    def parsed(self) -> Recipe | None:
        """The recipe, None if the text is damaged."""
        try:
            return recipe_from_json(self.recipe)
        except RecipeError:
            return None


class History:
    """The list of merges, newest first."""

    def __init__(self, folder: Path) -> None:
        """Keep it in ``folder`` as ``history.jsonl``."""
        self._path = folder / "history.jsonl"

    def entries(self) -> list[HistoryEntry]:
        """All merges, newest first; lines that are damaged are left out."""
        try:
            lines = self._path.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            return []
        return [entry for entry in map(_parse, reversed(lines)) if entry is not None]

    def add(self, recipe: Recipe, output: str, seconds: float) -> HistoryEntry:
        """Remember a merge.

        Raises:
            FailedError: If the file cannot be written.
        """
        when = datetime.now(timezone.utc).isoformat(timespec="seconds")
        entry = HistoryEntry(when, output, recipe_to_json(recipe), round(seconds, 2))
        self._write([entry, *self.entries()][:KEPT])
        return entry

    def set_verified(self, output: str, passed: bool) -> None:
        """Note the outcome of a verification at the newest merge into ``output``.

        Raises:
            FailedError: If the file cannot be written.
        """
        entries = self.entries()
        for index, entry in enumerate(entries):
            if entry.output == output:
                entries[index] = replace(entry, verified="passed" if passed else "failed")
                self._write(entries)
                return

    def _write(self, entries: Sequence[HistoryEntry]) -> None:
        text = "".join(json.dumps(asdict(entry), ensure_ascii=False) + "\n" for entry in reversed(entries))
        write_file_atomically(self._path, text.encode(), overwrite=True)


def _parse(line: str) -> HistoryEntry | None:
    try:
        document: Any = json.loads(line)
        return HistoryEntry(
            str(document["when"]),
            str(document["output"]),
            str(document["recipe"]),
            float(document["seconds"]),
            str(document.get("verified", "")),
        )
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
