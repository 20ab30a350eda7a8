"""Likeness of images, against values worked out by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.fp8.quality.images import compare_images


def picture(seed: int, size: tuple[int, int] = (32, 40)) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)


def test_equal_images():
    found = compare_images(picture(1), picture(1))
    assert (found.psnr_db, found.largest, found.difference.max()) == (math.inf, 0, 0)
    assert found.ssim == pytest.approx(1)


def test_a_constant_shift():
    """Mean square 25, so 10 log10(65025 / 25) dB; flat images have only the luminance term of SSIM."""
    first, second = np.full((16, 16, 3), 100, np.uint8), np.full((16, 16, 3), 105, np.uint8)
    found = compare_images(first, second)
    assert found.psnr_db == pytest.approx(34.1514, abs=1e-4)
    assert found.ssim == pytest.approx((2 * 100 * 105 + 6.5025) / (100**2 + 105**2 + 6.5025))
    assert (found.largest, set(found.difference.flat)) == (5, {40})


def test_strong_differences_do_not_wrap_around():
    first, second = np.zeros((16, 16, 3), np.uint8), np.full((16, 16, 3), 255, np.uint8)
    assert compare_images(first, second).difference.min() == 255
    assert compare_images(second, first).psnr_db == 0


def test_ssim_is_the_mean_over_windows():
    """The definition, one window of 11 x 11 at a time."""
    first, second = picture(1, (13, 14)), picture(2, (13, 14))
    one, two = (image.astype(float) @ [0.299, 0.587, 0.114] for image in (first, second))
    distance = np.hypot(*np.mgrid[-5:6, -5:6])
    weights = np.exp(-(distance**2) / 4.5)
    weights /= weights.sum()
    values = []
    for y in range(3):
        for x in range(4):
            a, b = one[y : y + 11, x : x + 11], two[y : y + 11, x : x + 11]
            mean_a, mean_b = (weights * a).sum(), (weights * b).sum()
            var_a, var_b = (weights * (a - mean_a) ** 2).sum(), (weights * (b - mean_b) ** 2).sum()
            both = (weights * (a - mean_a) * (b - mean_b)).sum()
            top = (2 * mean_a * mean_b + 2.55**2) * (2 * both + 7.65**2)
            values.append(top / ((mean_a**2 + mean_b**2 + 2.55**2) * (var_a + var_b + 7.65**2)))
    assert compare_images(first, second).ssim == pytest.approx(np.mean(values))


@pytest.mark.parametrize("size", [(32, 41), (8, 8)])
def test_other_sizes_are_refused(size):
    with pytest.raises(Fp8Error):
        compare_images(picture(1, size), picture(1) if size != (8, 8) else picture(2, size))
