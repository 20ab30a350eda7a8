"""How alike two images are."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from lib_kohaku.fp8.errors import Fp8Error

Picture = npt.NDArray[np.uint8]
_Plane = npt.NDArray[np.float64]

_PEAK = 255.0
_WINDOW, _SIGMA = 11, 1.5
_C1, _C2 = (0.01 * _PEAK) ** 2, (0.03 * _PEAK) ** 2
# Differences of a few steps are what there is to see.
AMPLIFIED = 8


@dataclass(frozen=True)
class Likeness:
    """Two images compared.

    Attributes:
        psnr_db: 10 log10(255^2 / mean squared difference); infinite for equal images.
        ssim: Mean structural similarity of the luma, 1 for equal images.
        largest: Largest difference of a channel of a pixel, 0 to 255.
        difference: The differences, eight times as strong, (height, width, 3).
    """

    psnr_db: float
    ssim: float
    largest: int
    difference: Picture


def compare_images(first: Picture, second: Picture) -> Likeness:
    """Compare two images of shape (height, width, 3).

    Raises:
        Fp8Error: If their sizes differ or are smaller than the window of 11 x 11.
    """
    if first.shape != second.shape or first.ndim != 3 or min(first.shape[:2]) < _WINDOW:
        raise Fp8Error(f"images of {first.shape} and {second.shape} cannot be compared")
    difference = np.abs(first.astype(np.int16) - second.astype(np.int16))
    mean_square = float(np.mean(np.square(difference, dtype=np.float64)))
    psnr = 10 * math.log10(_PEAK**2 / mean_square) if mean_square else math.inf
    shown = np.minimum(difference * AMPLIFIED, 255).astype(np.uint8)
    return Likeness(psnr, _ssim(_luma(first), _luma(second)), int(difference.max()), shown)


def _luma(picture: Picture) -> _Plane:
    """ITU-R BT.601."""
    plane: _Plane = picture[..., :3].astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return plane


def _ssim(first: _Plane, second: _Plane) -> float:
    """Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity" (2004), equation 13."""
    mean_1, mean_2 = _blur(first), _blur(second)
    variance_1 = _blur(first * first) - mean_1 * mean_1
    variance_2 = _blur(second * second) - mean_2 * mean_2
    covariance = _blur(first * second) - mean_1 * mean_2
    likeness = (2 * mean_1 * mean_2 + _C1) * (2 * covariance + _C2)
    scale = (mean_1 * mean_1 + mean_2 * mean_2 + _C1) * (variance_1 + variance_2 + _C2)
    return float(np.mean(likeness / scale))


def _blur(plane: _Plane) -> _Plane:
    """Gaussian means of all windows that lie inside, (height - 10, width - 10)."""
    positions = np.arange(_WINDOW) - _WINDOW // 2
    weights = np.exp(-np.square(positions) / (2 * _SIGMA**2))
    weights /= weights.sum()
    height, width = plane.shape
    rows = sum(weight * plane[i : height - _WINDOW + 1 + i] for i, weight in enumerate(weights))
    assert isinstance(rows, np.ndarray)
    blurred = sum(weight * rows[:, i : width - _WINDOW + 1 + i] for i, weight in enumerate(weights))
    assert isinstance(blurred, np.ndarray)
    return blurred
