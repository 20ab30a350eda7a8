"""fp8 for the verification, by another route than the merge's: torch's own casts, and the scale checked as well."""

from __future__ import annotations

import struct
from collections.abc import Mapping

import torch

from lib_kohaku.checkpoint.source import Checkpoint
from lib_kohaku.fp8.codecs import Scale, Scaling, choose_exponents, format_named
from lib_kohaku.fp8.errors import NotFiniteError
from lib_kohaku.fp8.files.markers import scale_key
from lib_kohaku.merge.plan.types import PlannedTensor
from lib_kohaku.merge.verify.distance import round_reference, ulp_distance

# More than any difference of codes: wrong altogether.
WRONG = 1 << 30


def scaled_values(
    values: torch.Tensor, tensor: PlannedTensor, role: str, start: int, scales: Mapping[tuple[str, str], Scale]
) -> torch.Tensor:
    """Values of an input with its scale applied.

    Args:
        values: float64 values of a slice as stored, without a scale; changed.
        tensor: What they are an input of.
        role: Whose.
        start: Index of the first value.
        scales: Of all inputs.
    """
    stored = tensor.stored.get(role)
    scale = 1.0 if stored is None else scales.get((role, stored.info.name), 1.0)
    if stored is None or not isinstance(scale, torch.Tensor):
        return values * float(scale)
    width = stored.info.count // len(scale)
    return values * scale.double().repeat_interleave(width)[start : start + len(values)]


def scaled_distance(
    codes: torch.Tensor, expected: torch.Tensor, tensor: PlannedTensor, result: Checkpoint
) -> torch.Tensor:
    """How far the codes of a whole output tensor with a scale are from what they should be.

    Args:
        codes: As stored, of the tensor's float8 type, flat.
        expected: The values that they should stand for, float64, flat.
        tensor: The tensor.
        result: The file that both are in.

    Returns:
        int64, units in the last place of the codes; :data:`WRONG` everywhere if the scale is not the one that the
        values ask for.
    """
    name, dtype = tensor.spec.name, tensor.spec.dtype
    try:
        exponent = choose_exponents(expected, format_named(dtype.name), Scaling.TENSOR, name)
    except NotFiniteError:
        return torch.full(codes.shape, WRONG)
    assert isinstance(exponent, int)
    companion = scale_key(name)
    if companion not in result.tensors or bytes(result.read_bytes(companion)) != struct.pack("<f", 2.0**exponent):
        return torch.full(codes.shape, WRONG)
    return ulp_distance(codes, round_reference(expected * 2.0**-exponent, dtype))
