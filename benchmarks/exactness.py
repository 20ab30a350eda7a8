"""How many values of a gamma rev1 merge are not the correctly rounded result, by numpy and nothing of ours."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from safetensors import safe_open

EVERY = 23


def exactness(folder: Path, merged: Path) -> str:
    """A sentence: every 23rd tensor against float64, differences first, rounded once."""
    roles = ("beta7", "anxl2", "anxl3", "base7")
    files = {role: safe_open(folder / f"{role}.safetensors", "np") for role in roles}
    result = safe_open(merged, "np")
    total = wrong = worst = 0
    for key in sorted(result.keys())[::EVERY]:
        got = result.get_tensor(key)
        if got.dtype != np.float16 or key.startswith("first_stage_model."):
            continue
        beta7, anxl2, anxl3, base7 = (files[role].get_tensor(key).astype(np.float64) for role in roles)
        expected = (beta7 + 0.8 * (anxl3 - anxl2) + 0.5 * (base7 - beta7)).astype(np.float16)
        differs = got != expected
        total += got.size
        wrong += int(differs.sum())
        if differs.any():
            units = np.abs(got.view(np.int16).astype(np.int32) - expected.view(np.int16))
            worst = max(worst, int(units[differs].max()))
    return (
        f"{total:,} values compared with float64: {wrong:,} differ ({100 * wrong / total:.4f} %), at most {worst} ulp"
    )
