"""What the axes of merges do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from lib_kohaku.host.a1111.axes import Axis
from lib_kohaku.host.a1111.desk import RecipeDesk
from lib_kohaku.host.a1111.grid import cell_of, set_cell
from lib_kohaku.host.a1111.xyz import PARAMETER, RECIPE, WEIGHTS
from lib_kohaku.merge.grid_cell import GridCell
from lib_kohaku.merge.presets import block_preset, block_presets


def merge_axes(desk: RecipeDesk) -> Mapping[str, Axis]:
    """The axes by their names."""
    return {
        RECIPE: Axis(_applier(_with_recipe), desk.recipes.get, lambda: _recipe_names(desk)),
        PARAMETER: Axis(_applier(GridCell.with_parameter_text), GridCell().with_parameter_text),
        WEIGHTS: Axis(_applier(_with_weights), _check_weights, lambda: list(block_presets())),
    }


def _applier(change: Callable[[GridCell, str], GridCell]) -> Callable[[Any, str], None]:
    def apply(processing: Any, value: str) -> None:
        set_cell(processing, change(cell_of(processing) or GridCell(), value))

    return apply


def _with_recipe(cell: GridCell, name: str) -> GridCell:
    return replace(cell, recipe=name)


def _with_weights(cell: GridCell, weights: str) -> GridCell:
    return replace(cell, weights=weights)


def _check_weights(text: str) -> None:
    """A list is checked when its length can be: with the formula."""
    if text[:1].isalpha():
        block_preset(text)


def _recipe_names(desk: RecipeDesk) -> list[str]:
    return [stored.name for stored in desk.recipes.list()[0]]
