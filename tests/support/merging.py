"""Merging in a few lines."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.merge.execute.run import MergeReport
from lib_kohaku.merge.plan.build import make_plan
from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.to_file import merge_to_file
from tests.support.files import load, save

Tensors = Mapping[str, torch.Tensor]


def write_models(folder: Path, models: Mapping[str, Tensors]) -> ModelLibrary:
    """Each role's tensors as a checkpoint of that name."""
    for role, tensors in models.items():
        save(folder / f"{role}.safetensors", tensors)
    return ModelLibrary([folder])


def plan(formula: str, library: ModelLibrary, **recipe: Any) -> MergePlan:
    """A plan for a formula, with further settings of the recipe."""
    return make_plan(Recipe(formula, **recipe), library)


def merge(formula: str, library: ModelLibrary, output: Path, **recipe: Any) -> dict[str, torch.Tensor]:
    """Merge into ``output`` and read that back with the official library."""
    merge_to_file(plan(formula, library, **recipe), output)
    return load(output)


def merge_report(formula: str, library: ModelLibrary, output: Path, **recipe: Any) -> MergeReport:
    """Merge into ``output``."""
    return merge_to_file(plan(formula, library, **recipe), output)


def merge_tensors(formula: str, models: Mapping[str, Tensors], folder: Path, **recipe: Any) -> dict[str, torch.Tensor]:
    """Write the models into a new folder inside ``folder``, merge, read back."""
    folder = Path(tempfile.mkdtemp(dir=folder))
    return merge(formula, write_models(folder, models), folder / "merged.safetensors", **recipe)
