"""The two fp8 formats as numbers: what each of the 256 codes means.

Source of the definitions: Micikevicius et al., "FP8 Formats for Deep Learning" (arXiv:2209.05433), and the OCP 8-bit
Floating Point Specification. Nothing here needs a torch with float8 types.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from lib_kohaku.fp8.errors import Fp8Error

CODES = 256


@dataclass(frozen=True)
class Fp8Format:
    """An 8-bit floating-point format: one sign bit, then exponent, then mantissa.

    Attributes:
        name: torch's name without the ``float8_`` prefix.
        tag: The dtype's name in a safetensors header. ``F8_E4M3`` is the fn variant; no reader knows ``F8_E4M3FN``.
        mantissa_bits: Explicit bits of the mantissa.
        bias: What is subtracted from the stored exponent.
        largest: Largest finite magnitude.
        first_special: Codes from this one to 0x7F (sign bit put aside) are NaN or infinity.
        has_infinity: Whether ``first_special`` means infinity.
    """

    name: str
    tag: str
    mantissa_bits: int
    bias: int
    largest: float
    first_special: int
    has_infinity: bool

    @property
    def torch_name(self) -> str:
        """Name of the dtype as an attribute of ``torch``."""
        return f"float8_{self.name}"

    @property
    def smallest(self) -> float:
        """Smallest magnitude above zero (subnormal)."""
        return math.ldexp(1.0, 1 - self.bias - self.mantissa_bits)

    def value(self, code: int) -> float:
        """The number that a code stands for.

        Args:
            code: 0 to 255.

        Returns:
            An exact double: a finite number, an infinity or NaN.
        """
        sign = -1.0 if code & 0x80 else 1.0
        magnitude = code & 0x7F
        if magnitude >= self.first_special:
            return sign * math.inf if self.has_infinity and magnitude == self.first_special else math.nan
        exponent, mantissa = magnitude >> self.mantissa_bits, magnitude & ((1 << self.mantissa_bits) - 1)
        if exponent == 0:
            return sign * math.ldexp(mantissa, 1 - self.bias - self.mantissa_bits)
        return sign * math.ldexp(mantissa + (1 << self.mantissa_bits), exponent - self.bias - self.mantissa_bits)


E4M3FN = Fp8Format("e4m3fn", "F8_E4M3", 3, 7, 448.0, first_special=0x7F, has_infinity=False)
E5M2 = Fp8Format("e5m2", "F8_E5M2", 2, 15, 57344.0, first_special=0x7C, has_infinity=True)
FORMATS: tuple[Fp8Format, ...] = (E4M3FN, E5M2)
FP8_TAGS = frozenset(candidate.tag for candidate in FORMATS)


def format_named(name: str) -> Fp8Format:
    """Find a format by torch's name, with or without ``float8_``, or by its safetensors tag.

    Raises:
        Fp8Error: If there is no such format.
    """
    for candidate in FORMATS:
        if name in (candidate.name, candidate.torch_name, candidate.tag):
            return candidate
    known = ", ".join(candidate.name for candidate in FORMATS)
    raise Fp8Error(f"fp8 format '{name}' is not known; there are {known}")
