"""How far apart two tensors of one type are, in units in the last place."""

from __future__ import annotations

import numpy as np
import torch

from lib_kohaku.checkpoint.dtypes import DType
from lib_kohaku.merge.execute.rounding import Rounder

_INTEGERS = {64: torch.int64, 32: torch.int32, 16: torch.int16, 8: torch.int8}


def round_reference(values: torch.Tensor, dtype: DType) -> torch.Tensor:
    """float64 values correctly rounded to a type.

    numpy's conversions to float16 and float32 round once and are not ours; bfloat16 and float8 it does not know.
    """
    if dtype.name in ("F64", "F32", "F16"):
        kind = {"F64": "float64", "F32": "float32", "F16": "float16"}[dtype.name]
        with np.errstate(over="ignore"):  # becomes infinite, as it should
            return torch.from_numpy(values.numpy().astype(kind))
    flat = values.reshape(-1).clone()
    out = torch.empty(len(flat), dtype=dtype.torch)
    Rounder(len(flat)).round(flat, torch.empty_like(flat), out, dtype)
    return out.reshape(values.shape)


def without_noise(values: torch.Tensor) -> torch.Tensor:
    """float64 values rounded to 40 bits (Veltkamp's splitting).

    A chain of float64 operations is off by a few parts in 2^52. That is enough to push results that lie exactly between
    two float16 values, of which decimal coefficients make many, to one side at random: 0.25 % of the values were
    measured in a block with weight 0.1. Rounding the noise off first restores them.
    """
    scaled = values * ((1 << 13) + 1)
    rounded = scaled - (scaled - values)
    return torch.where(rounded.isfinite(), rounded, values)  # infinities have no noise


def ulp_distance(left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
    """Number of representable values between the elements of two tensors of one floating type.

    Returns:
        int64, 0 where equal (0.0 and -0.0 are equal; NaN equals NaN).
    """
    both_nan = (left != left) & (right != right) if left.element_size() > 1 else torch.zeros(1, dtype=torch.bool)
    distance = (_ordinals(left) - _ordinals(right)).abs()
    return distance.masked_fill(both_nan, 0)


def _ordinals(values: torch.Tensor) -> torch.Tensor:
    """Integers in the order of the values: the bit patterns, counted downwards for negative values."""
    bits = values.element_size() * 8
    codes = values.view(_INTEGERS[bits]).to(torch.int64)
    magnitude = codes & ((1 << (bits - 1)) - 1)
    return torch.where(codes < 0, -magnitude, magnitude)
