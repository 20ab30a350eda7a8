"""A booru post, as far as captions need it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from lib_kohaku.prompt.profiles.model import Rating

LONGEST_NAME = 256
MOST_TAGS = 2000
_DATE = re.compile(r"(\d{4})-\d{2}-\d{2}(?!\d)")
_FIRST_YEAR, _LAST_YEAR = 2000, 2100


@dataclass(frozen=True)
class Post:
    """A post; tags in booru form, in the stored order, which is the order of the caption.

    Attributes:
        id: Number of the post.
        rating: None if it has none that we know.
        year: When it was posted; None if the date cannot be read. Never 0: that would count as an early year.
        score: Votes up less votes down, or None.
        fav_count: Number of users who marked it as a favourite, or None.
        general, characters, copyrights, artists, meta: Tags by category.
    """

    id: int
    rating: Rating | None = None
    year: int | None = None
    score: int | None = None
    fav_count: int | None = None
    general: tuple[str, ...] = ()
    characters: tuple[str, ...] = ()
    copyrights: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    meta: tuple[str, ...] = ()


def year_of(created_at: object) -> int | None:
    """The year of a date such as ``2023-05-01T12:00:00.000-04:00``, or None if it is no such date."""
    found = _DATE.match(created_at.strip()) if isinstance(created_at, str) else None
    year = int(found[1]) if found else 0
    return year if _FIRST_YEAR <= year <= _LAST_YEAR else None


def clean_names(names: Iterable[str]) -> tuple[str, ...]:
    """Names that can stand in a caption, each once: not empty, of one line, without commas, not endless."""
    clean = (name.strip() for name in names)
    usable = (name for name in clean if name and len(name) <= LONGEST_NAME and name.isprintable() and "," not in name)
    return tuple(dict.fromkeys(usable))
