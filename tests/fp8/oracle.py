"""Independent reference for fp8: magnitudes from the definition in exact fractions, search instead of bit tricks."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

SHAPES = {"e4m3fn": (4, 3, 7, 0x7E), "e5m2": (5, 2, 15, 0x7B)}  # exponent bits, mantissa bits, bias, last finite code


def magnitudes(name: str) -> list[Fraction]:
    """Finite magnitudes by code, ascending."""
    _, bits, bias, last = SHAPES[name]
    values = []
    for code in range(last + 1):
        exponent, mantissa = code >> bits, code % (1 << bits)
        if exponent == 0:
            values.append(Fraction(mantissa, 1 << bits) * Fraction(2) ** (1 - bias))
        else:
            values.append((1 + Fraction(mantissa, 1 << bits)) * Fraction(2) ** (exponent - bias))
    return values


def nearest_code(value: float, name: str) -> int:
    """Nearest code of one finite number in exact arithmetic, ties to the even code, saturating."""
    table = magnitudes(name)
    exact = abs(Fraction(value))
    best = min(range(len(table)), key=lambda code: (abs(table[code] - exact), code & 1))
    return best | (0x80 if np.signbit(value) else 0)


def nearest_codes(values: np.ndarray, name: str) -> np.ndarray:
    """The same for an array of float64: all magnitudes and their midpoints are exact in float64."""
    table = np.array([float(value) for value in magnitudes(name)])
    midpoints = (table[1:] + table[:-1]) / 2
    size = np.abs(values)
    code = np.searchsorted(midpoints, size, side="left")  # on a midpoint: the lower code
    tie = np.zeros(size.shape, dtype=bool)
    inside = code < len(midpoints)
    tie[inside] = size[inside] == midpoints[code[inside]]
    code = np.where(tie & (code & 1 == 1), code + 1, code)
    return (code | (np.signbit(values).astype(np.int64) << 7)).astype(np.uint8)
