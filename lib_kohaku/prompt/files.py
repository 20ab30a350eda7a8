"""Reading and naming the small data files of the prompt workbench: tag lists, profiles, presets, captions.

All of them may come from strangers, so reading is capped and errors name the file. They are written with
:func:`lib_kohaku.checkpoint.io.atomic.write_file_atomically`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

from lib_kohaku.errors import KohakuError, RefusedError, UnsafeNameError

Given = TypeVar("Given")
Made = TypeVar("Made")

LONGEST_STEM = 100
# Names that Windows gives to devices whatever their suffix; refused everywhere, since folders get copied around.
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})
_NOT_IN_STEMS = re.compile(r"[^\w \-.()+,'!&]")


class DataFileError(RefusedError):
    """A data file cannot be used.

    Attributes:
        path: The file.
        line: 1-based line at fault, or 0 when the error has no place.
        message: What is wrong with it.
    """

    def __init__(self, path: Path, message: str, line: int = 0) -> None:
        self.path = path
        self.line = line
        self.message = message
        # Only the name: these texts are shown in browsers, where the server's folders are nobody's business.
        place = f"{path.name}, line {line}" if line else path.name
        super().__init__(f"{place}: {message}")


def read_bytes(path: Path, limit: int) -> bytes:
    """Read a whole file of at most ``limit`` bytes.

    Raises:
        DataFileError: If it is not a file, cannot be opened, or is larger.
    """
    try:
        if not path.is_file():
            raise DataFileError(path, "is not there" if not path.exists() else "is not a file")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else None
        raise DataFileError(path, f"cannot be read ({reason or error})") from error
    if len(data) > limit:
        raise DataFileError(path, f"is larger than {limit:,} bytes; that is not a file of this kind")
    return data


def read_text(path: Path, limit: int) -> str:
    """Read a UTF-8 file, with or without a byte order mark, of at most ``limit`` bytes.

    Raises:
        DataFileError: As :func:`read_bytes`; also for bytes that are not UTF-8 and for NUL characters.
    """
    return decode_text(path, read_bytes(path, limit))


def decode_text(path: Path, data: bytes) -> str:
    """Decode UTF-8 with or without a byte order mark; ``path`` is only named in errors.

    Raises:
        DataFileError: For bytes that are not UTF-8 and for NUL characters, naming the line.
    """
    nul = data.find(b"\0")
    if nul >= 0:
        raise DataFileError(path, "holds a NUL character; it is not a text file", data.count(b"\n", 0, nul) + 1)
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise DataFileError(path, "is not UTF-8 text; save it as UTF-8", line) from error


def safe_stem(name: str) -> str:
    """A file name, without suffix, for something that a person named.

    Characters that some file system or shell minds become ``_``. Different names may give the same stem; who
    stores by name has to check what the file holds.

    Raises:
        UnsafeNameError: If nothing usable is left.
    """
    stem = _NOT_IN_STEMS.sub("_", name).strip(" .")[:LONGEST_STEM].strip(" .")
    while len(stem.encode("utf-8", "replace")) > 2 * LONGEST_STEM:  # the usual limit of a name is 255 bytes
        stem = stem[:-1].rstrip(" .")
    if not stem.strip("_ ."):
        raise UnsafeNameError(f"{name[:60]!r} cannot be made into a file name; use some letters or digits.")
    return f"_{stem}" if stem.split(".")[0].strip().lower() in _DEVICES else stem


def plain_name(name: str) -> str:
    """Check that a name from outside is a plain file name: no folders, no drives, no hidden or device names.

    Returns:
        The same name.

    Raises:
        UnsafeNameError: If it is anything else.
    """
    if name.startswith(".") or name != name.strip(" .") or not name or safe_stem(name) != name:
        raise UnsafeNameError(f"{name[:60]!r} is not a plain file name.")
    return name


def each_that_works(work: Callable[[Given], Made], items: Iterable[Given]) -> tuple[list[Made], list[str]]:
    """Do something with every item; one that fails must not take the others with it.

    Returns:
        The results of those that worked, and the message of each :class:`KohakuError`.
    """
    made: list[Made] = []
    problems: list[str] = []

    def attempt(item: Given) -> None:
        try:
            made.append(work(item))
        except KohakuError as error:
            problems.append(str(error))

    for item in items:
        attempt(item)
    return made, problems
