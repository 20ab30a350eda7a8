"""Opening a danbooru2023-sqlite database, and its table of tags.

The database is a stranger's file of several gigabytes: it is opened for reading only, waits are bounded, and what
comes out of it is checked.
"""

from __future__ import annotations

import contextlib
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.tags.csv_reader import LARGEST_COUNT, LONGEST_NAME, MOST_TAGS
from lib_kohaku.prompt.tags.model import Category, Tag, TagList, normalise
from lib_kohaku.prompt.tags.numbering import HAKUBOORU, NUMBERINGS

FEWEST_POSTS = 25
"""Tags with fewer posts are left out, as tagcomplete's lists do: no model has learned them."""
_MAGIC = b"SQLite format 3\0"
_STEPS_BETWEEN_CHECKS = 100_000


@contextlib.contextmanager
def open_database(path: Path, *, wait: float = 5.0, longest: float = 120.0) -> Iterator[sqlite3.Connection]:
    """Open a database for reading only.

    Args:
        path: The file.
        wait: Seconds to wait for a writer that has it locked.
        longest: Seconds after which whatever runs on the connection is broken off.

    Yields:
        The connection. Errors of SQLite inside the ``with`` block come out as :class:`DataFileError`.

    Raises:
        DataFileError: If it is not a readable SQLite file, is locked, or takes too long.
    """
    _check_magic(path)
    try:
        address = f"{path.resolve().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(address, uri=True, timeout=wait)) as connection:
            deadline = time.monotonic() + longest
            # A hostile schema can make any table a view that never ends.
            connection.set_progress_handler(lambda: time.monotonic() > deadline, _STEPS_BETWEEN_CHECKS)
            connection.execute("PRAGMA query_only = ON")
            connection.execute("PRAGMA trusted_schema = OFF")
            yield connection
    except (sqlite3.Error, OverflowError, UnicodeError) as error:
        reason = "it took too long; does it lack its indexes?" if "interrupted" in str(error) else str(error)
        raise DataFileError(path, f"the database cannot be read ({reason})") from error


def require_tables(path: Path, connection: sqlite3.Connection, wanted: dict[str, tuple[str, ...]]) -> None:
    """Check that tables with these columns are there.

    Raises:
        DataFileError: If it is some other database, or a dump of another version.
    """
    for table, columns in wanted.items():
        present = {row[1] for row in connection.execute("SELECT * FROM pragma_table_info(?)", (table,))}
        missing = [column for column in columns if column not in present]
        if missing:
            place = f"table {table!r} lacks {', '.join(missing)}" if present else f"there is no table {table!r}"
            raise DataFileError(path, f"is not a danbooru2023-sqlite database ({place})")


def read_tag_table(path: Path, fewest_posts: int = FEWEST_POSTS) -> TagList:
    """The tags of a danbooru2023-sqlite database, most frequent first.

    Raises:
        DataFileError: As :func:`open_database`; also for rows that do not hold a tag.
    """
    categories = NUMBERINGS[HAKUBOORU]
    query = (
        "SELECT name, type, popularity FROM tag WHERE popularity >= ? AND length(name) BETWEEN 1 AND ? "
        "ORDER BY popularity DESC LIMIT ?"
    )
    tags = []
    with open_database(path) as connection:
        require_tables(path, connection, {"tag": ("name", "type", "popularity")})
        for name, kind, posts in connection.execute(query, (fewest_posts, LONGEST_NAME, MOST_TAGS)):
            if not isinstance(name, str) or not isinstance(kind, int) or not isinstance(posts, int):
                raise DataFileError(path, "the table of tags holds something else than names and numbers")
            text = normalise(name)
            if text and text.isprintable():
                tags.append(Tag(text, categories.get(kind, Category.UNKNOWN), min(posts, LARGEST_COUNT)))
    if not tags:
        raise DataFileError(path, f"holds no tags with at least {fewest_posts} posts")
    return TagList(tuple(tags), "danbooru2023-sqlite", HAKUBOORU)


def _check_magic(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except (OSError, ValueError) as error:
        raise DataFileError(path, "is not there or cannot be opened") from error
    if start != _MAGIC:
        raise DataFileError(path, "is not an SQLite database")
