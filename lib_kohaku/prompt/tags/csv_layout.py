"""Telling which of the usual tag list layouts a CSV has.

Known layouts: tagcomplete's main, extra and translation files, the ComfyUI completers' short forms, lists
with a header, the WD taggers' ``selected_tags.csv``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

MOST_COLUMNS = 5
_HEADER_WORDS = {
    "name": "name",
    "tag": "name",
    "category": "category",
    "type": "category",
    "count": "count",
    "post_count": "count",
    "alias": "aliases",
    "aliases": "aliases",
    "translation": "translation",
    "tag_id": "tag_id",
    "id": "tag_id",
}


@dataclass(frozen=True)
class Layout:
    """Which column holds what; -1 where the layout has no such column.

    Attributes:
        title: The layout in words, for the person.
        widths: Smallest and largest number of columns of a row.
        name, category, count, aliases, translation: Column indices.
        has_header: Whether the first row names the columns.
        is_wd_tagger: Whether the category numbers are those of the WD taggers.
    """

    title: str
    widths: tuple[int, int]
    name: int = 0
    category: int = -1
    count: int = -1
    aliases: int = -1
    translation: int = -1
    has_header: bool = False
    is_wd_tagger: bool = False


WORDS = Layout("one tag a line", (1, 1))
NAME_COUNT = Layout("name, count", (2, 2), count=1)
TRANSLATION = Layout("name, translation", (2, 2), translation=1)
NAME_CATEGORY = Layout("name, category, count", (3, 3), category=1, count=2)
OLD_TRANSLATION = Layout("name, category, translation", (3, 3), category=1, translation=2)
MAIN = Layout("name, category, count, aliases", (3, 4), category=1, count=2, aliases=3)
EXTRA = Layout("name, category, label, aliases, translation", (3, 5), category=1, aliases=3, translation=4)


def header_layout(first_row: Sequence[str]) -> Layout | None:
    """The layout that a header row describes, or None if the row is not a header."""
    words = [cell.strip().lower() for cell in first_row]
    columns = {_HEADER_WORDS[word]: index for index, word in enumerate(words) if word in _HEADER_WORDS}
    if "name" not in columns or len(columns) < 2:
        return None
    layout = Layout("with header: " + ", ".join(words), (len(columns), len(words)), has_header=True)
    layout = replace(layout, is_wd_tagger="tag_id" in columns)
    needed = max(index for key, index in columns.items() if key not in ("aliases", "translation")) + 1
    columns.pop("tag_id", None)
    return replace(layout, widths=(needed, len(words)), **columns)  # type: ignore[arg-type]  # all are int fields


def guess_layout(sample: Sequence[Sequence[str]]) -> Layout | None:
    """The layout of a file without a header.

    Args:
        sample: Its first rows, none empty.

    Returns:
        The layout, or None if it is none of the usual ones.
    """
    width = max(map(len, sample))
    used = max(_used(row) for row in sample)
    second = _all_numbers(sample, 1)
    third = _all_numbers(sample, 2)
    if used <= 1:
        return WORDS
    if used == 2 and width <= 3:
        return NAME_COUNT if second else TRANSLATION
    if not second or used > MOST_COLUMNS:
        return None
    if third:
        return NAME_CATEGORY if used <= 3 else MAIN if used == 4 else None
    return OLD_TRANSLATION if width == 3 else EXTRA


def _used(row: Sequence[str]) -> int:
    """The number of columns without empty ones at the end, of which some programs write plenty."""
    return max((index for index, cell in enumerate(row, 1) if cell.strip()), default=0)


def _all_numbers(sample: Sequence[Sequence[str]], column: int) -> bool:
    cells = [row[column].strip() for row in sample if len(row) > column]
    return any(cells) and all(cell.removeprefix("-").isdecimal() for cell in cells if cell)
