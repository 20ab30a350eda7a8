"""What the word for a recipe means on the command line."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from lib_kohaku.cli.user_data import recipe_store
from lib_kohaku.errors import RecipeError

if TYPE_CHECKING:
    from lib_kohaku.merge.recipe import Recipe


def find_recipe(name: str) -> Recipe:
    """A recipe by its name, out of a recipe file, or out of the merged checkpoint that was made by it.

    Raises:
        RecipeError: If there is none.
        CheckpointError: If the checkpoint is damaged.
    """
    from lib_kohaku.checkpoint.names import is_file
    from lib_kohaku.checkpoint.source import SUFFIXES, load_header
    from lib_kohaku.merge.embed import read_embedded_merge
    from lib_kohaku.merge.recipe import read_recipe_file

    path = Path(name)
    if not is_file(path):
        return recipe_store().get(name)
    if path.suffix.lower() not in SUFFIXES:
        return read_recipe_file(path)
    merge = read_embedded_merge(load_header(path).metadata)
    if merge is None or merge.recipe is None:
        made_by = f" It was merged by {merge.tool}." if merge else ""
        raise RecipeError(f"{path.name} holds no recipe that can be run again.{made_by}")
    return merge.recipe
