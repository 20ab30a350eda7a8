"""SQNR against hand-worked numbers, an independent float64 reference, and what fp8 promises."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
import torch

from lib_kohaku.fp8.codecs import E4M3FN, E5M2, FORMATS, Quantised, Scaling, quantise
from lib_kohaku.fp8.errors import NotFiniteError
from lib_kohaku.fp8.quality import measure, quantise_and_measure, summarise
from tests.fp8.oracle import magnitudes, nearest_codes


def reference_db(weights, scale, name):
    """SQNR and the worst row's SQNR in float64 numpy, with the search-based encoder."""
    values = np.array([float(v) for v in magnitudes(name)] + [np.nan] * 128)
    exact = weights.double().numpy()
    codes = nearest_codes(exact / scale, name)
    decoded = np.where(codes & 0x80, -1.0, 1.0) * values[codes & 0x7F] * scale
    error = exact - decoded
    rows = 10 * np.log10((exact**2).sum(1) / (error**2).sum(1))
    return 10 * np.log10((exact**2).sum() / (error**2).sum()), rows.min(), int(rows.argmin()), np.abs(error).max()


def test_hand_worked():
    # e4m3fn near 1 has steps of 1/8, near 16 of 2; nothing between 0 and 2**-9
    weights = torch.tensor([[1.0, 1.03125], [17.0, 0.0], [2.0**-11, 0.0]])
    quantised = quantise(weights, E4M3FN, Scaling.NONE, "w")
    assert quantised.decode(torch.float32).tolist() == [[1.0, 1.0], [16.0, 0.0], [0.0, 0.0]]
    quality = measure(weights, quantised, "w")
    signal = 1.0 + 1.03125**2 + 17.0**2 + 2.0**-22
    noise = 0.03125**2 + 1.0 + 2.0**-22
    assert quality.sqnr_db == pytest.approx(10 * math.log10(signal / noise), abs=1e-5)
    assert quality.worst_channel == 2
    assert quality.worst_channel_db == pytest.approx(0.0, abs=1e-6)
    assert quality.max_error == 1.0
    assert quality.flushed == 0.25  # one of the four weights that were not zero
    assert quality.count == 6


@pytest.mark.parametrize("spread", [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.3, 1.0])
@pytest.mark.parametrize("dtype", [torch.float16, torch.float32], ids=str)
def test_scaled_e4m3fn_keeps_31_db_at_every_spread(spread, dtype):
    torch.manual_seed(0)
    weights = (torch.randn(320, 640) * spread).to(dtype)
    for scaling in (Scaling.TENSOR, Scaling.CHANNEL):
        quality = measure(weights, quantise(weights, E4M3FN, scaling, "w"), "w")
        assert quality.sqnr_db >= 31.0
        assert quality.flushed < 1e-3
        assert quality.scaling == scaling.value
    assert measure(weights, quantise(weights, E5M2, Scaling.TENSOR, "w"), "w").sqnr_db == pytest.approx(25.5, abs=0.2)


def test_plain_e4m3fn_loses_small_weights_as_published():
    # fp8.md 4.1 / 4.2, first columns
    torch.manual_seed(0)
    for spread, decibels, flushed in ((0.001, 5.0, 0.67), (0.005, 19.0, 0.156), (0.02, 29.6, 0.039)):
        weights = torch.randn(640, 640) * spread
        quality = measure(weights, quantise(weights, E4M3FN, Scaling.NONE, "w"), "w")
        assert quality.sqnr_db == pytest.approx(decibels, abs=0.15)
        assert quality.flushed == pytest.approx(flushed, abs=0.01)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("sigma", [0.6, 1.0, 2.0])
