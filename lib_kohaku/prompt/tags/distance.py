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
    beyond = limit + 1
    before: list[int] = []
    previous: list[int] = [*range(min(len(second), limit) + 1), *[beyond] * (len(second) - limit)]
    for row, letter in enumerate(first, 1):
        current = [beyond] * (len(second) + 1)
        current[0] = min(row, beyond)
        # Cells further than ``limit`` from the diagonal cannot lie on a path that is short enough.
        for column in range(max(1, row - limit), min(len(second), row + limit) + 1):
            other = second[column - 1]
            best = min(previous[column] + 1, current[column - 1] + 1, previous[column - 1] + (letter != other))
            if row > 1 and column > 1 and letter == second[column - 2] and first[row - 2] == other:
                best = min(best, before[column - 2] + 1)
            current[column] = best
        if min(current) > limit and min(previous) > limit:  # two rows, since a swap reaches back over one
            return beyond
        before, previous = previous, current
    return min(previous[-1], beyond)
