"""Units in the last place, by counting."""

from __future__ import annotations

import math

import pytest
import torch

from lib_kohaku.checkpoint.dtypes import from_torch
from lib_kohaku.merge.verify.distance import round_reference, ulp_distance, without_noise

TYPES = [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2]


@pytest.mark.parametrize("dtype", TYPES, ids=str)
def test_distance_is_the_number_of_steps(dtype: torch.dtype) -> None:
    bits = dtype.itemsize * 8
    kind = {8: torch.uint8, 16: torch.int16}[bits]
    codes = torch.arange(0, 1 << (bits - 1), dtype=torch.int32).to(kind)
    finite = codes[codes.view(dtype).float().isfinite()].view(dtype)
    zero = torch.zeros(1, dtype=dtype)
    assert ulp_distance(finite, zero.expand(len(finite))).tolist() == list(range(len(finite)))
    negative = (finite.float() * -1).to(dtype)
    assert ulp_distance(finite, negative).tolist() == [2 * i for i in range(len(finite))]


def test_special_values() -> None:
    nan, inf = math.nan, math.inf
    left = torch.tensor([0.0, nan, nan, inf, inf, 65504.0]).half()
    right = torch.tensor([-0.0, nan, 1.0, inf, -inf, inf]).half()
    found = ulp_distance(left, right).tolist()
    assert found[0] == found[1] == found[3] == 0
    assert found[2] > 1000
    assert found[4] == 2 * 0x7C00
    assert found[5] == 1


def test_noise_is_rounded_off_and_nothing_else() -> None:
    values = torch.tensor([1.0, 1 + 2.0**-52, 1 + 2.0**-39, 0.1, -3e-8, 0.0, math.inf, -math.inf, 1e308])
    values = values.double()
    values[1] = 1 + 2.0**-52
    values[2] = 1 + 2.0**-39
    found = without_noise(values)
    assert found[0] == found[1] == 1.0
    assert found[2] == 1 + 2.0**-39
    assert ((found[3:5] - values[3:5]) / values[3:5]).abs().max() < 2.0**-39
    assert found[5:].tolist() == values[5:].tolist()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.bfloat16], ids=str)
def test_reference_rounding(dtype: torch.dtype) -> None:
    values = torch.tensor([1 + 2.0**-11 + 2.0**-40, 1e39, -1e300, 0.1], dtype=torch.float64)
    found = round_reference(values.clone(), from_torch(dtype))
    assert found.dtype == dtype
    assert found[1] == math.inf if dtype != torch.float64 else 1e39
    if dtype == torch.float16:
        assert found[0] == 1 + 2.0**-10
