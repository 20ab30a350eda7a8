"""What one cell of a grid of merges is: a recipe, and what the axes change in it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lib_kohaku.errors import RecipeError
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.recipe_store import RecipeStore
from lib_kohaku.merge.vary import with_block_weights, with_parameters


@dataclass(frozen=True)
class GridCell:
    """The coordinates of a cell.

    Attributes:
        recipe: Name of a stored recipe; empty for the one that the tab shows.
        parameters: Name and value of ``$parameters``.
        weights: A preset's name or a list of block weights; empty to leave them alone.
    """

    recipe: str = ""
    parameters: tuple[tuple[str, float], ...] = ()
    weights: str = ""

    def with_parameter_text(self, text: str) -> GridCell:
        """With what an axis says: ``alpha=0.3``, ``alpha=0.3 beta=0.5``, ``gamma-rev2: alpha=0.3``.

        Raises:
            RecipeError: If it is none of these.
        """
        name, colon, rest = text.rpartition(":")
        values = []
        for part in rest.replace(";", " ").replace(" =", "=").replace("= ", "=").split():
            parameter, equals, number = part.partition("=")
            try:
                values.append((parameter.strip().removeprefix("$"), float(number)))
            except ValueError:
                equals = ""
            if not equals or not parameter.strip("$ "):
                raise RecipeError(f"{text!r}: a merge parameter is written alpha=0.3, or recipe name: alpha=0.3.")
        if not values:
            raise RecipeError(f"{text!r}: a merge parameter is written alpha=0.3, or recipe name: alpha=0.3.")
        return replace(
            self,
            recipe=name.strip() if colon else self.recipe,
            parameters=(*self.parameters, *values),
        )


def cell_recipe(cell: GridCell, recipes: RecipeStore, shown: Recipe | None) -> Recipe:
    """The recipe of a cell.

    Args:
        cell: The cell.
        recipes: Where names are looked up.
        shown: The recipe that the tab shows, for cells that name none.

    Raises:
        RefusedError: If there is no recipe, or it cannot be varied so.
    """
    if cell.recipe:
        recipe = recipes.get(cell.recipe)
    elif shown is not None:
        recipe = shown
    else:
        raise RecipeError("Type a formula in the Kohaku tab first, or use the axis [Kohaku] Recipe.")
    if cell.parameters:
        recipe = with_parameters(recipe, dict(cell.parameters))
    return with_block_weights(recipe, cell.weights) if cell.weights else recipe


def cell_name(cell: GridCell, recipe: Recipe) -> str:
    """What the merge of a cell is called: ``gamma-rev2 alpha=0.3 GRAD_V``."""
    parts = [recipe.name or "merge"]
    parts += [f"{name}={value:g}" for name, value in cell.parameters]
    if cell.weights:
        parts.append(cell.weights if cell.weights[:1].isalpha() else "mbw")
    return " ".join(parts)
