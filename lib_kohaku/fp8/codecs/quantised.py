"""A weight in fp8: codes, format and scale together."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from lib_kohaku.fp8.codecs.decode import decode
from lib_kohaku.fp8.codecs.encode import encode
from lib_kohaku.fp8.codecs.formats import Fp8Format
from lib_kohaku.fp8.codecs.layout import blocks, in_memory_order
from lib_kohaku.fp8.codecs.rounding import powers_of_two
from lib_kohaku.fp8.codecs.scales import Scaling, choose_exponents
from lib_kohaku.fp8.errors import Fp8Error, NotFiniteError

Scale = float | torch.Tensor


@dataclass(frozen=True, eq=False)
class Quantised:
    """An fp8 weight.

    Attributes:
        codes: uint8, the weight's shape.
        fmt: What the codes mean.
        scale: A number, or float32 of shape (channels,) on the codes' device. The weight is ``code * scale``.
    """

    codes: torch.Tensor
    fmt: Fp8Format
    scale: Scale

    def __post_init__(self) -> None:
        if isinstance(self.scale, torch.Tensor) and self.scale.shape != self.codes.shape[:1]:
            expected, found = tuple(self.codes.shape[:1]), tuple(self.scale.shape)
            raise Fp8Error(f"an fp8 weight of shape {tuple(self.codes.shape)} needs {expected} scales, not {found}")

    def decode(self, dtype: torch.dtype) -> torch.Tensor:
        """The weight in ``dtype``; see :func:`~lib_kohaku.fp8.codecs.decode.decode`."""
        return decode(self.codes, self.fmt, self.scale, dtype)

    @property
    def nbytes(self) -> int:
        """Bytes held: one per weight, four per scale."""
        return self.codes.numel() + 4 * (self.scale.numel() if isinstance(self.scale, torch.Tensor) else 1)


def quantise(values: torch.Tensor, fmt: Fp8Format, scaling: Scaling, name: str) -> Quantised:
    """Convert a weight.

    Args:
        values: float16, bfloat16, float32 or float64, output channels first, any device.
        fmt: The format to convert to.
        scaling: How many scales; per-channel falls back to one for tensors of fewer than two axes.
        name: The tensor's name, for errors.

    Returns:
        Codes on the device of ``values``. Every finite value becomes a finite code: unscaled values beyond the format's
        range saturate.

    Raises:
        NotFiniteError: If a value is NaN or infinite.
        Fp8Error: If ``values`` is not floating point.
    """
    return quantise_with(values, fmt, choose_exponents(values, fmt, scaling, name))


def quantise_with(
    values: torch.Tensor, fmt: Fp8Format, exponents: int | torch.Tensor, out: torch.Tensor | None = None
) -> Quantised:
    """Convert a weight whose scales were chosen before; see :func:`quantise`, :func:`choose_exponents`, ``encode``."""
    codes = encode(values, fmt, exponents, out)
    if isinstance(exponents, torch.Tensor):
        scale: Scale = powers_of_two(exponents).to(torch.float32).to(values.device)
    else:
        scale = 2.0**exponents
    return Quantised(codes, fmt, scale)


def refuse_special_codes(codes: torch.Tensor, fmt: Fp8Format, name: str) -> None:
    """Make sure that every code of a weight from outside is a number.

    Raises:
        NotFiniteError: If a code means NaN or infinity.
    """
    flat = in_memory_order(codes)
    flat = codes.reshape(-1) if flat is None else flat
    special = sum(int(torch.count_nonzero((flat[part] & 0x7F) >= fmt.first_special)) for part in blocks(flat.numel()))
    if special:
        codes_are = "1 code" if special == 1 else f"{special} codes"
        raise NotFiniteError(f"fp8 tensor '{name}' holds {codes_are} for NaN or infinity: the file is damaged")
