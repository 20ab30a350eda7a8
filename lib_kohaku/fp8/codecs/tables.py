"""Lookup tables, with the scale folded in, that make conversion on the CPU fast and the same on every torch.

Torch's own e4m3fn casts on the CPU run at 0.1 to 0.4 G weights/s (decoding) and 0.2 to 2 (encoding from fp16), and
differ between versions above the largest finite value. A table of all 16-bit patterns (encoding) or of all pairs of
codes (decoding) is faster and has no versions.

The caches hold values that follow from their keys alone; they are bounded to a few MB.
"""

from __future__ import annotations

from functools import lru_cache

import torch

from lib_kohaku.fp8.codecs.formats import CODES, Fp8Format
from lib_kohaku.fp8.codecs.rounding import exact_codes

# Pairs of codes are looked up by the signed 16-bit number that they are, plus this: torch 2.1 has no uint16.
SIGNED_OFFSET = 1 << 15
_PATTERNS = 1 << 16


def _plain_tensors() -> torch.inference_mode:
    """Cached tensors outlive the caller's ``inference_mode`` and must stay usable where gradients are recorded."""
    return torch.inference_mode(False)


def numbers_by_pattern(dtype: torch.dtype) -> torch.Tensor:
    """What every 16-bit pattern means: 65,536 float64 values, indexed by the pattern as a number without a sign."""
    with _plain_tensors():
        return _all_patterns().roll(SIGNED_OFFSET).view(dtype).to(torch.float64)


def _all_patterns() -> torch.Tensor:
    """Every 16-bit pattern as int16, ordered from the lowest."""
    return torch.arange(-SIGNED_OFFSET, SIGNED_OFFSET, dtype=torch.int32, device="cpu").to(torch.int16)


@lru_cache(maxsize=32)
def encode_table(fmt: Fp8Format, dtype: torch.dtype, exponent: int) -> torch.Tensor:
    """Codes of every value of a 16-bit type, divided by 2**exponent.

    Args:
        fmt: The format to encode to.
        dtype: ``torch.float16`` or ``torch.bfloat16``.
        exponent: Of the scale, a power of two.

    Returns:
        65,536 uint8 codes, indexed by the value's bits as a number without a sign.
    """
    with _plain_tensors():
        return exact_codes(numbers_by_pattern(dtype) * 2.0**-exponent, fmt)


@lru_cache(maxsize=4)
def exact_table(fmt: Fp8Format) -> torch.Tensor:
    """The value of every code, without a scale.

    Returns:
        256 float64 values, on the CPU. Their products with any float32 are exact in float64.
    """
    with _plain_tensors():
        return torch.tensor([fmt.value(code) for code in range(CODES)], dtype=torch.float64, device="cpu")


@lru_cache(maxsize=64)
def decode_table(fmt: Fp8Format, dtype: torch.dtype, scale: float) -> torch.Tensor:
    """The value of every code, times the scale.

    Finite products that ``dtype`` cannot hold saturate at its largest value: a code next above 65504 in fp16 would
    otherwise turn a finite weight into infinity.

    Args:
        fmt: The format to decode from.
        dtype: A floating type.
        scale: Factor on the value. The product is formed in float32, as every reader of scaled files does.

    Returns:
        256 values of ``dtype``, on the CPU.
    """
    with _plain_tensors():
        exact = torch.tensor([fmt.value(code) for code in range(CODES)], dtype=torch.float32, device="cpu")
        products = exact * torch.tensor(scale, dtype=torch.float32, device="cpu")
        limit = torch.finfo(dtype).max
        return torch.where(exact.isfinite(), products.clamp(-limit, limit), exact).to(dtype)


@lru_cache(maxsize=32)
def pair_table(fmt: Fp8Format, dtype: torch.dtype, scale: float) -> torch.Tensor:
    """The two values of every pair of codes as one integer of twice the size of ``dtype``.

    Args:
        fmt: The format to decode from.
        dtype: A floating type of 2 or 4 bytes.
        scale: As in :func:`decode_table`.

    Returns:
        65,536 int32 or int64 entries, indexed by two neighbouring codes read as int16 plus :data:`SIGNED_OFFSET`.
        Reading the codes and writing the values in the machine's own byte order makes it right on either.
    """
    with _plain_tensors():
        single = decode_table(fmt, dtype, scale)
        pairs = single[_all_patterns().view(torch.uint8).long()]
        return pairs.view(torch.int32 if dtype.itemsize == 2 else torch.int64)
