"""From float64 to the output's type with a single rounding."""

from __future__ import annotations

import math

import torch

from lib_kohaku.checkpoint.dtypes import DType

# float64 has 29 bits of mantissa more than float32.
_EXTRA_BITS = (1 << 29) - 1

# Beyond these torch 2.1 makes NaN of float8 values; later versions saturate only e4m3fn's neighbours.
FP8_MAXIMUM = {"F8_E4M3": 448.0, "F8_E5M2": 57344.0}


def round_to_odd_(values: torch.Tensor, scratch: torch.Tensor) -> None:
    """Cut float64 values to float32 precision in place, in a way that the next rounding cannot notice.

    torch converts float64 to float16 through float32, which rounds twice: a value just above the middle of two float16
    neighbours first becomes that middle and then goes to the even side. Cutting the extra bits off and setting the last
    kept bit whenever any of them was set ("rounding to odd", Boldo and Melquiond, Emulation of a FMA and correctly
    rounded sums, 2008) keeps what the second rounding needs to know. It is right for float16, bfloat16 and float8
    results of normal float32 magnitude; smaller ones are far below the smallest float16.

    Args:
        values: float64, contiguous; changed.
        scratch: float64 of the same size; overwritten.
    """
    bits, lost = values.view(torch.int64), scratch.view(torch.int64)
    torch.bitwise_and(bits, _EXTRA_BITS, out=lost)
    lost.add_(_EXTRA_BITS)  # carries into the last kept bit unless all extra bits were 0
    bits.bitwise_or_(lost)
    bits.bitwise_and_(~_EXTRA_BITS)


class Rounder:
    """Rounds blocks of float64 values into output memory, with buffers that are reused."""

    def __init__(self, block: int) -> None:
        """Make buffers for blocks of up to ``block`` elements."""
        self._single = torch.empty(block, dtype=torch.float32)

    def round(self, values: torch.Tensor, scratch: torch.Tensor, out: torch.Tensor, dtype: DType) -> bool:
        """Round one block.

        Args:
            values: float64, flat; destroyed.
            scratch: float64 of the same size; overwritten.
            out: Flat tensor of the output type and the same size.
            dtype: Its type.

        Returns:
            Whether all values are finite in the output type (float8 outputs are clamped to the largest finite value).
        """
        if dtype.bits >= 32:
            out.copy_(values)
            return all_finite(out)
        single = self._single[: len(values)]
        round_to_odd_(values, scratch)
        single.copy_(values)
        if dtype.name in FP8_MAXIMUM:
            finite = all_finite(single)
            single.clamp_(-FP8_MAXIMUM[dtype.name], FP8_MAXIMUM[dtype.name])
            out.copy_(single)
            return finite
        out.copy_(single)
        # The norm costs half of what the largest magnitude does and is enough for all but strange tensors.
        return _norm(single) < _LARGEST[dtype.name] or bool(out.isfinite().all())


# Largest finite values of the types.
_LARGEST = {"F16": 65504.0, "BF16": 3.3895314e38}


def _norm(values: torch.Tensor) -> float:
    """At least the largest magnitude; infinite or NaN if a value is, or if a square overflows."""
    return math.sqrt(float(torch.dot(values, values)))


def all_finite(values: torch.Tensor) -> bool:
    """Whether a flat float32 or float64 tensor holds no infinity and no NaN."""
    return _norm(values) < float("inf") or bool(values.isfinite().all())
