"""How well a model can be expected to know a tag, from the number of posts that it was trained on."""

from __future__ import annotations

from enum import Enum

WORKS_FROM = 1000
WITH_WEIGHT_FROM = 100


class Strength(str, Enum):
    """Rule of thumb of the author of Kohaku XL Delta."""

    WORKS = "works"
    WITH_WEIGHT = "works with emphasis"
    WEAK = "hardly known"
    UNKNOWN = "unknown"


def known_strength(posts: int) -> Strength:
    """The strength of a tag with that many posts; 0 means that the list does not tell."""
    if posts >= WORKS_FROM:
        return Strength.WORKS
    if posts >= WITH_WEIGHT_FROM:
        return Strength.WITH_WEIGHT
    return Strength.WEAK if posts > 0 else Strength.UNKNOWN
