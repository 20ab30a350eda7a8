"""Named recipes: those that ship with the extension, and the user's own, one JSON file each."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.checkpoint.names import resolve_inside
from lib_kohaku.errors import FailedError, RecipeError, RefusedError
from lib_kohaku.merge.recipe import Recipe, read_recipe_file, recipe_from_json, recipe_to_json

SUFFIX = ".json"


@dataclass(frozen=True)
class StoredRecipe:
    """A recipe in the store.

    Attributes:
        name: Its name in the store.
        recipe: The recipe.
        shipped: Whether it came with the extension (it cannot be changed).
    """

    name: str
    recipe: Recipe
    shipped: bool


class RecipeStore:
    """The shipped recipes and those of one folder; the user's hide shipped ones of the same name."""

    def __init__(self, folder: Path | None) -> None:
        """Use ``folder`` for the user's recipes (made when first needed); None for the shipped ones alone."""
        self._folder = folder

    def list(self) -> tuple[list[StoredRecipe], list[str]]:
        """All recipes, shipped ones first, and one sentence for every file that is not a recipe."""
        found = {stored.name: stored for stored in _shipped()}
        problems = []
        for path in sorted(self._folder.glob(f"*{SUFFIX}")) if self._folder is not None else []:
            try:
                found[path.stem] = StoredRecipe(path.stem, read_recipe_file(path), shipped=False)
            except RecipeError as error:
                problems.append(f"{path.name}: {error}")
        return list(found.values()), problems

    def get(self, name: str) -> Recipe:
        """The recipe of that name.

        Raises:
            RecipeError: If there is none.
        """
        recipes = {stored.name: stored.recipe for stored in self.list()[0]}
        if name not in recipes:
            close = difflib.get_close_matches(name, recipes, n=1)
            hint = f" Did you mean {close[0]}?" if close else f" There are {', '.join(recipes)}."
            raise RecipeError(f"There is no recipe {name!r}.{hint}")
        return recipes[name]

    def save(self, name: str, recipe: Recipe, *, overwrite: bool = False) -> Path:
        """Save a recipe under a name, which also becomes the recipe's own.

        Raises:
            UnsafeNameError: If the name is not a plain one.
            OutputExistsError: If it exists and ``overwrite`` is not set.
            FailedError: If it cannot be written.
        """
        path = self._path(name)
        named = replace(recipe, name=path.stem, title="")
        write_file_atomically(path, recipe_to_json(named).encode(), overwrite=overwrite)
        return path

    def rename(self, old: str, new: str) -> None:
        """Rename one of the user's recipes.

        Raises:
            RecipeError: If there is no such recipe of the user's.
            UnsafeNameError: If the new name is not a plain one.
            OutputExistsError: If the new name is taken.
        """
        source = self._own(old)
        target = self.save(new, read_recipe_file(source))
        if target != source:
            _remove(source)

    def delete(self, name: str) -> None:
        """Delete one of the user's recipes.

        Raises:
            RecipeError: If there is no such recipe of the user's.
            FailedError: If the file cannot be removed.
        """
        _remove(self._own(name))

    def _own(self, name: str) -> Path:
        path = self._path(name)
        if not path.is_file():
            shipped = any(stored.name == name for stored in _shipped())
            why = "It came with the extension." if shipped else f"There is no recipe {name!r}."
            raise RecipeError(f"{why} Only your own recipes can be renamed or deleted.")
        return path

    def _path(self, name: str) -> Path:
        if self._folder is None:
            raise RefusedError("There is no folder for recipes.")
        return resolve_inside(self._folder, name, SUFFIX)


def _shipped() -> list[StoredRecipe]:
    folder = files("lib_kohaku.merge") / "data" / "recipes"
    recipes = []
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.name.endswith(SUFFIX):
            recipe = recipe_from_json(entry.read_text("utf-8"))
            recipes.append(StoredRecipe(entry.name.removesuffix(SUFFIX), recipe, shipped=True))
    return recipes


def _remove(path: Path) -> None:
    try:
        path.unlink()
    except OSError as error:
        raise FailedError(f"{path.name}: cannot be removed ({error.strerror or error}).") from error
