"""Decimal numbers as exact fractions, within bounds."""

from __future__ import annotations

from fractions import Fraction

# 1e400 is no coefficient that anybody means, and as an exact fraction such numbers grow without bound.
MAX_EXPONENT = 30
MAX_NUMBER_LENGTH = 100


def read_decimal(text: str) -> Fraction:
    """A decimal such as ``0.05`` or ``1e-3``, exact.

    Raises:
        ValueError: If it is not a number, or too large or too long to mean anything.
    """
    _, _, exponent = text.lower().partition("e")
    # The limit on numbers with an exponent keeps their plain form, which the printer writes, within the limit too.
    too_long = len(text) > (MAX_NUMBER_LENGTH - 2 * MAX_EXPONENT if exponent else MAX_NUMBER_LENGTH)
    if too_long or (exponent and abs(int(exponent)) > MAX_EXPONENT):
        raise ValueError("this number is too large or too long")
    return Fraction(text)
