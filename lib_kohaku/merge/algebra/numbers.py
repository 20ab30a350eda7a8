"""Exact arithmetic with the numbers of a formula, within bounds."""

from __future__ import annotations

from fractions import Fraction

from lib_kohaku.errors import RefusedError

# Numbers that are squared line after line double their digits each time; nobody means such a coefficient.
MAX_BITS = 1024


def calculate(operator: str, left: Fraction, right: Fraction) -> Fraction:
    """``left operator right``, exact.

    Args:
        operator: One of ``+ - * /``.
        left: A number.
        right: A number.

    Raises:
        RefusedError: On a division by zero, or if the result has more digits than anybody means.
    """
    if operator == "/":
        if right == 0:
            raise RefusedError("division by zero")
        result = left / right
    else:
        result = {"+": left + right, "-": left - right, "*": left * right}[operator]
    if max(result.numerator.bit_length(), result.denominator.bit_length()) > MAX_BITS:
        raise RefusedError("this number has too many digits")
    return result
