"""Which tags say what others say already: every ``thighhighs`` picture has ``legwear``.

Such lists are published as a CSV of ``antecedent,consequent``, only the active ones.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from pathlib import Path

from lib_kohaku.prompt.files import DataFileError, read_text
from lib_kohaku.prompt.tags.model import normalise

LARGEST_FILE = 64 * 1024 * 1024
_LONGEST_LINE = 2048
_HEADER = ("antecedent", "consequent")


class Implications:
    """The implications of a list, followed to the end. Never changes."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        """Index pairs of (tag, tag that it implies)."""
        direct: dict[str, list[str]] = {}
        for antecedent, consequent in pairs:
            if antecedent != consequent:
                direct.setdefault(antecedent, []).append(consequent)
        self._direct: Mapping[str, list[str]] = direct

    def __len__(self) -> int:
        return sum(map(len, self._direct.values()))

    def implied_by(self, name: str) -> tuple[str, ...]:
        """Everything that a tag implies, nearest first, without the tag itself."""
        start = normalise(name)
        found: dict[str, None] = {}
        waiting = [start]
        for tag in waiting:  # grows while it is walked
            for implied in self._direct.get(tag, ()):
                if implied not in found and implied != start:  # lists of strangers may hold circles
                    found[implied] = None
                    waiting.append(implied)
        return tuple(found)

    def redundant(self, names: Iterable[str]) -> dict[str, str]:
        """Which of the given tags another of them implies.

        Returns:
            From the tag that could go to the first tag that implies it, both in normalised form. Of tags that imply
            each other none is redundant.
        """
        given = list(dict.fromkeys(map(normalise, names)))
        reach = {name: self.implied_by(name) for name in given}
        result: dict[str, str] = {}
        for name in given:
            for implied in reach[name]:
                if implied in reach and name not in reach[implied]:
                    result.setdefault(implied, name)
        return result


def read_implications(path: Path) -> Implications:
    """Read a CSV of ``antecedent,consequent``, with or without that header.

    Raises:
        DataFileError: Naming the file and the line, if it is anything else.
    """
    lines = read_text(path, LARGEST_FILE).replace("\r\n", "\n").split("\n")
    for line, text in enumerate(lines, 1):
        if len(text) > _LONGEST_LINE:
            raise DataFileError(path, f"is longer than {_LONGEST_LINE:,} characters", line)
    pairs: list[tuple[str, str]] = []
    reader = csv.reader(lines, strict=True)
    try:
        for cells in reader:
            if not any(cells):
                continue
            if len(cells) != 2 or not all(map(str.strip, cells)):
                raise DataFileError(path, "should hold two names: antecedent,consequent", reader.line_num)
            antecedent, consequent = normalise(cells[0]), normalise(cells[1])
            if pairs or (antecedent.removesuffix("_name"), consequent.removesuffix("_name")) != _HEADER:
                pairs.append((antecedent, consequent))
    except csv.Error as error:
        raise DataFileError(path, f"is not valid CSV ({error})", max(1, reader.line_num)) from error
    if not pairs:
        raise DataFileError(path, "holds no implications")
    return Implications(pairs)
