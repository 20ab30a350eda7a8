"""Rounding by definition, with fractions: what the code under test does with bit tricks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch


@dataclass(frozen=True)
class Format:
    """A binary floating-point type: bits after the point, smallest normal exponent, largest finite value."""

    mantissa: int
    smallest: int
    largest: Fraction
    clamps: bool = False


FORMATS = {
    torch.float64: Format(52, -1022, Fraction(2) ** 1024 - Fraction(2) ** 971),
    torch.float32: Format(23, -126, Fraction(2) ** 128 - Fraction(2) ** 104),
    torch.float16: Format(10, -14, Fraction(65504)),
    torch.bfloat16: Format(7, -126, Fraction(2) ** 128 - Fraction(2) ** 120),
    torch.float8_e4m3fn: Format(3, -6, Fraction(448), clamps=True),
    torch.float8_e5m2: Format(2, -14, Fraction(57344), clamps=True),
}


def rounded(value: Fraction, dtype: torch.dtype) -> float:
    """The nearest value of a type, ties to even; beyond the largest value infinite, or clamped for float8."""
    form = FORMATS[dtype]
    if form.clamps:
        value = max(-form.largest, min(form.largest, value))
    if value == 0:
        return 0.0
    exponent = _floor_log2(abs(value))
    quantum = Fraction(2) ** (max(exponent, form.smallest) - form.mantissa)
    nearest = round(value / quantum) * quantum  # Fraction rounds halves to even
    if abs(nearest) > form.largest:
        return math.copysign(math.inf, value)
    return float(nearest)


def _floor_log2(value: Fraction) -> int:
    exponent = value.numerator.bit_length() - value.denominator.bit_length()
    return exponent if Fraction(2) ** exponent <= value else exponent - 1


def combination(coefficients: Sequence[Fraction], inputs: Sequence[torch.Tensor], dtype: torch.dtype) -> list[float]:
    """``sum(k * x)`` for finite inputs, exact, rounded once."""
    columns = [[Fraction(value) for value in values.double().reshape(-1).tolist()] for values in inputs]
    return [
        rounded(sum((k * x for k, x in zip(coefficients, row, strict=True)), Fraction(0)), dtype)
        for row in zip(*columns, strict=True)
    ]
