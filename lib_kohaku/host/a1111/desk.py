"""What the parts that hang in the webui need of the merge workbench, which lies in an outer ring."""

from __future__ import annotations

from typing import Protocol

from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.recipe_store import RecipeStore


class RecipeDesk(Protocol):
    """Recipes and plans.

    Attributes:
        recipes: Shipped and own recipes.
        draft: The recipe that the tab planned last.
        pending: Set to a recipe, it waits there for the tab to take it.
    """

    recipes: RecipeStore
    draft: Recipe | None
    pending: Recipe | None

    def plan(self, recipe: Recipe) -> MergePlan:
        """Plan from headers alone.

        Raises:
            RefusedError: If the formula, a setting or a file is wrong.
        """
