"""The quality word of a post: where its votes stand among posts of the same rating."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.captions.post import Post
from lib_kohaku.prompt.profiles.model import Measure, Profile, Rating

_FILE = Path(__file__).parent / "data" / "percentiles.json"


def quality_word(profile: Profile, post: Post) -> tuple[str | None, str]:
    """Choose a profile's quality word for a post.

    The first word is taken whose cut point the post's number is strictly above; the last one has none.

    Returns:
        The word, or None and the reason why there is none, as a sentence.

    Raises:
        RefusedError: If an own profile asks for a percentile that the table does not have.
    """
    scale = profile.quality
    if scale is None:
        return None, f"{profile.name} has no quality words."
    measure = scale.measure
    if measure is None:
        return None, f"How {profile.name} chose quality words cannot be worked out from one post."
    if measure.skip_ids_above is not None and post.id > measure.skip_ids_above:
        return None, f"Posts after {measure.skip_ids_above:,} were too young to have votes when captions were made."
    value = getattr(post, measure.field)
    if value is None or (measure.table != "absolute" and post.rating is None):
        return None, f"The post does not tell its {'rating' if value is not None else measure.field}."
    for word in scale.words:
        if word.above is None or value > _cut(measure, post.rating, word.above):
            return word.text, ""
    return None, "The post is below every quality word."


def cut_points(profile: Profile, rating: Rating) -> tuple[tuple[str, float | None], ...]:
    """Each quality word with the number that a post of that rating has to exceed; to be shown as a hint.

    Empty if the profile has no measure. The last word's number is None.

    Raises:
        RefusedError: As :func:`quality_word`.
    """
    scale = profile.quality
    if scale is None or scale.measure is None:
        return ()
    measure = scale.measure
    return tuple((word.text, None if word.above is None else _cut(measure, rating, word.above)) for word in scale.words)


def _cut(measure: Measure, rating: Rating | None, above: float) -> float:
    if measure.table == "absolute" or rating is None:
        return above
    table = _tables()[measure.table]
    if above not in table["percentiles"]:
        known = ", ".join(map(str, table["percentiles"]))
        raise RefusedError(f"The table {measure.table} has no percentile {above:g}; it has {known}.")
    return float(table[rating.value][table["percentiles"].index(above)])


@lru_cache(maxsize=1)
def _tables() -> Mapping[str, Any]:
    tables: Mapping[str, Any] = json.loads(_FILE.read_text(encoding="utf-8"))
    return tables
