"""Cells of the webui's X/Y/Z plot, each merged into the loaded model before its image is made.

The webui loads the chosen checkpoint before every image unless it is loaded already, and again at the end of a grid.
So a cell's merge passes for that checkpoint only while its own image is being made: afterwards the webui sees a strange
model and brings the chosen one back by itself.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from modules import shared

from lib_kohaku.errors import KohakuError
from lib_kohaku.host.a1111.axes import CELL
from lib_kohaku.host.a1111.queue import TaskProgress
from lib_kohaku.merge.grid_cell import GridCell, cell_name, cell_recipe
from lib_kohaku.merge.to_file import named_after
from lib_kohaku.progress import SilentProgress

if TYPE_CHECKING:
    from lib_kohaku.host.a1111.desk import RecipeDesk
    from lib_kohaku.host.a1111.live_merge import LiveMerger
    from lib_kohaku.merge.recipe import Recipe

_log = logging.getLogger(__name__)


def cell_of(processing: Any) -> GridCell | None:
    """The cell that an image belongs to, None for an ordinary one."""
    found = getattr(processing, CELL, None)
    return found if isinstance(found, GridCell) else None


def set_cell(processing: Any, cell: GridCell) -> None:
    """Make an image one of a cell."""
    setattr(processing, CELL, cell)


class GridMerges:
    """Merges for cells. Called by the script's hooks, which run with the webui's queue held."""

    def __init__(self, workbench: RecipeDesk, live: LiveMerger) -> None:
        """Work with the process's workbench and unsaved merge."""
        self._workbench = workbench
        self._live = live
        self._shown: Recipe | None = None
        self._busy_task: float | None = None
        self._kept: tuple[float | None, Recipe | None] = (None, None)

    def before_image(self, processing: Any) -> None:
        """Before the webui looks whether the chosen checkpoint is loaded."""
        active = self._live.active
        if active is None:
            return
        if cell_of(processing) is not None:
            self._live.keep()  # the next cell's merge overwrites this one: no need to load anything between
        elif active.passing and self._busy_task != _task():
            # A grid was broken off in the middle of a cell. (Inside a cell other scripts make images of their own,
            # details of faces and the like: those are the cell's.)
            self._live.release()

    def merge_for(self, processing: Any) -> None:
        """Merge for the cell of an image, unless that merge is in the model already."""
        cell = cell_of(processing)
        if cell is None:
            return
        self._busy_task = _task()
        try:
            recipe = cell_recipe(cell, self._workbench.recipes, self._recipe_shown())
            self._load(recipe, cell_name(cell, recipe))
        except KohakuError as error:
            _log.error("Kohaku: no image for this cell: %s", error)
            processing.comment(f"Kohaku: {error}")
            processing.n_iter = 0  # an image of another model would be worse than an empty cell
            return
        active = self._live.active
        if active is not None:
            processing.sd_model_name, processing.sd_model_hash = active.info.name_for_extra, None

    def after_image(self, processing: Any) -> None:
        """After an image: from now on the merge does not pass for the chosen checkpoint any more."""
        if cell_of(processing) is not None:
            self._busy_task = None
            self._live.release()

    def _recipe_shown(self) -> Recipe | None:
        """The tab's recipe; else the one that was loaded without saving: as it was at the grid's first cell.

        A grid takes minutes, in which people try other formulas in the tab.
        """
        active = self._live.active
        if active is not None and not active.passing:
            self._shown = active.recipe
        task = _task()
        if not task or self._kept[0] != task:
            self._kept = task, self._workbench.draft or self._shown
        return self._kept[1]

    def _load(self, recipe: Recipe, name: str) -> None:
        plan = named_after(self._workbench.plan(recipe), name)
        active = self._live.active
        if active is not None and active.recipe == plan.recipe:
            self._live.keep()
            return
        self._live.load(plan, name, TaskProgress(SilentProgress(), owns_bar=False), passing=True)


def _task() -> float | None:
    """Something that is another for every task of the webui."""
    began: float | None = getattr(shared.state, "time_start", None)
    return began
