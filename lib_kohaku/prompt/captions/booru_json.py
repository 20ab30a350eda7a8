"""Reading a post that was pasted as JSON, in the form of danbooru's ``/posts/ID.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lib_kohaku.prompt.captions.post import MOST_TAGS, Post, clean_names, year_of
from lib_kohaku.prompt.profiles.model import Rating
from lib_kohaku.prompt.schema import SchemaError, check, load_schema, parse_json

LONGEST_TEXT = 4 * 1024 * 1024
MOST_POSTS = 1000
_SCHEMA_FILE = Path(__file__).parent / "post.schema.json"
_RATINGS = {rating.value[0]: rating for rating in Rating} | {rating.value: rating for rating in Rating}


def parse_posts(text: str) -> tuple[Post, ...]:
    """Read one post or a list of posts.

    Args:
        text: JSON with the fields ``id``, ``rating``, ``created_at``, ``score``, ``fav_count`` and
            ``tag_string_general`` / ``_character`` / ``_copyright`` / ``_artist`` / ``_meta``; others are ignored.

    Raises:
        SchemaError: If it is not JSON or not such posts.
    """
    if len(text) > LONGEST_TEXT:
        raise SchemaError(f"the text has {len(text):,} characters, more than {LONGEST_TEXT:,}")
    document = parse_json(text)
    posts = document if isinstance(document, list) else [document]
    if not 0 < len(posts) <= MOST_POSTS:
        raise SchemaError(f"expected between 1 and {MOST_POSTS:,} posts, not {len(posts):,}")
    schema = load_schema(_SCHEMA_FILE)
    for post in posts:
        if isinstance(post, dict) and "tag_string" in post and "tag_string_general" not in post:
            raise SchemaError("the post has its tags in one list without categories; paste danbooru's own JSON")
        check(post, schema)
    return tuple(map(_decode, posts))


def _decode(document: dict[str, Any]) -> Post:
    def tags(kind: str) -> tuple[str, ...]:
        names = document.get(f"tag_string_{kind}", "").split()
        if len(names) > MOST_TAGS:
            raise SchemaError(f"tag_string_{kind}: has {len(names):,} tags, more than {MOST_TAGS:,}")
        return clean_names(names)

    return Post(
        id=document["id"],
        rating=_RATINGS.get(document.get("rating") or ""),
        year=year_of(document.get("created_at")),
        score=document.get("score"),
        fav_count=document.get("fav_count"),
        general=tags("general"),
        characters=tags("character"),
        copyrights=tags("copyright"),
        artists=tags("artist"),
        meta=tags("meta"),
    )
