"""Reading a tag list from a CSV or text file of any usual layout."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path

from lib_kohaku.prompt.files import DataFileError, read_text
from lib_kohaku.prompt.tags.csv_layout import WORDS, Layout, guess_layout, header_layout
from lib_kohaku.prompt.tags.model import Category, Tag, TagList, normalise
from lib_kohaku.prompt.tags.numbering import NUMBERINGS, WD_TAGGER, guess_numbering

LARGEST_FILE = 128 * 1024 * 1024
MOST_TAGS = 2_000_000
LONGEST_LINE = 65_536
LONGEST_NAME = 256
LARGEST_COUNT = 2**31 - 1
_SAMPLE = 64
# Tags have semicolons of their own, `;d`: a number or a column's name has to come behind the one that parts.
_OTHER_DELIMITERS = {
    mark: re.compile(
        rf'"?[^,"]+?"?{mark}\s*"?(?:\d+"?\s*(?:{mark}|$)|(?:category|type|count|post_count)\b)', re.I
    ).match
    for mark in (";", "\t")
}

Row = tuple[int, list[str]]


def read_tag_list(path: Path) -> TagList:
    """Read a tag list.

    Args:
        path: A ``.csv`` in one of the layouts of :mod:`~lib_kohaku.prompt.tags.csv_layout`, or a ``.txt`` with one
            tag a line. UTF-8, with or without a byte order mark.

    Returns:
        Its tags in the file's order.

    Raises:
        DataFileError: Naming the file and the line, if it cannot be read as such a list. Nothing is half read.
    """
    return parse_tag_list(path, read_text(path, LARGEST_FILE))


def parse_tag_list(path: Path, text: str) -> TagList:
    """As :func:`read_tag_list`, for text that is at hand; ``path`` gives the name for errors and for guesses."""
    if path.suffix.lower() == ".txt":
        return _read_words(path, text)
    rows = _rows(path, text)
    sample = list(islice(rows, _SAMPLE))
    if not sample:
        raise DataFileError(path, "holds no tags")
    layout = header_layout(sample[0][1]) or guess_layout([cells for _, cells in sample])
    if layout is None:
        raise DataFileError(
            path, "is none of the known tag list layouts (name, category, count, aliases)", sample[0][0]
        )
    tags, numbering = _tags(path, layout, chain(sample[layout.has_header :], rows))
    if not tags:
        raise DataFileError(path, "holds a header and no tags")
    return TagList(tags, layout.title, numbering)


def _read_words(path: Path, text: str) -> TagList:
    tags = []
    for line, word in enumerate(_lines(text), 1):
        if len(word) > LONGEST_LINE:
            raise DataFileError(path, f"is longer than {LONGEST_LINE:,} characters", line)
        name = normalise(word)
        if name and not name.startswith("#"):
            tags.append(Tag(_checked_name(path, line, name)))
    if not tags:
        raise DataFileError(path, "holds no tags")
    return TagList(tuple(tags), WORDS.title, "none")


def _lines(text: str) -> list[str]:
    # Not str.splitlines, which also splits at a dozen characters that no editor counts as a line end.
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


def _rows(path: Path, text: str) -> Iterator[Row]:
    """The rows that are not empty, each with its line number."""
    lines = _lines(text)
    longest = max(map(len, lines), default=0)
    if longest > LONGEST_LINE:
        line = next(number for number, line in enumerate(lines, 1) if len(line) > LONGEST_LINE)
        raise DataFileError(path, f"has {longest:,} characters; a tag list's lines are short", line)
    if len(lines) > MOST_TAGS:
        raise DataFileError(path, f"has {len(lines):,} lines, more than {MOST_TAGS:,}")
    reader = csv.reader(lines, strict=True, skipinitialspace=True, delimiter=_delimiter(lines))
    number = 0
    try:
        for number, cells in enumerate(reader, 1):
            # A row a line: when the reader is ahead, a quote was left open and swallowed the lines in between.
            if reader.line_num != number:
                raise DataFileError(path, "a quotation mark is not closed", number)
            if any(cells):
                yield number, cells
    except csv.Error as error:
        reason = "a quotation mark is not closed" if "end of data" in str(error) else f"is not valid CSV ({error})"
        raise DataFileError(path, reason, number + 1) from error


def _delimiter(lines: list[str]) -> str:
    """What parts the columns: a semicolon or tab where spreadsheets write those, and no line can do without."""
    sample = list(islice((line for line in lines if line.strip()), _SAMPLE))
    return next((mark for mark, column in _OTHER_DELIMITERS.items() if sample and all(map(column, sample))), ",")


def _tags(path: Path, layout: Layout, rows: Iterable[Row]) -> tuple[tuple[Tag, ...], str]:
    """The tags, and whose category numbers they use."""
    fewest, most = layout.widths
    names: list[str] = []
    categories: list[str] = []
    counts: list[int] = []
    aliases: list[tuple[str, ...]] = []
    numbers = {"": -1}  # by the cell's text: a list repeats its few category numbers 100,000 times
    for line, cells in rows:
        width = len(cells)
        if width < fewest or (width > most and any(cells[most:])):
            raise DataFileError(path, f"has {width} columns, but the list is: {layout.title}", line)
        category = cells[layout.category] if layout.category >= 0 else ""
        if category not in numbers:
            # tagcomplete writes -1 for what is in no category.
            numbers[category] = -1 if category.strip() == "-1" else _number(path, line, category, "category number")
        names.append(_checked_name(path, line, normalise(cells[layout.name])))
        categories.append(category)
        counts.append(_number(path, line, cells[layout.count], "count") if layout.count >= 0 else 0)
        aliases.append(_aliases(layout, cells))
    numbering = "none" if layout.category < 0 else WD_TAGGER if layout.is_wd_tagger else ""
    numbering = numbering or guess_numbering(path.name, numbers.values())
    table = NUMBERINGS.get(numbering, {})
    known = {cell: table.get(number, Category.UNKNOWN) for cell, number in numbers.items()}
    return tuple(map(Tag, names, (known[cell] for cell in categories), counts, aliases)), numbering


def _aliases(layout: Layout, cells: list[str]) -> tuple[str, ...]:
    width = len(cells)
    aliases = cells[layout.aliases] if 0 <= layout.aliases < width else ""
    translation = cells[layout.translation] if 0 <= layout.translation < width else ""
    if not aliases and not translation:
        return ()
    words = f"{aliases},{translation}".split(",")  # a translation is one more name to find the tag by
    names = (name for word in words if (name := normalise(word)) and len(name) <= LONGEST_NAME)
    return tuple(dict.fromkeys(name for name in names if name.isprintable()))


def _checked_name(path: Path, line: int, name: str) -> str:
    if not name:
        raise DataFileError(path, "has no name", line)
    if len(name) > LONGEST_NAME:
        raise DataFileError(path, f"has a name of {len(name):,} characters", line)
    if not name.isprintable():
        raise DataFileError(path, "has a control character in the name", line)
    return name


def _number(path: Path, line: int, cell: str, what: str) -> int:
    text = cell.strip()
    if not text:
        return 0
    if not text.isdecimal() or len(text) > 10 or int(text) > LARGEST_COUNT:
        raise DataFileError(path, f"{text[:40]!r} is not a {what}", line)
    return int(text)
