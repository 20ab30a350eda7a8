"""The linear family against sd-mecha, on the same files: equal within one rounding to float16."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
import torch

from tests.support.files import load
from tests.support.merging import merge
from tests.support.samples import Family

sd_mecha = pytest.importorskip("sd_mecha", reason="sd-mecha is not installed (it needs Python 3.11)")

Tensors = dict[str, torch.Tensor]


def run_mecha(recipe: Any) -> Tensors:
    sd_mecha.set_log_level(logging.ERROR)
    result = sd_mecha.merge(
        recipe, merge_device="cpu", output_device="cpu", merge_dtype=torch.float64, output_dtype=torch.float16,
        threads=1, tqdm=Quiet,
    )  # fmt: skip
    return dict(result)


class Quiet:
    """Takes the place of the progress bar."""

    def __init__(self, iterable: Any = None, **_: Any) -> None:
        self._iterable = iterable or ()

    def __iter__(self) -> Any:
        return iter(self._iterable)

    def __enter__(self) -> Quiet:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, *_: object) -> None:
        pass

    def close(self) -> None:
        pass

    def set_postfix(self, *_: object, **__: object) -> None:
        pass


def compare(ours: Tensors, theirs: Tensors, *, least: int) -> None:
    compared = 0
    for key, values in ours.items():
        # They merge the VAE, and cast the ids.
        if key.startswith("first_stage_model.") or "position_ids" in key or key not in theirs:
            continue
        assert theirs[key].shape == values.shape, key
        steps = (values.view(torch.int16).int() - theirs[key].view(torch.int16).int()).abs()
        near_zero = values.abs() < 1e-6  # signs differ there: count from the values
        assert ((steps <= 1) | (near_zero & (theirs[key].abs() < 2e-6))).all(), key
        compared += values.numel()
    assert compared >= least


@pytest.fixture
def theirs(small: Family) -> dict[str, Any]:
    return {role: sd_mecha.model(small.path(role)) for role in ("beta7", "anxl2", "anxl3", "base7")}


@pytest.mark.parametrize("alpha", [0.1, 0.5, 0.85])
def test_weighted_sum(small: Family, theirs: dict[str, Any], tmp_path: Path, alpha: float) -> None:
    ours = merge(f"weighted_sum(beta7, anxl3, {alpha})", small.library, tmp_path / "m.safetensors")
    compare(ours, run_mecha(sd_mecha.weighted_sum(theirs["beta7"], theirs["anxl3"], alpha=alpha)), least=1000)


def test_sum_twice(small: Family, theirs: dict[str, Any], tmp_path: Path) -> None:
    ours = merge("sum_twice(beta7, anxl2, anxl3, 0.2, 0.35)", small.library, tmp_path / "m.safetensors")
    first = sd_mecha.weighted_sum(theirs["beta7"], theirs["anxl2"], alpha=0.2)
    compare(ours, run_mecha(sd_mecha.weighted_sum(first, theirs["anxl3"], alpha=0.35)), least=1000)


def test_triple_sum(small: Family, theirs: dict[str, Any], tmp_path: Path) -> None:
    """(1 - 0.3 - 0.2)*A + 0.3*B + 0.2*C as two blends: C's share last, B's share of the rest first."""
    ours = merge("triple_sum(beta7, anxl2, anxl3, 0.3, 0.2)", small.library, tmp_path / "m.safetensors")
    first = sd_mecha.weighted_sum(theirs["beta7"], theirs["anxl2"], alpha=0.3 / 0.8)
    compare(ours, run_mecha(sd_mecha.weighted_sum(first, theirs["anxl3"], alpha=0.2)), least=1000)


@pytest.mark.parametrize(
    "formula", ["average([beta7, anxl2, anxl3])", "n_linear([beta7, anxl2, anxl3], [1/3, 1/3, 1/3])"]
)
def test_average(small: Family, theirs: dict[str, Any], tmp_path: Path, formula: str) -> None:
    ours = merge(formula, small.library, tmp_path / "m.safetensors")
    models = [theirs[role] for role in ("beta7", "anxl2", "anxl3")]
    compare(ours, run_mecha(sd_mecha.n_average(*models)), least=1000)


def test_add_difference(small: Family, tmp_path: Path) -> None:
    """Their recipe of this method fails in 1.1.8, so the function below it is called, tensor by tensor."""
    from sd_mecha.extensions.builtin.merge_methods.linear import add_difference, subtract

    ours = merge("add_difference(beta7, anxl3, anxl2, 0.8)", small.library, tmp_path / "m.safetensors")
    a, b, c = ({k: v.double() for k, v in load(small.path(role)).items()} for role in ("beta7", "anxl3", "anxl2"))
    theirs = {}
    for key in a:
        delta = {key: subtract.__wrapped__(b[key], c[key])}
        wide = add_difference.__wrapped__(a, delta, torch.tensor(0.8, dtype=torch.float64), key=key)
        theirs[key] = wide.to(torch.float16)
    compare(ours, theirs, least=1000)
