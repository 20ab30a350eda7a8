"""How often the user takes which tag."""

from __future__ import annotations

import contextlib
import math
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path

from lib_kohaku.errors import FailedError
from lib_kohaku.prompt.tags.model import normalise

HALF_LIFE = 60 * 86_400.0
"""Seconds after which a use counts half: what one drew last year says little of what one draws today."""
_WEIGHT = 0.5  # three uses are worth as much as ten times the posts
_MOST_ROWS = 20_000
_LONGEST_NAME = 256
_TABLE = "CREATE TABLE IF NOT EXISTS usage (name TEXT PRIMARY KEY, uses REAL NOT NULL, last REAL NOT NULL)"


class UsageStore:
    """Uses per tag in a small SQLite file, safe to share between threads and processes.

    SQLite and not JSON, since two webuis on one data folder must not lose each other's counts. Every call opens the
    file anew; all times are seconds since 1970, given by the caller.
    """

    def __init__(self, path: Path, wait: float = 2.0) -> None:
        """Use the file at ``path``; it is made at the first use. ``wait`` is how long to wait for others, in s."""
        self.path = path
        self._wait = wait

    def record(self, names: Iterable[str], now: float) -> None:
        """Count one use of each tag.

        Raises:
            FailedError: If the file is locked, damaged or cannot be written.
        """
        wanted = {name for name in map(normalise, names) if 0 < len(name) <= _LONGEST_NAME}
        if not wanted:
            return
        with self._open() as connection:
            connection.execute("BEGIN IMMEDIATE")
            known = {
                name: (uses, last) for name, uses, last in connection.execute("SELECT name, uses, last FROM usage")
            }
            rows = [(name, _faded(*known.get(name, (0.0, now)), now) + 1.0, now) for name in sorted(wanted)]
            connection.executemany("INSERT OR REPLACE INTO usage VALUES (?, ?, ?)", rows)
            connection.execute(
                "DELETE FROM usage WHERE name NOT IN (SELECT name FROM usage ORDER BY last DESC LIMIT ?)", (_MOST_ROWS,)
            )
            connection.commit()

    def uses(self, now: float) -> dict[str, float]:
        """Uses by tag, faded by age, most used first.

        Raises:
            FailedError: If the file is locked, damaged or cannot be read.
        """
        if not self.path.exists():
            return {}
        with self._open() as connection:
            rows = connection.execute("SELECT name, uses, last FROM usage").fetchall()
        faded = {name: _faded(uses, last, now) for name, uses, last in rows}
        return dict(sorted(faded.items(), key=lambda item: -item[1]))

    def favour(self, now: float) -> dict[str, float]:
        """What to add to each used tag's score, in powers of ten of the post count; see ``ranking.rank``.

        Raises:
            FailedError: As :meth:`uses`.
        """
        return {name: _WEIGHT * math.log2(1.0 + uses) for name, uses in self.uses(now).items()}

    def forget(self) -> None:
        """Forget everything.

        Raises:
            FailedError: If the file is locked, damaged or cannot be written.
        """
        if self.path.exists():
            with self._open() as connection:
                connection.execute("DELETE FROM usage")
                connection.commit()

    @contextlib.contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with contextlib.closing(sqlite3.connect(self.path, timeout=self._wait, isolation_level=None)) as connection:
                connection.execute(_TABLE)
                yield connection
        except sqlite3.OperationalError as error:
            raise FailedError(f"{self.path.name}: the tag usage cannot be used just now ({error})") from error
        except (sqlite3.DatabaseError, OSError) as error:
            raise FailedError(f"{self.path.name} is damaged ({error}); delete it to count tags afresh") from error


def _faded(uses: float, last: float, now: float) -> float:
    """What is left of uses; a clock that was set back makes nothing grow."""
    return float(uses * 0.5 ** (max(0.0, now - last) / HALF_LIFE))
