"""The webui's own ``styles.csv``, in and out.

The host reads UTF-8 with or without a byte order mark, skips blanks after a comma and rows whose name begins with
``#``, and takes an old column ``text`` for ``prompt``; it writes name, prompt, negative_prompt with a byte order mark.
A style whose prompt holds ``{prompt}`` is wrapped around the user's prompt, any other is appended.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.errors import OutputExistsError, RefusedError
from lib_kohaku.prompt.files import DataFileError, read_text
from lib_kohaku.prompt.presets.model import Preset, PromptParts, preset_text
from lib_kohaku.prompt.profiles.model import Profile

_LARGEST_FILE = 16 * 1024 * 1024
_MOST_STYLES = 20_000
_HEADER = ["name", "prompt", "negative_prompt"]


@dataclass(frozen=True)
class Style:
    """One style of the webui."""

    name: str
    prompt: str
    negative: str


def read_styles(path: Path) -> tuple[Style, ...]:
    """Read a styles file as the host does; of styles with the same name the last one counts.

    Raises:
        DataFileError: Naming the file and, where there is one, the line.
    """
    return parse_styles(path, read_text(path, _LARGEST_FILE))


def parse_styles(path: Path, text: str) -> tuple[Style, ...]:
    """As :func:`read_styles`, for text that is at hand; ``path`` is only named in errors.

    Raises:
        DataFileError: As :func:`read_styles`.
    """
    header, rows = _table(path, text)
    styles: dict[str, Style] = {}
    for row in rows:
        cells = dict(zip(header, row, strict=False))
        name = cells["name"]
        prompt = cells.get("prompt", cells.get("text", ""))
        negative = cells.get("negative_prompt", "")
        if name.strip() and not name.startswith("#") and (prompt or negative):
            styles[name] = Style(name, prompt, negative)
    return tuple(styles.values())


def write_styles(path: Path, styles: Sequence[Style], *, overwrite: bool = False) -> None:
    """Add styles to a styles file, which is made when missing. All other rows and columns stay as they are.

    Args:
        path: The file.
        styles: What to add.
        overwrite: Whether styles of the same names may be replaced.

    Raises:
        OutputExistsError: If the file has some of the names and ``overwrite`` is false.
        RefusedError: If the host would not read a style back under its name.
        DataFileError: If the file is there and is not a styles file; it is left alone.
        FailedError: If the disk refuses.
    """
    for style in styles:
        _check_name(style.name)
    header, rows = _table(path, read_text(path, _LARGEST_FILE)) if path.exists() else (list(_HEADER), [])
    text_column = "prompt" if "prompt" in header else "text"
    header += ["negative_prompt"] if "negative_prompt" not in header else []
    name_column = header.index("name")
    new = {
        style.name: {"name": style.name, text_column: style.prompt, "negative_prompt": style.negative}
        for style in styles
    }
    taken = [row[name_column] for row in rows if len(row) > name_column and row[name_column] in new]
    if taken and not overwrite:
        raise OutputExistsError(f"{path.name} has these styles already: {', '.join(sorted(set(taken)))}.")
    kept = [row for row in rows if len(row) <= name_column or row[name_column] not in new]
    added = [[cells.get(column, "") for column in header] for cells in new.values()]
    write_file_atomically(path, _csv_text([header, *kept, *added]).encode("utf-8-sig"), overwrite=True)


def styles_text(styles: Iterable[Style]) -> str:
    """A whole styles file, for somebody who wants to keep it.

    Raises:
        RefusedError: If the host would not read a style back under its name.
    """
    rows = [[style.name, style.prompt, style.negative] for style in styles]
    for name, *_ in rows:
        _check_name(name)
    return _csv_text([_HEADER, *rows])


def style_of(preset: Preset, profile: Profile | None = None) -> Style:
    """A preset as a style: its prompt in the profile's order. Size and settings have no place in a style."""
    return Style(preset.name, preset_text(preset, profile), preset.negative)


def presets_of(styles: Iterable[Style]) -> tuple[Preset, ...]:
    """Styles as presets. The prompt stays one piece of text, with its ``{prompt}`` if it has one."""
    return tuple(
        Preset(
            " ".join(style.name.split())[:80].strip(),
            parts=PromptParts(general=(style.prompt,) if style.prompt else ()),
            negative=style.negative,
        )
        for style in styles
    )


def _csv_text(rows: Iterable[Sequence[str]]) -> str:
    buffer = io.StringIO(newline="")
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue()


def _table(path: Path, text: str) -> tuple[list[str], list[list[str]]]:
    if len(text) > _LARGEST_FILE:
        raise DataFileError(path, f"has more than {_LARGEST_FILE:,} characters")
    reader = csv.reader(io.StringIO(text, newline=""), skipinitialspace=True)
    try:
        rows = [row for row in reader if row]
    except csv.Error as error:
        raise DataFileError(path, f"is not valid CSV ({error})", max(1, reader.line_num)) from error
    header = [cell.strip() for cell in rows[0]] if rows else []
    if "name" not in header or not {"prompt", "text"} & set(header):
        raise DataFileError(path, "is not a styles file: the first line has to name the columns name and prompt", 1)
    if len(rows) > _MOST_STYLES:
        raise DataFileError(path, f"holds {len(rows):,} styles, more than {_MOST_STYLES:,}")
    name_column = header.index("name")
    return header, [row for row in rows[1:] if len(row) > name_column]


def _check_name(name: str) -> None:
    if not name or name != name.strip() or name.startswith("#") or not name.isprintable():
        raise RefusedError(f"The webui would not read a style named {name[:80]!r}: give it a plain name without '#'.")
