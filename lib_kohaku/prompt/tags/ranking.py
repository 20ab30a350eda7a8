"""What makes one tag a better answer than another: how many posts have it, and how often this user takes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lib_kohaku.prompt.tags.index import TagIndex

# A model's own words have no posts; rank them like a tag with a hundred thousand.
_PROFILE_WORD = 5.0


@dataclass(frozen=True)
class Scores:
    """Score of each tag, in powers of ten of the post count; float32 ``[T]``."""

    values: npt.NDArray[np.float32]


def rank(index: TagIndex, favour: Mapping[str, float] | None = None) -> Scores:
    """Score every tag of an index.

    Args:
        index: The index.
        favour: What to add for the tags that the user takes often, by name; see
            :meth:`~lib_kohaku.prompt.tags.usage.UsageStore.favour`.
    """
    values = np.log10(index.arrays.posts.astype(np.float32) + 1)
    own = index.arrays.profile_word != 0
    values[own] = np.maximum(values[own], _PROFILE_WORD)
    for name, bonus in (favour or {}).items():
        number = index.find(name)
        if number is not None:
            values[number] += bonus
    return Scores(values)