def test_lognormal_channels_agree_with_the_reference(fmt, sigma):
    torch.manual_seed(int(sigma * 10))
    weights = torch.randn(256, 200) * 0.02 * torch.exp(sigma * torch.randn(256, 1))
    for scaling in (Scaling.NONE, Scaling.TENSOR):
        quantised = quantise(weights, fmt, scaling, "w")
        before = weights.clone()
        quality = measure(weights, quantised, "w")
        assert torch.equal(weights, before)
        total, worst, index, largest = reference_db(weights, quantised.scale, fmt.name)
        assert quality.sqnr_db == pytest.approx(total, abs=1e-3)
        assert quality.worst_channel_db == pytest.approx(worst, abs=1e-3)
        assert quality.worst_channel == index
        assert quality.max_error == pytest.approx(largest, rel=1e-5)


def test_the_worst_channel_tells_what_the_mean_hides():
    torch.manual_seed(0)
    weights = torch.randn(1280, 640) * 0.02 * torch.exp(2.0 * torch.randn(1280, 1))
    plain = measure(weights, quantise(weights, E4M3FN, Scaling.NONE, "w"), "w")
    tensor = measure(weights, quantise(weights, E4M3FN, Scaling.TENSOR, "w"), "w")
    channel = measure(weights, quantise(weights, E4M3FN, Scaling.CHANNEL, "w"), "w")
    assert plain.sqnr_db > 30 and plain.worst_channel_db < 1
    assert tensor.sqnr_db > 30 and tensor.worst_channel_db < 15
    assert channel.worst_channel_db > 30


def test_tiny_and_huge_weights_do_not_underflow_the_sums():
    torch.manual_seed(0)
    base = torch.randn(8, 64)
    for spread in (2.0**-100, 2.0**100):
        expected = measure(base, quantise(base, E4M3FN, Scaling.TENSOR, "w"), "w")
        found = measure(base * spread, quantise(base * spread, E4M3FN, Scaling.TENSOR, "w"), "w")
        assert found.sqnr_db == pytest.approx(expected.sqnr_db, abs=1e-6)
        assert found.max_error == expected.max_error * spread


def test_zeros_and_exact_weights_cost_nothing():
    for weights in (torch.zeros(3, 4), torch.eye(4), torch.empty(0, 4), torch.empty(4, 0)):
        quality = measure(weights, quantise(weights, E4M3FN, Scaling.TENSOR, "w"), "w")
        assert quality.sqnr_db == quality.worst_channel_db == math.inf
        assert quality.flushed == quality.max_error == 0.0
        assert json.loads(json.dumps(quality.to_json()))["sqnr_db"] is None


def test_convolutions_count_per_output_channel():
    weights = torch.ones(3, 2, 3, 3)
    weights[1] *= 2.0**-12
    quality = measure(weights, quantise(weights, E4M3FN, Scaling.NONE, "w"), "w")
    assert quality.worst_channel == 1 and quality.worst_channel_db == pytest.approx(0.0, abs=1e-9)


def test_summary():
    codes = torch.zeros(2, 2, dtype=torch.uint8)
    gone = measure(torch.full((2, 2), 1e-5), Quantised(codes, E4M3FN, 1.0), "gone")
    exact = measure(torch.eye(6), quantise(torch.eye(6), E4M3FN, Scaling.TENSOR, "exact"), "exact")
    summary = summarise([exact, gone])
    assert (summary.weights, summary.worst) == (2, "gone")
    assert summary.lowest_channel_db == pytest.approx(0.0, abs=1e-6)
    assert summary.flushed == 0.1  # 4 of 40
    assert summarise([]).to_json()["lowest_db"] is None


# -- converting and measuring at once ------------------------------------------------------------------------------


