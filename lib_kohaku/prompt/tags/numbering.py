"""Category numbers: every booru has its own, and the files do not say whose they use.

Source: the category numbers of danbooru and e621, as the lists in use have them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from lib_kohaku.prompt.tags.model import Category

DANBOORU = "danbooru"
E621 = "e621"
MERGED = "danbooru+e621"
HAKUBOORU = "danbooru2023-sqlite"
WD_TAGGER = "wd-tagger"
OTHER = "other"

_SHARED = {0: Category.GENERAL, 1: Category.ARTIST, 3: Category.COPYRIGHT, 4: Category.CHARACTER}
_E621 = _SHARED | {5: Category.SPECIES, 7: Category.META, 8: Category.LORE}
_DANBOORU = _SHARED | {5: Category.META}

NUMBERINGS: Mapping[str, Mapping[int, Category]] = MappingProxyType(
    {
        DANBOORU: _DANBOORU,
        E621: _E621,
        # Lists that hold both add 7 to e621's numbers.
        MERGED: _DANBOORU | {number + 7: category for number, category in _E621.items()},
        # The database of danbooru posts that Kohaku models were captioned from does NOT use danbooru's numbers.
        HAKUBOORU: {
            0: Category.GENERAL,
            1: Category.ARTIST,
            2: Category.CHARACTER,
            3: Category.COPYRIGHT,
            4: Category.META,
        },
        WD_TAGGER: {0: Category.GENERAL, 4: Category.CHARACTER, 9: Category.RATING},
        OTHER: {},
    }
)


def guess_numbering(file_name: str, numbers: Iterable[int]) -> str:
    """Tell whose numbers a list uses.

    Args:
        file_name: The list's file name; the usual lists carry the booru's name in it.
        numbers: The category numbers that occur in it.

    Returns:
        A key of :data:`NUMBERINGS`. Danbooru's and e621's numbers only differ at 5, 7 and 8; a list that says
        nothing about itself and has neither 7 nor 8 is taken for danbooru's.
    """
    name = file_name.lower()
    seen = set(numbers)
    if "derpibooru" in name:
        return OTHER
    if "e621" in name and "danbooru" in name:
        return MERGED
    if "e621" in name:
        return E621
    if "danbooru" in name:
        return DANBOORU
    if seen & {10, 11, 12, 14, 15}:
        return MERGED
    if seen & {7, 8}:
        return E621
    return DANBOORU
