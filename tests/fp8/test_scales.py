"""Scales: the smallest power of two that fits, per tensor and per channel, and the quality that it buys."""

from __future__ import annotations

import math

import pytest
import torch

from lib_kohaku.fp8.codecs import E4M3FN, E5M2, FORMATS, Scaling, choose_exponents, quantise, refuse_special_codes
from lib_kohaku.fp8.codecs.rounding import powers_of_two
from lib_kohaku.fp8.errors import NotFiniteError


@pytest.mark.parametrize(
    ("peak", "exponent"),
    [(448.0, 0), (448.0001, 1), (224.0, -1), (224.5, 0), (1.0, -8), (0.875, -9), (7.0e-4, -19), (0.0, 0), (1e5, 8)],
)
def test_smallest_power_of_two_that_fits(peak, exponent):
    # 448 = 1.75 * 2**8: a peak of 1 needs 2**-8 (1 / 2**-8 = 256), and 2**-9 would give 512
    values = torch.tensor([[0.0, -peak], [peak / 3, 0.0]], dtype=torch.float64)
    assert choose_exponents(values, E4M3FN, Scaling.TENSOR, "w") == exponent


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_scaled_peak_fills_the_upper_half_of_the_range(fmt):
    torch.manual_seed(0)
    for spread in (1e-6, 1e-3, 0.02, 1.0, 700.0):
        values = torch.randn(33, 65) * spread
        exponent = choose_exponents(values, fmt, Scaling.TENSOR, "w")
        assert isinstance(exponent, int)
        assert fmt.largest / 2 < float(values.abs().max()) * 2.0**-exponent <= fmt.largest


def test_per_channel_equals_per_tensor_of_each_channel():
    torch.manual_seed(0)
    values = torch.randn(5, 7, 3, 3) * torch.tensor([1e-5, 1.0, 0.0, 30.0, 0.02])[:, None, None, None]
    exponents = choose_exponents(values, E4M3FN, Scaling.CHANNEL, "w")
    assert isinstance(exponents, torch.Tensor)
    alone = [choose_exponents(row, E4M3FN, Scaling.TENSOR, "w") for row in values]
    assert exponents.tolist() == alone
    assert exponents[2] == 0
    quantised = quantise(values, E4M3FN, Scaling.CHANNEL, "w")
    assert isinstance(quantised.scale, torch.Tensor)
    assert quantised.scale.tolist() == [2.0**e for e in alone]
    assert quantised.nbytes == 5 * 7 * 9 + 5 * 4


def test_vectors_have_one_scale():
    assert isinstance(quantise(torch.ones(5), E4M3FN, Scaling.CHANNEL, "w").scale, float)


def test_extreme_magnitudes_stay_normal_scales():
    for peak in (1e-44, 3e38):
        quantised = quantise(torch.tensor([peak, -peak / 2]), E4M3FN, Scaling.TENSOR, "w")
        assert isinstance(quantised.scale, float) and 2.0**-126 < quantised.scale < 2.0**126
    assert quantise(torch.zeros(3, 0), E4M3FN, Scaling.CHANNEL, "w").codes.shape == (3, 0)


def test_powers_of_two_are_exact():
    exponents = torch.arange(-128, 129)
    assert powers_of_two(exponents).tolist() == [math.ldexp(1.0, k) for k in range(-128, 129)]


def test_values_on_the_grid_come_back_bit_for_bit():
    # quantising what was decoded changes nothing, whatever binade the new peak falls into
    torch.manual_seed(3)
    for spread in (1e-3, 0.05, 1.0):
        once = quantise((torch.randn(64, 64) * spread).half(), E4M3FN, Scaling.TENSOR, "w").decode(torch.float32)
        twice = quantise(once, E4M3FN, Scaling.TENSOR, "w").decode(torch.float32)
        assert torch.equal(once, twice)


@pytest.mark.parametrize(("fmt", "code"), [(E4M3FN, 0x7F), (E4M3FN, 0xFF), (E5M2, 0x7C), (E5M2, 0xFE)])
def test_special_codes_are_refused_with_their_count(fmt, code):
    codes = torch.tensor([[0, 1, code], [code, 0x7B, 0x80]], dtype=torch.uint8)
    with pytest.raises(NotFiniteError, match=r"'a\.weight' holds 2 codes"):
        refuse_special_codes(codes, fmt, "a.weight")
    refuse_special_codes(codes & 0x3F, fmt, "a.weight")
