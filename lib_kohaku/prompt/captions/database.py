"""Posts out of a danbooru2023-sqlite database (as KohakuBlueleaf publishes it)."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.captions.post import MOST_TAGS, Post, clean_names, year_of
from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.profiles.model import Rating
from lib_kohaku.prompt.tags.booru_database import open_database, require_tables
from lib_kohaku.prompt.tags.model import Category
from lib_kohaku.prompt.tags.numbering import HAKUBOORU, NUMBERINGS

MOST_AT_ONCE = 200
_LARGEST_ID = 2**63 - 1
_RATINGS = dict(enumerate(Rating))
_TABLES = {
    "post": ("id", "created_at", "rating", "score", "fav_count"),
    "posttagrelation": ("id", "post_id", "tag_id"),
    "tag": ("id", "name", "type"),
}
_FIELDS = {
    Category.GENERAL: "general",
    Category.CHARACTER: "characters",
    Category.COPYRIGHT: "copyrights",
    Category.ARTIST: "artists",
    Category.META: "meta",
}


def read_posts(path: Path, ids: Sequence[int]) -> dict[int, Post]:
    """Read posts by id, all of them with two queries.

    Args:
        path: The database; it is opened for reading only.
        ids: At most :data:`MOST_AT_ONCE` ids.

    Returns:
        The posts that there are, by id.

    Raises:
        RefusedError: If an id cannot be one.
        DataFileError: If it is not such a database, is locked, damaged, or has no index and takes too long.
    """
    if len(ids) > MOST_AT_ONCE or not all(0 <= number <= _LARGEST_ID for number in ids):
        raise RefusedError(f"Post ids are numbers from 0, at most {MOST_AT_ONCE} at a time.")
    marks = ",".join("?" * len(ids))
    # Tags of one post come back in the order of relation, which is that of the training captions.
    tag_query = (
        "SELECT relation.post_id, tag.name, tag.type FROM posttagrelation AS relation "
        f"JOIN tag ON tag.id = relation.tag_id WHERE relation.post_id IN ({marks}) ORDER BY relation.id LIMIT ?"
    )
    post_query = f"SELECT id, created_at, rating, score, fav_count FROM post WHERE id IN ({marks})"
    with open_database(path) as connection:
        require_tables(path, connection, _TABLES)
        rows = connection.execute(post_query, tuple(ids)).fetchall()
        tags = _tags(path, connection.execute(tag_query, (*ids, MOST_TAGS * MOST_AT_ONCE)))
    return {row[0]: _post(row, tags.get(row[0], {})) for row in rows}


def _tags(path: Path, rows: Iterable[sqlite3.Row]) -> dict[int, dict[str, list[str]]]:
    """Tags by post and field of :class:`Post`."""
    categories = NUMBERINGS[HAKUBOORU]
    tags: dict[int, dict[str, list[str]]] = {}
    for post_id, name, kind in rows:
        field = _FIELDS.get(categories.get(kind, Category.UNKNOWN))
        if not isinstance(name, str):
            raise DataFileError(path, f"post {post_id} has a tag that is not text")
        names = tags.setdefault(post_id, {}).setdefault(field or "", [])
        names.append(name)
        if len(names) > MOST_TAGS:
            raise DataFileError(path, f"post {post_id} has more than {MOST_TAGS:,} tags")
    return tags


def _post(row: Sequence[Any], tags: dict[str, list[str]]) -> Post:
    post_id, created_at, rating, score, fav_count = row
    named = {field: clean_names(tags.get(field, ())) for field in _FIELDS.values()}
    return Post(
        id=post_id,
        rating=_RATINGS.get(rating),
        year=year_of(created_at),
        score=score if isinstance(score, int) else None,
        fav_count=fav_count if isinstance(fav_count, int) else None,
        **named,
    )
