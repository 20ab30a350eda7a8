"""Which scale a weight gets.

fp8 is floating point: any scale that keeps the weights out of the subnormal zone costs nothing, and a power of two can
be undone exactly. So the default is one power of two per tensor, the smallest that brings the largest magnitude to or
below the format's largest value. One per output channel helps only where channels differ by more than about 2**12.
"""

from __future__ import annotations

import math
from enum import Enum

import numpy as np
import torch

from lib_kohaku.fp8.codecs.formats import Fp8Format
from lib_kohaku.fp8.codecs.layout import BLOCK, blocks, in_memory_order
from lib_kohaku.fp8.errors import NotFiniteError

_LARGE_BLOCK = 1 << 22
# A scale has to be a normal float32 in files, with room for the products around it.
_LOWEST_EXPONENT, _HIGHEST_EXPONENT = -120, 120


class Scaling(str, Enum):
    """How many scales a weight has."""

    NONE = "none"
    TENSOR = "tensor"
    CHANNEL = "channel"


def choose_exponents(values: torch.Tensor, fmt: Fp8Format, scaling: Scaling, name: str) -> int | torch.Tensor:
    """The exponents of the power-of-two scales, after a look for NaN and infinity.

    Args:
        values: float tensor, any shape with the output channels first.
        fmt: The format whose range the scaled values have to fit.
        scaling: One scale per tensor, per channel, or none.
        name: The tensor's name, for the error.

    Returns:
        One integer, or an int32 CPU tensor of one per channel. Tensors and channels of zeros get 0.

    Raises:
        NotFiniteError: If a value is NaN or infinite, whatever the scaling.
    """
    peaks = largest_magnitudes(values, by_channel=scaling is Scaling.CHANNEL and values.dim() > 1)
    if not bool(peaks.isfinite().all()):
        raise NotFiniteError(f"tensor '{name}' holds NaN or infinity and cannot be converted to fp8")
    if scaling is Scaling.NONE:
        return 0
    if peaks.dim() == 0:
        return _exponent(float(peaks), fmt)
    return torch.tensor([_exponent(peak, fmt) for peak in peaks.tolist()], dtype=torch.int32)


def largest_magnitudes(values: torch.Tensor, *, by_channel: bool) -> torch.Tensor:
    """Largest absolute value of a tensor, or of each of its output channels.

    Args:
        values: Floating point, any shape and device.
        by_channel: Whether to keep the first axis.

    Returns:
        float64 on the CPU, shape () or (channels,). NaN where any value is NaN; zero for an empty tensor.
    """
    values = values.detach()
    if values.numel() == 0:
        return torch.zeros(values.shape[:1] if by_channel else (), dtype=torch.float64)
    if by_channel:
        rows = values.reshape(values.shape[0], -1)
        size = max(1, BLOCK // rows.shape[1])
        return torch.cat([_row_peaks(rows[part]) for part in blocks(len(rows), size)])
    row = in_memory_order(values)
    row = values.reshape(-1) if row is None else row
    # Where nothing is copied blocks may be large; on a GPU each costs a wait for its result.
    size = (_LARGE_BLOCK if values.dtype.itemsize == 2 else BLOCK) if values.device.type == "cpu" else row.numel()
    return torch.cat([_row_peaks(row[None, part]) for part in blocks(row.numel(), size)]).amax()


def _row_peaks(rows: torch.Tensor) -> torch.Tensor:
    """Largest magnitude of each row, as float64 on the CPU."""
    if rows.dtype.itemsize == 2 and rows.device.type == "cpu":
        # Without the sign, 16-bit patterns are ordered as the numbers are, with infinity and then NaN on top. As signed
        # integers, the largest is that of the positive numbers; as unsigned ones, that of the negative ones, if any is.
        signed = rows.contiguous().view(torch.int16).numpy()
        positive, negative = signed.max(axis=1), signed.view(np.uint16).max(axis=1).view(np.int16) & 0x7FFF
        return torch.from_numpy(np.maximum(positive, negative)).view(rows.dtype).to(torch.float64)
    return rows.abs().amax(dim=1).cpu().to(torch.float64)


def _exponent(peak: float, fmt: Fp8Format) -> int:
    """Smallest ``e`` with ``peak <= fmt.largest * 2**e``."""
    if peak == 0.0:
        return 0
    mantissa, exponent = math.frexp(peak)
    limit_mantissa, limit_exponent = math.frexp(fmt.largest)
    # peak / largest = (mantissa / limit_mantissa) * 2**(exponent - limit_exponent), and the first factor is in (.5, 2).
    needed = exponent - limit_exponent + (1 if mantissa > limit_mantissa else 0)
    return max(_LOWEST_EXPONENT, min(_HIGHEST_EXPONENT, needed))
