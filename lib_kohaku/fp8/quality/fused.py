"""Converting and measuring at once, with one look-up per weight.

A 16-bit weight has 65,536 possible values, so for a given scale a table knows the code *and* the error of each. An
entry is the error's magnitude in float32 with its lowest eight bits replaced by the code: errors are 2^-16 off at most,
which is nothing in an SQNR (0.0001 dB), and one look-up brings both. The sign marks weights that become zero.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from lib_kohaku.fp8.codecs import Fp8Format, Quantised, Scaling, choose_exponents, quantise_with
from lib_kohaku.fp8.codecs.encode import index_of, unsigned_patterns
from lib_kohaku.fp8.codecs.layout import LOOK_UP_BLOCK, blocks
from lib_kohaku.fp8.codecs.rounding import exact_codes
from lib_kohaku.fp8.codecs.tables import exact_table, numbers_by_pattern
from lib_kohaku.fp8.quality.measure import measure, quality_of
from lib_kohaku.fp8.quality.values import WeightQuality

_CODE_BITS = 0xFF


def quantise_and_measure(
    values: torch.Tensor, fmt: Fp8Format, scaling: Scaling, name: str, out: torch.Tensor | None = None
) -> tuple[Quantised, WeightQuality]:
    """:func:`~lib_kohaku.fp8.codecs.quantise` and :func:`~lib_kohaku.fp8.quality.measure` in one.

    Args:
        values: As for ``quantise``.
        fmt: The format to convert to.
        scaling: How many scales.
        name: The tensor's name.
        out: Contiguous uint8 memory for the codes; only used for contiguous ``values`` on the CPU.

    Raises:
        NotFiniteError: If a value is NaN or infinite.
        Fp8Error: If ``values`` is not floating point.
    """
    exponents = choose_exponents(values, fmt, scaling, name)
    if _is_for_table(values, scaling) and isinstance(exponents, int):
        codes = torch.empty(values.shape, dtype=torch.uint8) if out is None else out
        quality = _encode_and_measure(values.detach(), fmt, exponents, name, codes)
        return Quantised(codes, fmt, 2.0**exponents), quality
    quantised = quantise_with(values, fmt, exponents, out)
    return quantised, measure(values, quantised, name)


def _is_for_table(values: torch.Tensor, scaling: Scaling) -> bool:
    if values.device.type != "cpu" or not values.is_contiguous() or values.numel() == 0:
        return False
    # Unscaled numbers of bfloat16 may be so large or small that their squares are no float32.
    return values.dtype == torch.float16 or (values.dtype == torch.bfloat16 and scaling is Scaling.TENSOR)


def _encode_and_measure(
    values: torch.Tensor, fmt: Fp8Format, exponent: int, name: str, codes: torch.Tensor
) -> WeightQuality:
    """Fill ``codes``, in blocks of whole channels, with few calls a block: they cost as much as the work."""
    table = _table(fmt, values.dtype, exponent)
    channels = values.shape[0] if values.dim() > 1 else 1
    rows, targets = values.reshape(channels, -1), codes.view(channels, -1)
    width = rows.shape[1]
    step = max(1, LOOK_UP_BLOCK // width)
    index = torch.empty(step * width, dtype=torch.int32)
    memory = torch.empty(step * width)
    signal, noise = torch.empty(channels), torch.empty(channels)
    lost, largest = 0, 0.0
    for part in blocks(channels, step):
        block = rows[part].reshape(-1)
        entries = memory[: len(block)]
        wide = entries.copy_(block)
        if values.dtype == torch.bfloat16:  # whose squares may be no float32
            wide.mul_(2.0**-exponent)
        torch.linalg.vector_norm(wide.view(-1, width), dim=1, out=signal[part])
        torch.index_select(table, 0, index_of(unsigned_patterns(block), index), out=entries)
        torch.linalg.vector_norm(entries.view(-1, width), dim=1, out=noise[part])
        bits = entries.view(torch.int32)
        targets[part].view(-1).copy_(bits)  # keeps the lowest byte
        lost += int(np.count_nonzero(bits.numpy() < 0))
        low, high = torch.aminmax(entries)
        largest = max(largest, -float(low), float(high))
    # The errors are in units of the scale.
    unit = 2.0**-exponent if values.dtype == torch.float16 else 1.0
    signals = (signal.double() * unit).square()
    zeros = _count_zero_codes(codes.view(-1)) - lost if lost else 0
    return quality_of(
        name,
        scaling="none" if exponent == 0 else "tensor",
        count=values.numel(),
        signal=signals,
        # No code is farther from a weight than zero is; where all became zero the table's rounding could say so.
        noise=torch.minimum(noise.double().square(), signals),
        flushed=lost / (values.numel() - zeros) if lost else 0.0,
        max_error=_exact_error(table, largest, fmt, values.dtype, exponent),
    )


def _count_zero_codes(codes: torch.Tensor) -> int:
    flat = codes.numpy()
    return sum(part.stop - part.start - int(np.count_nonzero(flat[part] & 0x7F)) for part in blocks(len(flat)))


@lru_cache(maxsize=32)
def _table(fmt: Fp8Format, dtype: torch.dtype, exponent: int) -> torch.Tensor:
    """The entries for every pattern of a 16-bit type."""
    with torch.inference_mode(False):
        scaled = numbers_by_pattern(dtype) * 2.0**-exponent
        codes = exact_codes(scaled, fmt)
        decoded = exact_table(fmt)[codes.long()]
        errors = _errors(scaled, decoded).to(torch.float32)
        bits = errors.view(torch.int32)
        # The entry with this code that is nearest to the error.
        entries = (bits & ~_CODE_BITS) | codes.to(torch.int32)
        entries += torch.where(entries - bits > 128, -256, 0) + torch.where(entries - bits < -128, 256, 0)
        entries = torch.where(entries < 0, codes.to(torch.int32), entries)
        found = entries.view(torch.float32)
        return torch.where((decoded == 0) & (scaled != 0), -found, found).contiguous()


def _errors(scaled: torch.Tensor, decoded: torch.Tensor) -> torch.Tensor:
    errors = (scaled - decoded).abs()
    return torch.where(errors.isfinite(), errors, 0.0)  # of patterns that no weight has


def _exact_error(table: torch.Tensor, entry: float, fmt: Fp8Format, dtype: torch.dtype, exponent: int) -> float:
    """The error that an entry stands for, with all its bits."""
    if entry < 1e-30:  # a code and no error
        return 0.0
    pattern = (table.abs() == entry).nonzero()[:, 0]
    scaled = numbers_by_pattern(dtype)[pattern] * 2.0**-exponent
    decoded = exact_table(fmt)[exact_codes(scaled, fmt).long()]
    return float(_errors(scaled, decoded).max()) * 2.0**exponent
