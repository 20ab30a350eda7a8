"""Checkpoints with the true keys of real models, small enough to merge in a second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devtools.key_tables import key_table, shrink
from devtools.sample_checkpoints import SampleWeights, write_sample
from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.checkpoint.writer import TensorSpec

WIDTH = 4


@dataclass(frozen=True)
class Family:
    """Checkpoints in one folder. Tests must not write into it."""

    folder: Path

    def path(self, name: str) -> Path:
        return self.folder / f"{name}.safetensors"

    @property
    def library(self) -> ModelLibrary:
        return ModelLibrary([self.folder])


PER_SLOT = 4
# What tells the architecture, what is never merged, and matrices of the blocks that tests look at.
ALWAYS = (
    "model.diffusion_model.label_emb.0.0.weight",
    "model.diffusion_model.input_blocks.7.1.transformer_blocks.0.attn2.to_k.weight",
    "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight",
    "conditioner.embedders.0.transformer.text_model.embeddings.position_ids",
    "first_stage_model.decoder.conv_in.weight",
)


def make_sdxl_family(folder: Path) -> Family:
    return _make_sdxl(folder, shrink(key_table("sdxl"), WIDTH))


def make_small_family(folder: Path) -> Family:
    """As above with a few keys of every slot."""
    blocks = block_map("sdxl")
    taken: dict[str | None, int] = {}
    specs = []
    for spec in shrink(key_table("sdxl"), WIDTH):
        slot = blocks.slot_of(spec.name)
        if spec.name in ALWAYS or taken.get(slot, 0) < PER_SLOT:
            taken[slot] = taken.get(slot, 0) + 1
            specs.append(spec)
    return _make_sdxl(folder, specs)


def _make_sdxl(folder: Path, specs: list[TensorSpec]) -> Family:
    for seed, name in enumerate(("beta7", "anxl2", "anxl3", "base7", "base8"), start=1):
        weights = SampleWeights(seed) if seed == 1 else SampleWeights(seed, parent_seed=1, noise=0.05)
        write_sample(folder / f"{name}.safetensors", specs, weights)
    return Family(folder)


def make_sd1_family(folder: Path) -> Family:
    specs = shrink(key_table("sd1"), WIDTH)
    for seed, name in enumerate(("one", "two"), start=11):
        write_sample(folder / f"{name}.safetensors", specs, SampleWeights(seed))
    return Family(folder)
