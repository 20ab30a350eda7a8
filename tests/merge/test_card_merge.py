"""The card's merges on checkpoints with all 2,515 keys, every element checked against fractions."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from devtools.key_tables import key_table
from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.cli.main import main
from tests.merge.algebra.test_card import BY_WEIGHT, MECHA, SUPERMERGER
from tests.support.algebra import fractions
from tests.support.exact import combination
from tests.support.files import load, metadata_of, same_bits
from tests.support.samples import Family

IDS = "conditioner.embedders.0.transformer.text_model.embeddings.position_ids"


def merged(sdxl: Family, folder: Path, recipe: str, *words: str) -> dict[str, torch.Tensor]:
    output = folder / f"{recipe}.safetensors"
    arguments = ["merge", "--recipe", recipe, "--models", str(sdxl.folder), "--out", str(output), "--quiet", *words]
    assert main(arguments) == 0
    assert main(["verify", str(output), "--models", str(sdxl.folder), "--all"]) == 0
    return load(output)


def check(sdxl: Family, result: dict[str, torch.Tensor], by_slot: dict[str, dict[str, Fraction]]) -> None:
    """Every tensor against its slot's coefficients; the VAE and the ids are the base's."""
    models = {role: load(sdxl.path(role)) for role in ("beta7", "anxl2", "anxl3", "base7", "base8")}
    blocks = block_map("sdxl")
    assert result.keys() == {spec.name for spec in key_table("sdxl")}
    for key, values in result.items():
        slot = blocks.slot_of(key)
        if slot == "VAE" or key == IDS:
            assert same_bits(values, models["beta7"][key]), key
            continue
        coefficients = by_slot[slot or ""]
        inputs = [models[role][key] for role in coefficients]
        exact = combination(list(coefficients.values()), inputs, torch.float16)
        assert values.dtype == torch.float16
        assert values.double().reshape(-1).tolist() == exact, key


def test_rev1(sdxl: Family, tmp_path: Path) -> None:
    coefficients = fractions(beta7="0.5", anxl3="0.8", anxl2="-0.8", base7="0.5")
    check(sdxl, merged(sdxl, tmp_path, "gamma-rev1"), dict.fromkeys(SUPERMERGER, coefficients))


def test_rev2(sdxl: Family, tmp_path: Path) -> None:
    check(sdxl, merged(sdxl, tmp_path, "gamma-rev2"), dict.fromkeys(SUPERMERGER, BY_WEIGHT["0"]))


@pytest.mark.parametrize("profile", ["supermerger", "mecha"])
def test_rev2_mbw(sdxl: Family, tmp_path: Path, profile: str) -> None:
    weights = {"supermerger": SUPERMERGER, "mecha": MECHA}[profile]
    result = merged(sdxl, tmp_path, "gamma-rev2-mbw", "--profile", profile)
    check(sdxl, result, {slot: BY_WEIGHT[weight] for slot, weight in weights.items()})
    embedded = json.loads(metadata_of(tmp_path / "gamma-rev2-mbw.safetensors")["sd_merge_recipe"])["recipe"]
    assert embedded["profile"] == profile, "always written out"


def test_vae_on_request(sdxl: Family, tmp_path: Path) -> None:
    result = merged(sdxl, tmp_path, "gamma-rev1", "--component", "vae=from:anxl3", "--component", "te2=base")
    other, base = load(sdxl.path("anxl3")), load(sdxl.path("beta7"))
    for key, values in result.items():
        if key.startswith("first_stage_model."):
            assert same_bits(values, other[key])
        elif key.startswith("conditioner.embedders.1."):
            assert same_bits(values, base[key])
