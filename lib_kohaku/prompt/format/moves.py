"""Which elements to show as moved when a row was put into another order: as few as possible."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence


def unmoved(order: Sequence[int]) -> set[int]:
    """The values of a longest ascending run within a permutation: everything else was moved around them.

    >>> sorted(unmoved([1, 2, 3, 0]))
    [1, 2, 3]
    """
    tails: list[int] = []
    indices: list[int] = []
    previous: list[int] = []
    for index, value in enumerate(order):
        place = bisect_left(tails, value)
        previous.append(indices[place - 1] if place else -1)
        if place == len(tails):
            tails.append(value)
            indices.append(index)
        else:
            tails[place] = value
            indices[place] = index
    kept: set[int] = set()
    index = indices[-1] if indices else -1
    while index >= 0:
        kept.add(order[index])
        index = previous[index]
    return kept
