"""Recipes from strangers: what they name is looked up, never opened."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lib_kohaku.errors import PlanError
from lib_kohaku.merge.plan.build import make_plan
from lib_kohaku.merge.recipe import ModelReference, Recipe
from tests.support.files import save
from tests.support.merging import write_models

ONE = {"w": torch.ones(4)}


def test_names_in_a_recipe_are_never_paths(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    library = write_models(tmp_path / "models", {"a": ONE})
    elsewhere = save(tmp_path / "sub.safetensors", ONE)
    for reference in (ModelReference(str(elsewhere)), ModelReference("", "", (str(elsewhere), "../sub"))):
        recipe = Recipe("x", models={"x": reference})
        for models in (library, None):
            with pytest.raises(PlanError, match="There is no checkpoint 'x'"):
                make_plan(recipe, models)
        assert make_plan(recipe, library, {"x": str(elsewhere)}).models[0].path == elsewhere
    named = Recipe("x", models={"x": ModelReference("gone", "", ("b", "A"))})
    assert make_plan(named, library).models[0].path.name == "a.safetensors"


def test_names_in_the_formula_of_a_shared_recipe_are_no_paths_either(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    library = write_models(tmp_path / "models", {"a": ONE})
    elsewhere = save(tmp_path / "sub.safetensors", ONE)
    recipe = Recipe(f'0.5*a + 0.5*"{elsewhere.as_posix()}"')
    assert {model.path for model in make_plan(recipe, library).models} == {library.files["a.safetensors"], elsewhere}
    with pytest.raises(PlanError, match="There is no checkpoint"):
        make_plan(recipe, library, shared=True)
