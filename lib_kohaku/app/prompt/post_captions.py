"""Captions of a few posts, on a click."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.captions.booru_json import parse_posts
from lib_kohaku.prompt.captions.caption import Caption, build_caption
from lib_kohaku.prompt.captions.database import read_posts
from lib_kohaku.prompt.captions.post import Post
from lib_kohaku.prompt.profiles.model import Profile

MOST_POSTS = 50
Item = TypeVar("Item")


@dataclass(frozen=True)
class CaptionOf:
    """A post and what it is called in the model's words."""

    post: Post
    caption: Caption


def captions_of_json(text: str, profile: Profile) -> list[CaptionOf]:
    """Captions of posts in the form of danbooru's JSON.

    Raises:
        RefusedError: If it is not such JSON, or more than :data:`MOST_POSTS` posts.
    """
    return _captioned(_few(parse_posts(text)), profile)


def captions_of_ids(database: Path | None, ids: Sequence[int], profile: Profile) -> list[CaptionOf]:
    """Captions of posts out of a database; posts that are not in it are left out.

    Raises:
        RefusedError: If there is no database, or it cannot be used, or for more than :data:`MOST_POSTS` ids.
    """
    if database is None:
        raise RefusedError(
            "No booru database is set up: name a danbooru2023-sqlite file in the setting 'booru_database', or put one "
            "into the folder of your tag lists."
        )
    found = read_posts(database, _few(ids))
    return _captioned([found[number] for number in ids if number in found], profile)


def _captioned(posts: Iterable[Post], profile: Profile) -> list[CaptionOf]:
    return [CaptionOf(post, build_caption(post, profile)) for post in posts]


def _few(items: Sequence[Item]) -> Sequence[Item]:
    """Whoever wants thousands has the command line."""
    if len(items) > MOST_POSTS:
        raise RefusedError(f"At most {MOST_POSTS} posts at a time; 'kohaku caption' writes any number of files.")
    return items
