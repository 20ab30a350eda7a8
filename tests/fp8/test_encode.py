"""Encoding against an exact reference: every 16-bit pattern, every tie, every width, every layout."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_kohaku.fp8.codecs import E4M3FN, E5M2, FORMATS, Scaling, encode, quantise
from lib_kohaku.fp8.codecs.encode import encode_native
from lib_kohaku.fp8.codecs.rounding import powers_of_two
from lib_kohaku.fp8.errors import Fp8Error, NotFiniteError
from tests.fp8.oracle import magnitudes, nearest_code, nearest_codes

ALL_16_BIT = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16)


def finite(dtype):
    values = ALL_16_BIT.view(dtype)
    return values[values.isfinite()]


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
@pytest.mark.parametrize("exponent", [0, -5, 3, -120, 120])
def test_every_16_bit_pattern_is_rounded_as_the_reference_does(fmt, dtype, exponent):
    values = finite(dtype)
    expected = nearest_codes(values.double().numpy() * 2.0**-exponent, fmt.name)
    assert np.array_equal(encode(values, fmt, exponent).numpy(), expected)
    # the same through the other widths, which take other routes
    assert np.array_equal(encode(values.float(), fmt, exponent).numpy(), expected)
    assert np.array_equal(encode(values.double(), fmt, exponent).numpy(), expected)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_ties_and_their_neighbours(fmt, dtype):
    table = [float(value) for value in magnitudes(fmt.name)]
    ties = torch.tensor([(a + b) / 2 for a, b in itertools.pairwise(table)], dtype=dtype)
    above = torch.nextafter(ties, torch.tensor(math.inf, dtype=dtype))
    below = torch.nextafter(ties, torch.tensor(0.0, dtype=dtype))
    values = torch.cat([ties, above, below])
    values = torch.cat([values, -values])
    assert encode(values, fmt).tolist() == [nearest_code(value, fmt.name) for value in values.tolist()]


def test_float64_is_rounded_once():
    # 1 + 1/16 is the tie between the codes of 1 and 1.125; float32 would swallow the last bit and then round to even.
    just_above = 1.0625 + 2.0**-50
    assert torch.tensor([just_above]).item() == 1.0625
    codes = encode(torch.tensor([1.0625, just_above], dtype=torch.float64), E4M3FN)
    assert [E4M3FN.value(code) for code in codes.tolist()] == [1.0, 1.125]


@settings(max_examples=200, deadline=None)
@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(FORMATS))
def test_any_double_is_rounded_as_exact_fractions_say(value, fmt):
    assert encode(torch.tensor([value], dtype=torch.float64), fmt).item() == nearest_code(value, fmt.name)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_no_special_code_out_of_a_finite_value(fmt, dtype):
    limit = torch.finfo(dtype).max
    values = torch.tensor([fmt.largest, 464.0, 465.0, 61440.0, min(limit, 1e30), limit, -limit, 0.0], dtype=dtype)
    for scaling in Scaling:
        codes = quantise(values, fmt, scaling, "w").codes
        assert bool(((codes & 0x7F) < fmt.first_special).all())


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_agrees_with_torch_where_torch_is_right(fmt):
    torch.manual_seed(0)
    values = torch.cat([torch.randn(50_000) * scale for scale in (1e-4, 1e-2, 1.0, 50.0)])
    values = values[values.abs() <= 448]
    native = values.to(getattr(torch, fmt.torch_name)).view(torch.uint8)
    assert torch.equal(encode(values, fmt), native)
    halves = values.half()
    assert torch.equal(encode(halves, fmt), halves.float().to(getattr(torch, fmt.torch_name)).view(torch.uint8))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64], ids=str)
def test_one_exponent_per_channel_equals_each_row_alone(dtype):
    torch.manual_seed(1)
    exponents = torch.tensor([-7, 0, 4, -20], dtype=torch.int32)
    values = (torch.randn(4, 3, 3, 3, dtype=torch.float64) * powers_of_two(exponents)[:, None, None, None]).to(dtype)
    rows = torch.stack([encode(row, E4M3FN, int(e)) for row, e in zip(values, exponents, strict=True)])
    assert torch.equal(encode(values, E4M3FN, exponents), rows)
    in_channels_last = encode(values.to(memory_format=torch.channels_last), E4M3FN, exponents)
    assert torch.equal(in_channels_last, rows)
    assert in_channels_last.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_the_route_of_gpus_gives_the_same_codes(fmt, dtype):
    # run here on the CPU's float8 types
    torch.manual_seed(4)
    values = (torch.randn(8, 5, 3, 3) * 30).to(dtype)
    values.view(-1)[:2] = torch.tensor([1e4, -6e4])
    assert torch.equal(encode_native(values, fmt, -2), encode(values, fmt, -2))
    exponents = torch.arange(-4, 4, dtype=torch.int32)
    assert torch.equal(encode_native(values, fmt, exponents), encode(values, fmt, exponents))


def test_layouts_give_the_same_codes():
    torch.manual_seed(2)
    values = torch.randn(6, 4, 3, 3).half()
    codes = encode(values, E5M2)
    assert torch.equal(encode(values.to(memory_format=torch.channels_last), E5M2), codes)
    gaps = torch.zeros(6, 8, 3, 3).half()
    gaps[:, ::2] = values
    assert torch.equal(encode(gaps[:, ::2], E5M2), codes)
    assert encode(values[:0], E5M2).shape == (0, 4, 3, 3)
    assert encode(torch.tensor(1.0), E4M3FN).item() == 0x38


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("scaling", list(Scaling))
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_nan_and_infinity_are_refused_by_name(bad, scaling, dtype):
    values = torch.zeros(300, 1000, dtype=dtype)
    values[299, 999] = bad
    with pytest.raises(NotFiniteError, match=r"'blocks\.1\.weight' holds NaN or infinity"):
        quantise(values, E4M3FN, scaling, "blocks.1.weight")


def test_integers_are_refused():
    with pytest.raises(Fp8Error, match="int64"):
        encode(torch.arange(3), E4M3FN)
