"""From fp8 codes back to floating-point weights.

Three routes give the same bits: tables on the CPU, a table on devices without float8 types (MPS, DirectML), and the
device's own cast on CUDA.
"""

from __future__ import annotations

import torch

from lib_kohaku.fp8.codecs.formats import Fp8Format
from lib_kohaku.fp8.codecs.layout import BLOCK, LOOK_UP_BLOCK, blocks, dense_row, in_memory_order, per_channel
from lib_kohaku.fp8.codecs.tables import SIGNED_OFFSET, decode_table, pair_table
from lib_kohaku.fp8.errors import Fp8Error

TARGET_DTYPES = (torch.float16, torch.bfloat16, torch.float32)

# Below this many codes a pair table, if it is not made yet, costs more than it saves.
_PAIRS_PAY_FROM = 1 << 16


def decode(codes: torch.Tensor, fmt: Fp8Format, scale: float | torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The weights ``code * scale``, formed in float32 and rounded once to ``dtype``.

    Args:
        codes: uint8, any shape and device.
        fmt: What the codes mean.
        scale: One number, or a float32 tensor with one per output channel (the first axis) on the codes' device.
        dtype: float16, bfloat16 or float32.

    Returns:
        ``dtype``, same shape and device, channels-last if ``codes`` is. Finite products beyond the range of ``dtype``
        saturate at its largest value; the codes for NaN and infinity stay NaN and infinity.

    Raises:
        Fp8Error: If ``dtype`` is another type.
    """
    if dtype not in TARGET_DTYPES:
        raise Fp8Error(f"fp8 weights are computed with in float16, bfloat16 or float32, not {dtype}")
    if isinstance(scale, torch.Tensor):
        return _decode_channels(codes, fmt, scale, dtype)
    if codes.device.type == "cpu":
        return _decode_on_cpu(codes, fmt, scale, dtype)
    if codes.device.type == "cuda":
        return decode_native(codes, fmt, scale, dtype)
    return decode_by_table(codes, fmt, scale, dtype)


def decode_native(codes: torch.Tensor, fmt: Fp8Format, scale: float, dtype: torch.dtype) -> torch.Tensor:
    """Through torch's float8 types; needs a device that has them."""
    native: torch.dtype = getattr(torch, fmt.torch_name)
    values = codes.view(native).to(dtype)
    if scale == 1.0:
        return values
    if fmt.largest * scale <= torch.finfo(dtype).max:
        # Every code is exact in every target type, and torch multiplies 16-bit types by a number in float32.
        return values.mul_(scale)
    return _saturated(values.to(torch.float32) * scale, dtype)


def decode_by_table(codes: torch.Tensor, fmt: Fp8Format, scale: float, dtype: torch.dtype) -> torch.Tensor:
    """One look-up per code on the codes' own device; needs nothing but ``index_select``."""
    table = decode_table(fmt, dtype, scale).to(codes.device)
    flat = in_memory_order(codes)
    if flat is None:
        codes = codes.contiguous()
        flat = codes.view(-1)
    values = torch.empty_like(codes, dtype=dtype)
    dense_row(values).copy_(torch.index_select(table, 0, flat.to(torch.int32)))
    return values


def _decode_on_cpu(codes: torch.Tensor, fmt: Fp8Format, scale: float, dtype: torch.dtype) -> torch.Tensor:
    flat = in_memory_order(codes)
    if flat is None:
        codes = codes.contiguous()
        flat = codes.view(-1)
    values = torch.empty_like(codes, dtype=dtype)
    target = dense_row(values)
    # Reading two codes at once needs an even address; the odd code at the end is left to the small table.
    paired = flat.numel() & ~1 if flat.numel() >= _PAIRS_PAY_FROM and flat.data_ptr() % 2 == 0 else 0
    if paired and flat.storage_offset() % 2 == 0:
        table = pair_table(fmt, dtype, scale)
        _look_up(table, flat[:paired].view(torch.int16), target[:paired].view(table.dtype), SIGNED_OFFSET)
    else:
        paired = 0
    _look_up(decode_table(fmt, dtype, scale), flat[paired:], target[paired:], 0)
    return values


def _look_up(table: torch.Tensor, keys: torch.Tensor, target: torch.Tensor, offset: int) -> None:
    """``target[i] = table[keys[i] + offset]`` in blocks, with one index buffer."""
    index = torch.empty(min(LOOK_UP_BLOCK, keys.numel()), dtype=torch.int32)
    for part in blocks(keys.numel(), LOOK_UP_BLOCK):
        place = index[: part.stop - part.start]
        place.copy_(keys[part])
        if offset:
            place.add_(offset)
        torch.index_select(table, 0, place, out=target[part])


def _decode_channels(codes: torch.Tensor, fmt: Fp8Format, scale: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Per-channel scales: the product in float32, whatever ``dtype``, because a small scale is no fp16 number."""
    flat = in_memory_order(codes)
    if codes.device.type != "cpu" or flat is None or codes.numel() == 0:
        return _saturated(decode(codes, fmt, 1.0, torch.float32) * per_channel(scale, codes.dim()), dtype)
    values = torch.empty_like(codes, dtype=dtype)
    # Channels are the outermost axis of either layout, so blocks of channels are runs of memory.
    rows, target = flat.view(len(codes), -1), dense_row(values).view(len(codes), -1)
    for part in blocks(len(rows), max(1, BLOCK // rows.shape[1])):
        target[part] = _saturated(_decode_on_cpu(rows[part], fmt, 1.0, torch.float32) * scale[part, None], dtype)
    return values


def _saturated(wide: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Round float32 to ``dtype`` without making infinities of finite values."""
    limit = torch.finfo(dtype).max
    if dtype == torch.float32:
        return wide
    return torch.where(wide.isinf(), wide, wide.clamp(-limit, limit)).to(dtype)
