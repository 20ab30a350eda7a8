"""Finding the user's own tag lists.

Nothing is looked for by folder names of other extensions, which users change: tagcomplete writes where its lists are
to ``tmp/tagAutocompletePath.txt`` in the webui's folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from lib_kohaku.errors import KohakuError
from lib_kohaku.prompt.files import DataFileError, each_that_works, read_text

PATH_FILE = Path("tmp") / "tagAutocompletePath.txt"
USUAL_LIST = "danbooru.csv"
_LONGEST_PATH_FILE = 4096
_LIST_SUFFIXES = frozenset({".csv", ".txt"})
_DATABASE_SUFFIXES = frozenset({".db", ".sqlite", ".sqlite3"})
_MOST_FILES = 500


class Origin(str, Enum):
    """Where a source comes from."""

    OWN = "own"
    TAGCOMPLETE = "tagcomplete"
    CHOSEN = "chosen"


@dataclass(frozen=True)
class TagSource:
    """A file that tags can be read from.

    Attributes:
        path: The file.
        origin: Why it is on the list.
        is_database: Whether it is a danbooru2023-sqlite database and not a text file.
        size: Its size in bytes when it was found.
        modified: Its modification time in nanoseconds when it was found.
        active: Whether it is read unless the user says otherwise. Everything in the user's own folder is; of
            tagcomplete's lists, which are many and overlap, the one that is set there.
    """

    path: Path
    origin: Origin
    is_database: bool
    size: int
    modified: int
    active: bool = True


@dataclass(frozen=True)
class FoundSources:
    """What is there.

    Attributes:
        lists: Tag lists and databases, the user's own first.
        implications: Files of implications (``*implication*.csv``).
        problems: What could not be looked at, in words.
    """

    lists: tuple[TagSource, ...] = ()
    implications: tuple[Path, ...] = ()
    problems: tuple[str, ...] = ()


def source_of(path: Path, origin: Origin = Origin.CHOSEN, *, active: bool = True) -> TagSource:
    """Describe a file as a source.

    Raises:
        DataFileError: If it is not there or not a file.
    """
    try:
        facts = path.stat()
    except (OSError, ValueError) as error:
        raise DataFileError(path, "is not there or cannot be opened") from error
    if not path.is_file():
        raise DataFileError(path, "is not a file")
    is_database = path.suffix.lower() in _DATABASE_SUFFIXES
    return TagSource(path.absolute(), origin, is_database, facts.st_size, facts.st_mtime_ns, active)


def find_sources(
    own_folder: Path | None = None, webui_folder: Path | None = None, tagcomplete_list: str = USUAL_LIST
) -> FoundSources:
    """Find the user's lists.

    Args:
        own_folder: ``<data>/kohaku/tags``: every CSV, text file and database in it counts.
        webui_folder: The webui's own folder, for tagcomplete.
        tagcomplete_list: The list that is chosen in tagcomplete (its setting ``tac_tagFile``).
    """
    problems: list[str] = []
    own = _files(own_folder, problems)
    folder = None
    if webui_folder is not None:
        try:
            folder = tagcomplete_folder(webui_folder)
        except KohakuError as error:
            problems.append(str(error))
    theirs = [path for path in _files(folder, problems) if path.suffix.lower() == ".csv"]
    implications = tuple(path for path in [*own, *theirs] if _is_implications(path))

    def describe(path: Path) -> TagSource:
        mine = path in own
        origin = Origin.OWN if mine else Origin.TAGCOMPLETE
        return source_of(path, origin, active=mine or path.name == tagcomplete_list)

    lists, unusable = each_that_works(describe, (path for path in own + theirs if not _is_implications(path)))
    return FoundSources(tuple(lists), implications, (*problems, *unusable))


def tagcomplete_folder(webui_folder: Path) -> Path | None:
    """The folder of tagcomplete's lists, or None if that extension has never run in this webui.

    Raises:
        DataFileError: If its path file cannot be understood.
    """
    path_file = webui_folder / PATH_FILE
    if not path_file.exists():
        return None
    text = read_text(path_file, _LONGEST_PATH_FILE).strip()
    if not text or "\n" in text:
        raise DataFileError(path_file, "does not hold one path")
    folder = webui_folder / text  # it was relative in older versions and is absolute in newer ones; this serves both
    if not folder.is_dir():
        raise DataFileError(path_file, "names a folder that is not there; was the extension removed?")
    return folder


def _files(folder: Path | None, problems: list[str]) -> list[Path]:
    if folder is None or not folder.is_dir():
        return []
    try:
        found = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    except OSError as error:
        problems.append(f"{folder.name}: the folder cannot be read ({error.strerror or error})")
        return []
    usable = [path for path in found if path.suffix.lower() in _LIST_SUFFIXES | _DATABASE_SUFFIXES]
    if len(usable) > _MOST_FILES:
        problems.append(f"{folder.name}: {len(usable):,} files; only the first {_MOST_FILES} are used")
    return usable[:_MOST_FILES]


def _is_implications(path: Path) -> bool:
    return "implication" in path.name.lower() and path.suffix.lower() == ".csv"
