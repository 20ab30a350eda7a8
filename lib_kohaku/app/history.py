"""What was merged, when, from what: one JSON line per merge in the user's data folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timezone
from pathlib import Path
from types import MappingProxyType
from typing import Any

from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.errors import RecipeError
from lib_kohaku.merge.recipe import ModelReference, Recipe, recipe_from_json, recipe_to_json

KEPT = 500
# From how many merges we remember which file a role stood for.
REMEMBERED = 50


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


@dataclass(frozen=True)
class _Read:
    """The file as it was when it was read."""

    version: tuple[int, ...]
    entries: tuple[HistoryEntry, ...]
    models: Mapping[str, ModelReference]


class History:
    """The list of merges, newest first."""

    def __init__(self, folder: Path) -> None:
        """Keep it in ``folder`` as ``history.jsonl``."""
        self._path = folder / "history.jsonl"
        self._read = _Read((), (), MappingProxyType({}))

    def entries(self) -> list[HistoryEntry]:
        """All merges, newest first; lines that are damaged are left out."""
        return list(self._now().entries)

    def bound_models(self) -> Mapping[str, ModelReference]:
        """Every role of the newest merges and the file that it stood for last."""
        return self._now().models

    def _now(self) -> _Read:
        """What the file holds, read anew only if it has changed: live plans ask at every keystroke."""
        try:
            status = self._path.stat()
            version = (status.st_mtime_ns, status.st_size, status.st_ino)
            if version != self._read.version:
                self._read = _read_history(self._path.read_text("utf-8"), version)
        except (OSError, UnicodeDecodeError):
            self._read = _Read((), (), MappingProxyType({}))
        return self._read

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


def _read_history(text: str, version: tuple[int, ...]) -> _Read:
    parsed = map(_parse, reversed(text.splitlines()))
    entries = tuple(entry for entry in parsed if entry is not None)
    models: dict[str, ModelReference] = {}
    for entry in entries[:REMEMBERED]:
        recipe = entry.parsed()
        for role, reference in recipe.models.items() if recipe is not None else ():
            models.setdefault(role, reference)
    return _Read(version, entries, MappingProxyType(models))


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
