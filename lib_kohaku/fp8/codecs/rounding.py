"""Exact rounding to fp8 without torch's float8 types: the reference that the tables are made from."""

from __future__ import annotations

import torch

from lib_kohaku.fp8.codecs.formats import Fp8Format

_POWER_RANGE = 128


def powers_of_two(exponents: torch.Tensor) -> torch.Tensor:
    """2**exponents, exactly.

    Looked up, because torch.ldexp and torch.exp2 go through a vectorised power that does not promise exact results.

    Args:
        exponents: Integers from -128 to 128, on the CPU.

    Returns:
        float64, same shape.
    """
    powers = [2.0**k for k in range(-_POWER_RANGE, _POWER_RANGE + 1)]
    table = torch.tensor(powers, dtype=torch.float64, device="cpu")
    return table[(exponents + _POWER_RANGE).long()]


def exact_codes(values: torch.Tensor, fmt: Fp8Format) -> torch.Tensor:
    """Round to nearest, ties to even, saturating at the largest finite magnitude.

    Args:
        values: float64 on the CPU, any shape. NaN becomes the code 0x7F; callers refuse it before.
        fmt: The format to round to.

    Returns:
        uint8 codes, same shape. A negative value that rounds to zero keeps its sign, as in IEEE 754.
    """
    magnitude = values.abs().nan_to_num(nan=0.0).clamp(max=fmt.largest)
    _, exponent = torch.frexp(magnitude)
    # frexp's mantissa is in [0.5, 1), so the leading bit is worth 2**(exponent - 1), except for zero, which has none.
    # Below the normal range the step no longer shrinks.
    lowest = 1 - fmt.bias
    leading = torch.where(magnitude > 0, exponent - 1, lowest).clamp(min=lowest)
    steps = torch.round(magnitude * powers_of_two(fmt.mantissa_bits - leading))
    # With the implicit bit inside `steps`, a carry into the next binade and the subnormals need no case of their own.
    codes = (leading - lowest) * (1 << fmt.mantissa_bits) + steps.to(torch.int32)
    codes = torch.where(values.isnan(), torch.full_like(codes, 0x7F), codes)
    return (codes | (torch.signbit(values).to(torch.int32) << 7)).to(torch.uint8)
