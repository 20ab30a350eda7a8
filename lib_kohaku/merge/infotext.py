"""A recipe as one value of an image's infotext."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace

from lib_kohaku.checkpoint.hashes import auto_v2
from lib_kohaku.merge.recipe import ModelReference, Recipe, recipe_from_json, recipe_to_json

INFOTEXT_KEY = "Kohaku merge"


def recipe_to_infotext(recipe: Recipe) -> str:
    """Compact JSON on one line; hashes are cut to AutoV2, as infotexts do, and the description is left out.

    The webui quotes values that hold commas or colons and reads them back with a regular expression; JSON always holds
    them, and quoting JSON as JSON survives that.
    """
    models = {
        role: ModelReference(reference.file, auto_v2(reference.sha256).lower())
        for role, reference in recipe.models.items()
    }
    text = recipe_to_json(replace(recipe, models=models, description=""))
    return json.dumps(json.loads(text), ensure_ascii=False, separators=(",", ":"))


def recipe_from_infotext(text: str, known: Mapping[str, ModelReference] | None = None) -> Recipe:
    """The recipe that an infotext holds.

    Args:
        text: What :func:`recipe_to_infotext` wrote.
        known: The files whose hash is known here, by AutoV2 in lower case: a renamed file is found by it. A model that
            is not among them stays bound to its file name.

    Raises:
        RecipeError: If the text is not a recipe.
    """
    recipe = recipe_from_json(text)
    models = {
        role: (known or {}).get(reference.sha256.lower()) or ModelReference(reference.file)
        for role, reference in recipe.models.items()
    }
    return replace(recipe, models=models)
