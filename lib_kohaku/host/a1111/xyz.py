"""Axes of the webui's X/Y/Z plot: other merges."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lib_kohaku.host.a1111.axes import Axis, AxisLabel, add_axes, xyz_module

if TYPE_CHECKING:
    from lib_kohaku.host.a1111.desk import RecipeDesk

RECIPE = "[Kohaku] Recipe"
PARAMETER = "[Kohaku] Merge parameter"
WEIGHTS = "[Kohaku] Block weights"
# Beside the webui's own "Checkpoint name" (1.0), far above what costs nothing: changed as rarely as possible.
_COST = 0.95
_LABELS = (AxisLabel(RECIPE, _COST), AxisLabel(PARAMETER, _COST, has_choices=False), AxisLabel(WEIGHTS, _COST))


def add_merge_axes(desk: RecipeDesk) -> None:
    """Add the axes, if there is a plot."""

    def make() -> Mapping[str, Axis]:
        from lib_kohaku.host.a1111.merge_axes import merge_axes

        return merge_axes(desk)

    add_axes(xyz_module(), _LABELS, make)
