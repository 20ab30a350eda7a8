"""From floating-point weights to fp8 codes, with one rounding and no NaN out of a finite value."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from lib_kohaku.fp8.codecs.formats import Fp8Format
from lib_kohaku.fp8.codecs.layout import BLOCK, LOOK_UP_BLOCK, blocks, dense_row, in_memory_order, per_channel
from lib_kohaku.fp8.codecs.rounding import exact_codes, powers_of_two
from lib_kohaku.fp8.codecs.tables import encode_table
from lib_kohaku.fp8.errors import Fp8Error

SOURCE_DTYPES = (torch.float16, torch.bfloat16, torch.float32, torch.float64)


def encode(
    values: torch.Tensor, fmt: Fp8Format, exponents: int | torch.Tensor = 0, out: torch.Tensor | None = None
) -> torch.Tensor:
    """Codes of ``values / 2**exponents``: to nearest, ties to even, saturating.

    Scales are powers of two, so the division is exact and the result is rounded once. NaN and infinity are not
    looked for here: see :func:`~lib_kohaku.fp8.codecs.scales.choose_exponents`.

    Args:
        values: float16, bfloat16, float32 or float64, any shape and device.
        fmt: The format to encode to.
        exponents: One integer, or an int32 tensor with one per output channel (the first axis).
        out: Contiguous uint8 memory of the same shape to encode into, for contiguous ``values`` on the CPU.

    Returns:
        uint8 codes of the same shape, on the same device, channels-last if ``values`` is.

    Raises:
        Fp8Error: If ``values`` is of another type.
    """
    if values.dtype not in SOURCE_DTYPES:
        raise Fp8Error(f"only floating-point tensors can be converted to fp8, not {values.dtype}")
    values = values.detach()
    if values.device.type == "cuda" and values.dtype != torch.float64:
        return encode_native(values, fmt, exponents)
    if values.device.type != "cpu":
        return _encode_on_cpu(values.cpu(), fmt, exponents).to(values.device)
    return _encode_on_cpu(values, fmt, exponents, out)


def _encode_on_cpu(
    values: torch.Tensor, fmt: Fp8Format, exponents: int | torch.Tensor, out: torch.Tensor | None = None
) -> torch.Tensor:
    flat = in_memory_order(values)
    if flat is None:
        values = values.contiguous()
        flat = values.view(-1)
    codes = torch.empty_like(values, dtype=torch.uint8) if out is None or not values.is_contiguous() else out
    target = dense_row(codes)
    if codes.numel() == 0:
        return codes
    if isinstance(exponents, torch.Tensor):
        # Channels are the outermost axis in both layouts, so each one is a run of memory.
        _encode_rows(flat.view(len(exponents), -1), target.view(len(exponents), -1), fmt, exponents.cpu())
    elif values.dtype.itemsize == 2:
        _encode_by_table(flat, target, fmt, exponents)
    else:
        for part in blocks(flat.numel()):
            target[part] = _encode_block(flat[part], fmt, 2.0**-exponents)
    return codes


def _encode_by_table(flat: torch.Tensor, target: torch.Tensor, fmt: Fp8Format, exponent: int) -> None:
    """16-bit values: one look-up each, with scale, saturation and rounding inside the table."""
    table = encode_table(fmt, flat.dtype, exponent)
    patterns = unsigned_patterns(flat)
    index = torch.empty(min(LOOK_UP_BLOCK, flat.numel()), dtype=torch.int32)
    for part in blocks(flat.numel(), LOOK_UP_BLOCK):
        torch.index_select(table, 0, index_of(patterns[part], index), out=target[part])


def unsigned_patterns(flat: torch.Tensor) -> NDArray[np.uint16]:
    """The bits of a flat 16-bit CPU tensor as numbers without a sign, which torch 2.1 does not have."""
    patterns: NDArray[np.uint16] = flat.view(torch.int16).numpy().view(np.uint16)
    return patterns


def index_of(patterns: NDArray[np.uint16], memory: torch.Tensor) -> torch.Tensor:
    """A block of patterns as an index into a table, in int32 memory that is used again."""
    index = memory[: len(patterns)]
    np.copyto(index.numpy(), patterns)
    return index


def _encode_rows(rows: torch.Tensor, target: torch.Tensor, fmt: Fp8Format, exponents: torch.Tensor) -> None:
    """Per-channel scales: blocks of whole rows."""
    inverse = powers_of_two(-exponents)
    for part in blocks(len(rows), max(1, BLOCK // max(1, rows.shape[1]))):
        target[part] = _encode_block(rows[part], fmt, inverse[part, None])


def _encode_block(values: torch.Tensor, fmt: Fp8Format, inverse: float | torch.Tensor) -> torch.Tensor:
    """Wide values: torch's own cast from float32, which is right on every version once clamped."""
    if values.dtype == torch.float64:
        # By way of float32 would round twice.
        return exact_codes(values * inverse, fmt)
    wide = values.to(torch.float32)
    scaled = wide * (inverse.to(torch.float32) if isinstance(inverse, torch.Tensor) else inverse)
    return _native_codes(scaled.clamp_(-fmt.largest, fmt.largest), fmt)


def _native_codes(clamped: torch.Tensor, fmt: Fp8Format) -> torch.Tensor:
    native: torch.dtype = getattr(torch, fmt.torch_name)
    return clamped.to(native).view(torch.uint8)


def encode_native(values: torch.Tensor, fmt: Fp8Format, exponents: int | torch.Tensor) -> torch.Tensor:
    """Through torch's float8 types, on a device that has them; not for float64, which would be rounded twice.

    On a GPU the cast is limited by memory, so one expression over the whole tensor does.
    """
    if isinstance(exponents, torch.Tensor):
        inverse = powers_of_two(-exponents.cpu()).to(torch.float32).to(values.device)
        scaled = values.to(torch.float32) * per_channel(inverse, values.dim())
    else:
        scaled = values.to(torch.float32) * 2.0**-exponents
    return _native_codes(scaled.clamp_(-fmt.largest, fmt.largest), fmt)
