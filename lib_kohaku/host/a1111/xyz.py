"""Axes for the webui's X/Y/Z plot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from modules import scripts

from lib_kohaku.host.a1111.desk import RecipeDesk
from lib_kohaku.host.a1111.grid import cell_of, set_cell
from lib_kohaku.merge.grid_cell import GridCell
from lib_kohaku.merge.presets import block_preset, block_presets

RECIPE = "[Kohaku] Recipe"
PARAMETER = "[Kohaku] Merge parameter"
WEIGHTS = "[Kohaku] Block weights"
# Beside the webui's own "Checkpoint name" (1.0), far above what costs nothing: changed as rarely as possible.
_COST = 0.95


def add_axes(workbench: RecipeDesk) -> None:
    """Add the axes, once. The webui makes its list anew at every reload of the page."""
    module = xyz_module()
    if module is None:
        return
    present = {option.label for option in module.axis_options}
    for label, change, check, choices in (
        (RECIPE, _with_recipe, workbench.recipes.get, lambda: _recipe_names(workbench)),
        (PARAMETER, GridCell.with_parameter_text, GridCell().with_parameter_text, None),
        (WEIGHTS, _with_weights, _check_weights, lambda: list(block_presets())),
    ):
        if label not in present:
            module.axis_options.append(
                module.AxisOption(label, str, _applier(change), confirm=_confirmer(check), cost=_COST, choices=choices)
            )


def xyz_module() -> Any | None:
    """The plot's module, which cannot be imported by name."""
    for data in scripts.scripts_data:
        if data.script_class.__module__ == "xyz_grid.py" and hasattr(data, "module"):
            return data.module
    return None


def _applier(change: Callable[[GridCell, str], GridCell]) -> Callable[[Any, str, Sequence[str]], None]:
    def apply(processing: Any, value: str, values: Sequence[str]) -> None:
        set_cell(processing, change(cell_of(processing) or GridCell(), value))

    return apply


def _confirmer(check: Callable[[str], object]) -> Callable[[Any, Sequence[str]], None]:
    """Checks all values before the first image; what it raises is shown to the user."""

    def confirm(processing: Any, values: Sequence[str]) -> None:
        for value in values:
            check(value)

    return confirm


def _with_recipe(cell: GridCell, name: str) -> GridCell:
    return replace(cell, recipe=name)


def _with_weights(cell: GridCell, weights: str) -> GridCell:
    return replace(cell, weights=weights)


def _check_weights(text: str) -> None:
    """A list is checked when its length can be: with the formula."""
    if text[:1].isalpha():
        block_preset(text)


def _recipe_names(workbench: RecipeDesk) -> list[str]:
    return [stored.name for stored in workbench.recipes.list()[0]]