def assert_as_one_after_the_other(weights, fmt, scaling, *, out=None):
    expected_codes = quantise(weights, fmt, scaling, "w")
    expected = measure(weights, expected_codes, "w")
    codes, found = quantise_and_measure(weights, fmt, scaling, "w", out)
    assert torch.equal(codes.codes, expected_codes.codes)
    assert codes.scale == expected_codes.scale
    for figure in ("sqnr_db", "worst_channel_db"):
        assert getattr(found, figure) == pytest.approx(getattr(expected, figure), abs=1e-3), figure
    assert found.max_error == pytest.approx(expected.max_error, rel=1e-6)
    assert (found.flushed, found.count, found.scaling) == (expected.flushed, expected.count, expected.scaling)
    return found, expected


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("scaling", [Scaling.NONE, Scaling.TENSOR])
@pytest.mark.parametrize("shape", [(300, 1000), (7, 5, 3, 3), (2, 300_000), (11,)], ids=str)
def test_at_once_is_one_after_the_other(dtype, fmt, scaling, shape):
    torch.manual_seed(1)
    weights = (torch.randn(shape) * 0.02 * torch.exp(torch.randn(shape[0], *[1] * (len(shape) - 1)))).to(dtype)
    assert_as_one_after_the_other(weights, fmt, scaling)
    out = torch.full(shape, 77, dtype=torch.uint8)
    codes, _ = quantise_and_measure(weights, fmt, scaling, "w", out)
    assert codes.codes.data_ptr() == out.data_ptr()


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("sigma", [0.6, 2.0])
def test_at_once_agrees_with_the_reference(fmt, sigma):
    torch.manual_seed(3)
    weights = (torch.randn(256, 200) * 0.02 * torch.exp(sigma * torch.randn(256, 1))).half()
    for scaling in (Scaling.NONE, Scaling.TENSOR):
        codes, found = quantise_and_measure(weights, fmt, scaling, "w")
        total, worst, index, largest = reference_db(weights, codes.scale, fmt.name)
        assert found.sqnr_db == pytest.approx(total, abs=1e-3)
        assert found.worst_channel_db == pytest.approx(worst, abs=1e-3)
        exact = weights.double()
        rows = 10 * torch.log10(exact.square().sum(1) / (exact - codes.decode(torch.float32)).square().sum(1))
        assert rows[found.worst_channel] == pytest.approx(float(rows[index]), abs=1e-3)  # several may be gone
        assert found.worst_channel_db >= 0
        assert found.max_error == pytest.approx(largest, rel=1e-9)


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
def test_at_once_on_every_number_of_half_precision(fmt):
    every = torch.arange(-32768, 32768, dtype=torch.int32).to(torch.int16).view(torch.float16)
    finite = every[every.isfinite()]
    for scaling in (Scaling.NONE, Scaling.TENSOR):
        assert_as_one_after_the_other(finite.reshape(-1, 2), fmt, scaling)


@pytest.mark.parametrize("exponent", [-14, -3, 0, 5])
def test_at_once_on_weights_that_lose_nothing(exponent):
    exact = (torch.tensor([[1.0, -1.75, 0.0], [240.0, 0.5, -0.0]]) * 2.0**exponent).half()
    _, quality = quantise_and_measure(exact, E4M3FN, Scaling.TENSOR, "w")
    assert quality.sqnr_db == quality.worst_channel_db == math.inf
    assert quality.flushed == quality.max_error == 0.0


def test_at_once_on_tensors_without_weights_and_other_layouts():
    for weights in (torch.empty(0, 4).half(), torch.zeros(3, 4).half(), torch.tensor(0.3).half()):
        assert_as_one_after_the_other(weights, E4M3FN, Scaling.TENSOR)
    torch.manual_seed(5)
    convolution = torch.randn(6, 4, 3, 3).half().to(memory_format=torch.channels_last)
    assert_as_one_after_the_other(convolution, E4M3FN, Scaling.TENSOR)
    assert_as_one_after_the_other(torch.randn(6, 4).half().T, E4M3FN, Scaling.TENSOR)


def test_at_once_refuses_what_is_no_number():
    with pytest.raises(NotFiniteError, match="'w' holds NaN"):
        quantise_and_measure(torch.tensor([[1.0, math.nan]]).half(), E4M3FN, Scaling.TENSOR, "w")


def test_at_once_with_a_scale_per_channel():
    torch.manual_seed(6)
    weights = (torch.randn(64, 50) * torch.exp(4 * torch.randn(64, 1)) * 0.01).half()
    codes, found = quantise_and_measure(weights, E4M3FN, Scaling.CHANNEL, "w")
    assert found == measure(weights, codes, "w")
    assert found.scaling == "channel"
