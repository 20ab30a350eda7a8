"""The arithmetic: linear combinations of blocks, exact where float64 allows it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import torch

# Large enough that calls cost little, small enough that the accumulators stay in the processor's caches.
BLOCK = 1 << 17
# Numerators and denominators up to here keep products of float32 values exact in float64.
_EXACT_LIMIT = 1 << 20


@dataclass(frozen=True)
class ScaledCoefficients:
    """``sum(numerators[i] * x[i]) / divisor``, with whole numbers wherever the coefficients allow.

    0.8, a decimal, has no exact binary form; 8 and 10 do. A float16 value has 11 bits, a numerator up to 20, a float64
    sum 53: sums of whole multiples are exact, and the division rounds once. So ``a + 0.8*(b - c)`` is computed as
    written, and equal values cancel exactly.
    """

    numerators: tuple[float, ...]
    divisor: float


@lru_cache(maxsize=1024)
def scale_coefficients(coefficients: tuple[Fraction, ...]) -> ScaledCoefficients:
    """Write coefficients over a common denominator, or as floats where that would be too large to be exact."""
    divisor = math.lcm(*(coefficient.denominator for coefficient in coefficients))
    numerators = [coefficient * divisor for coefficient in coefficients]
    if divisor <= _EXACT_LIMIT and all(abs(numerator) <= _EXACT_LIMIT for numerator in numerators):
        return ScaledCoefficients(tuple(float(numerator) for numerator in numerators), float(divisor))
    return ScaledCoefficients(tuple(float(coefficient) for coefficient in coefficients), 1.0)


class LinearKernel:
    """Accumulates linear combinations in float64, with buffers that are reused."""

    def __init__(self, block: int = BLOCK) -> None:
        """Make buffers for blocks of up to ``block`` elements."""
        self.block = block
        self._sum = torch.empty(block, dtype=torch.float64)
        self.scratch = torch.empty(block, dtype=torch.float64)
        self._single = torch.empty(block, dtype=torch.float32)

    def combine(self, inputs: Sequence[torch.Tensor], coefficients: tuple[Fraction, ...]) -> torch.Tensor:
        """A linear combination of up to ``block`` elements.

        Args:
            inputs: Flat tensors of equal size, of any floating types.
            coefficients: One per input.

        Returns:
            float64, in a buffer that the next call overwrites.
        """
        count = len(inputs[0])
        total = self._sum[:count]
        scaled = scale_coefficients(coefficients)
        for index, (values, numerator) in enumerate(zip(inputs, scaled.numerators, strict=True)):
            if index == 0:
                self._widen(values, total)
                if numerator != 1.0:
                    total.mul_(numerator)
            else:
                wide = values if values.dtype == torch.float64 else self.scratch[:count]
                self._widen(values, wide)
                total.add_(wide, alpha=numerator)
        if scaled.divisor != 1.0:
            total.div_(scaled.divisor)
        return total

    def _widen(self, values: torch.Tensor, out: torch.Tensor) -> None:
        if values is out:
            return
        if values.dtype in (torch.float32, torch.float64):
            out.copy_(values)
        else:  # torch's direct conversions to float64 are slower than the way over float32
            single = self._single[: len(values)]
            single.copy_(values)
            out.copy_(single)
