"""All handlers of the merge page as one object."""

from __future__ import annotations

from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.ui.merge.field_handlers import FieldHandlers
from lib_kohaku.ui.merge.recipe_handlers import RecipeHandlers
from lib_kohaku.ui.merge.run_handlers import RunHandlers


class MergeHandlers:
    """See the classes of its attributes."""

    def __init__(self, workbench: MergeWorkbench) -> None:
        """Serve a workbench."""
        self.run = RunHandlers(workbench)
        self.recipes = RecipeHandlers(workbench)
        self.fields = FieldHandlers(workbench)
