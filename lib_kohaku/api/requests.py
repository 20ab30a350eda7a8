"""Requests to recipes."""

from __future__ import annotations

import json
from dataclasses import replace

from lib_kohaku.api.messages import MergeRequest
from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.checkpoint.blocks import DEFAULT_PROFILE
from lib_kohaku.errors import RecipeError
from lib_kohaku.merge.recipe import Recipe, recipe_from_json


def requested_recipe(workbench: MergeWorkbench, request: MergeRequest) -> Recipe:
    """The recipe that a request means.

    Raises:
        RecipeError: If it names none or several, or says something wrong.
    """
    given = [value for value in (request.formula, request.recipe, request.recipe_document) if value is not None]
    if len(given) != 1:
        raise RecipeError("Give one of formula, recipe (its name) and recipe_document.")
    if request.formula is not None:
        recipe = Recipe(request.formula, profile=str(workbench.host.setting("block_profile", DEFAULT_PROFILE)))
    elif request.recipe is not None:
        recipe = workbench.recipes.get(request.recipe)
    else:
        recipe = recipe_from_json(json.dumps(request.recipe_document))
    return replace(
        recipe,
        parameters={**recipe.parameters, **request.parameters},
        profile=request.profile or recipe.profile,
        components={**recipe.components, **request.components},
        dtypes={**recipe.dtypes, **request.dtypes},
        fp8_profile=request.fp8_profile or recipe.fp8_profile,
    )
