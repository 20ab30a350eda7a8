"""Checkpoints with the true keys of real models, small enough to merge in a second."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from devtools.key_tables import key_table, shrink
from devtools.sample_checkpoints import SampleWeights, write_sample
from lib_kohaku.checkpoint.library import ModelLibrary

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


def make_sdxl_family(folder: Path) -> Family:
    specs = shrink(key_table("sdxl"), WIDTH)
    for seed, name in enumerate(("beta7", "anxl2", "anxl3", "base7", "base8"), start=1):
        weights = SampleWeights(seed) if seed == 1 else SampleWeights(seed, parent_seed=1, noise=0.05)
        write_sample(folder / f"{name}.safetensors", specs, weights)
    return Family(folder)


def make_sd1_family(folder: Path) -> Family:
    specs = shrink(key_table("sd1"), WIDTH)
    for seed, name in enumerate(("one", "two"), start=11):
        write_sample(folder / f"{name}.safetensors", specs, SampleWeights(seed))
    return Family(folder)
