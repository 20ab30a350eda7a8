"""Differences that are written without brackets: which added model a subtracted one belongs to.

``a + (b - c)`` and ``a + b - c`` are the same number, so they have to mean the same where ``b`` or ``c`` lacks a
tensor: no difference. In the second the pair has to be found. There it is ``b`` and ``c``, since ``a``, the base, is
what the difference is added to.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True)
class Term:
    """A term of a sum.

    Attributes:
        amount: Its coefficient sum with its sign: 0.8 for ``0.8*b``, -1 for ``- c``.
        is_base: Whether it is the base model alone. Nothing is lost by not pairing it: a model that is not known counts
            as the base anyway.
        is_known: Whether every model in it has the tensor.
    """

    amount: Fraction
    is_base: bool
    is_known: bool


def lost_shares(terms: Sequence[Term]) -> list[Fraction]:
    """The share of every term that goes with a difference of which one side is not known.

    Every subtracted term is paired with an added one other than the base: with the nearest of the same amount if there
    is one, else with the nearest ones until its amount is used up. Those before it count as nearer than those after it.

    Returns:
        For each term 0 (it counts in full) to 1 (it does not count).
    """
    free = [abs(term.amount) for term in terms]
    lost = [Fraction(0)] * len(terms)
    subtracted = [index for index, term in enumerate(terms) if term.amount < 0]
    for exactly in (True, False):
        for index in subtracted:
            for partner in _nearest(terms, index):
                if exactly and not free[partner] == free[index] > 0:
                    continue
                amount = min(free[partner], free[index])
                free[partner] -= amount
                free[index] -= amount
                if not (terms[index].is_known and terms[partner].is_known):
                    lost[index] += amount
                    lost[partner] += amount
    return [amount / abs(term.amount) if amount else amount for amount, term in zip(lost, terms, strict=True)]


def _nearest(terms: Sequence[Term], index: int) -> list[int]:
    """Added terms other than the base, those before ``index`` first, each side from near to far."""
    order = [*range(index - 1, -1, -1), *range(index + 1, len(terms))]
    return [other for other in order if terms[other].amount > 0 and not terms[other].is_base]
