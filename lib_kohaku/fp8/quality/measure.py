"""Comparing a weight with its fp8 form, block by block."""

from __future__ import annotations

import math

import numpy as np
import torch

from lib_kohaku.fp8.codecs import Quantised, decode
from lib_kohaku.fp8.codecs.layout import BLOCK, blocks
from lib_kohaku.fp8.codecs.scales import largest_magnitudes
from lib_kohaku.fp8.quality.values import WeightQuality


def measure(original: torch.Tensor, quantised: Quantised, name: str) -> WeightQuality:
    """Signal to quantisation noise of a weight and of each of its output channels.

    Args:
        original: The weight, floating point, finite, output channels first.
        quantised: Its fp8 form, same shape and device.
        name: For the report.

    Returns:
        The figures; sums run in float32 inside a channel's block and in float64 over blocks. Channels of zeros, which
        cannot lose anything, count as exact.
    """
    channels = original.shape[0] if original.dim() > 1 else 1
    width = original.numel() // max(1, channels)
    rows = original.detach().reshape(channels, width)
    codes = quantised.codes.reshape(channels, width)
    # Squares of small weights underflow in float32, so everything is counted in units of a power of two near the peak.
    unit = _unit(original, quantised)
    signal = torch.zeros(channels, dtype=torch.float64)
    noise = torch.zeros(channels, dtype=torch.float64)
    zeros, lost, largest = 0, 0, 0.0
    for part in blocks(channels, max(1, BLOCK // max(1, width))):
        weights = rows[part].to(torch.float32, copy=True).mul_(1.0 / unit)
        error = weights - _decoded(quantised, codes[part], part, unit)
        signal[part] = _squares(weights)
        noise[part] = _squares(error)
        block_zeros, block_lost = _count_zeros(weights, codes[part])
        zeros, lost = zeros + block_zeros, lost + block_lost
        if error.numel():
            low, high = torch.aminmax(error)
            largest = max(largest, -float(low), float(high))
    return quality_of(
        name,
        scaling=_scaling_of(quantised),
        count=original.numel(),
        signal=signal,
        noise=noise,
        flushed=lost / (original.numel() - zeros) if lost else 0.0,
        max_error=largest * unit,
    )


def quality_of(
    name: str,
    *,
    scaling: str,
    count: int,
    signal: torch.Tensor,
    noise: torch.Tensor,
    flushed: float,
    max_error: float,
) -> WeightQuality:
    """The figures of a weight from the sums of its channels.

    Args:
        name: The weight's name.
        scaling: See :class:`WeightQuality`.
        count: See there.
        signal: Sum of the squares of each channel, float64.
        noise: Sum of the squares of its errors, in the same unit.
        flushed: See there.
        max_error: See there.
    """
    per_channel = 10 * torch.log10(signal / noise)
    per_channel[noise == 0] = math.inf
    worst = int(per_channel.argmin()) if len(signal) else 0
    total_signal, total_noise = float(signal.sum()), float(noise.sum())
    return WeightQuality(
        name=name,
        scaling=scaling,
        count=count,
        sqnr_db=10 * math.log10(total_signal / total_noise) if total_noise else math.inf,
        worst_channel_db=float(per_channel[worst]) if len(signal) else math.inf,
        worst_channel=worst,
        flushed=flushed,
        max_error=max_error,
    )


def _decoded(quantised: Quantised, codes: torch.Tensor, part: slice, unit: float) -> torch.Tensor:
    scale = quantised.scale
    block_scale = scale[part] / unit if isinstance(scale, torch.Tensor) else scale / unit
    return decode(codes, quantised.fmt, block_scale, torch.float32)


def _squares(rows: torch.Tensor) -> torch.Tensor:
    """Sum of squares of each row, float64 on the CPU; the norm does it without a temporary."""
    norms: torch.Tensor = torch.linalg.vector_norm(rows, dim=1)
    return norms.cpu().to(torch.float64).square()


def _count_zeros(weights: torch.Tensor, codes: torch.Tensor) -> tuple[int, int]:
    """How many weights are zero, and how many others have the code of zero."""
    no_code = (codes & 0x7F).reshape(-1)
    if weights.device.type == "cpu":
        # Few codes are zero, and numpy finds them ten times as fast as torch counts the weights.
        found = torch.from_numpy(np.flatnonzero(no_code.numpy() == 0))
    else:
        found = (no_code == 0).nonzero().view(-1)
    lost = int(torch.count_nonzero(weights.reshape(-1)[found]))
    return len(found) - lost, lost


def _unit(original: torch.Tensor, quantised: Quantised) -> float:
    """A power of two near the largest magnitude."""
    scale = quantised.scale
    if isinstance(scale, torch.Tensor):
        peak = float(scale.max()) * quantised.fmt.largest if len(scale) else 0.0
    elif scale != 1.0:
        peak = scale * quantised.fmt.largest
    else:
        peak = float(largest_magnitudes(original, by_channel=False))
    return 2.0 ** math.frexp(peak)[1] if peak else 1.0


def _scaling_of(quantised: Quantised) -> str:
    if isinstance(quantised.scale, torch.Tensor):
        return "channel"
    return "none" if quantised.scale == 1.0 else "tensor"
