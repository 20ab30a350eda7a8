"""How many slips of the keyboard lie between two words."""

from __future__ import annotations


def slips(first: str, second: str, limit: int) -> int:
    """Optimal string alignment distance: letters inserted, dropped, replaced or swapped with their neighbour.

    Args:
        first: One word.
        second: The other.
        limit: Distances above this are of no interest.

    Returns:
        The distance, or ``limit + 1`` if it is larger than ``limit``.
    """
    if abs(len(first) - len(second)) > limit:
        return limit + 1
    before: list[int] = []
    previous = list(range(len(second) + 1))
    for row, letter in enumerate(first, 1):
        current = [row]
        for column, other in enumerate(second, 1):
            best = min(previous[column] + 1, current[-1] + 1, previous[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == second[column - 2] and first[row - 2] == other:
                best = min(best, before[column - 2] + 1)
            current.append(best)
        if min(current) > limit and min(previous) > limit:  # two rows, since a swap reaches back over one
            return limit + 1
        before, previous = previous, current
    return min(previous[-1], limit + 1)
