"""Results that become fp8 with a scale, which is known only when the whole tensor is."""

from __future__ import annotations

import struct

import torch

from lib_kohaku.checkpoint.writer import TensorSpec
from lib_kohaku.fp8.codecs import choose_exponents, encode, format_named
from lib_kohaku.fp8.codecs.scales import Scaling
from lib_kohaku.merge.execute.rounding import all_finite, round_to_odd_


class ScaledTensor:
    """Gathers the values of one tensor after the other, in float32 memory that is used again.

    Values are cut to float32 by rounding to odd, which the one rounding to fp8 cannot notice; dividing by a power of
    two in between is exact.
    """

    def __init__(self) -> None:
        self._memory = torch.empty(0)
        self._scales: dict[str, bytes] = {}

    def begin(self, spec: TensorSpec) -> None:
        """Make room for a tensor; what was gathered before is overwritten."""
        if len(self._memory) < spec.count:
            self._memory = torch.empty(spec.count)

    def room(self, start: int, count: int) -> torch.Tensor:
        """Memory for values from the one with index ``start`` on."""
        return self._memory[start : start + count]

    @staticmethod
    def put(values: torch.Tensor, scratch: torch.Tensor, room: torch.Tensor) -> bool:
        """Keep a block.

        Args:
            values: float64, flat; destroyed.
            scratch: float64 of the same size; overwritten.
            room: Where, from :meth:`room`.

        Returns:
            Whether all values are finite.
        """
        round_to_odd_(values, scratch)
        room.copy_(values)
        return all_finite(room)

    def codes(self, spec: TensorSpec) -> torch.Tensor:
        """The codes of the tensor that was gathered, uint8 and flat; its scale is kept for :meth:`scale_of`.

        Raises:
            NotFiniteError: If a value is NaN or infinite.
        """
        fmt = format_named(spec.dtype.name)
        values = self._memory[: spec.count]
        exponent = choose_exponents(values, fmt, Scaling.TENSOR, spec.name)
        assert isinstance(exponent, int)
        self._scales[spec.name] = struct.pack("<f", 2.0**exponent)
        return encode(values, fmt, exponent)

    def scale_of(self, name: str) -> bytes:
        """The scale of a tensor that was encoded, as float32."""
        return self._scales.pop(name)
