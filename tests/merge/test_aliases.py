"""SD1 text encoders under their old and new names."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lib_kohaku.checkpoint.library import ModelLibrary
from tests.support.files import load, save
from tests.support.merging import merge, plan

UNET = {
    "model.diffusion_model.input_blocks.11.0.in_layers.0.weight": torch.ones(2),
    "model.diffusion_model.input_blocks.1.1.proj_in.weight": torch.ones(2, 2, 1, 1),
}
NEW = "cond_stage_model.transformer.text_model.encoder.layers.0.layer_norm1.weight"
OLD = "cond_stage_model.transformer.encoder.layers.0.layer_norm1.weight"


@pytest.mark.parametrize(("base", "other"), [(NEW, OLD), (OLD, NEW), (OLD, OLD)])
def test_old_and_new_names_meet(tmp_path: Path, base: str, other: str) -> None:
    save(tmp_path / "a.safetensors", {**UNET, base: torch.tensor([1.0])})
    save(tmp_path / "b.safetensors", {**UNET, other: torch.tensor([3.0])})
    library = ModelLibrary([tmp_path])
    made = plan("0.5*a + 0.5*b", library)
    assert made.architecture.id == "sd1"
    assert made.warnings == ()
    result = merge("0.5*a + 0.5*b", library, tmp_path / "m.safetensors")
    assert result[base].tolist() == [2.0]
    assert load(tmp_path / "m.safetensors").keys() == {*UNET, base}
