"""Adding axes to the webui's X/Y/Z plot, whose work is imported when one of them is used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modules import scripts

from lib_kohaku.later import Once

# The attribute by which an image is one of a cell of a grid of merges.
CELL = "_kohaku_cell"


@dataclass(frozen=True)
class Axis:
    """What an axis does.

    Attributes:
        apply: Changes an image to a value.
        check: Raises if a value is wrong; what it raises is shown before the first image.
        choices: All values, for an axis with a list.
    """

    apply: Callable[[Any, str], None]
    check: Callable[[str], object]
    choices: Callable[[], list[str]] | None = None


@dataclass(frozen=True)
class AxisLabel:
    """How an axis is listed.

    Attributes:
        text: Its name.
        cost: Axes with a higher cost are changed less often.
        has_choices: Whether there is a list of values.
    """

    text: str
    cost: float = 0.0
    has_choices: bool = True


def xyz_module() -> Any | None:
    """The plot's module, which cannot be imported by name."""
    for data in scripts.scripts_data:
        if data.script_class.__module__ == "xyz_grid.py" and hasattr(data, "module"):
            return data.module
    return None


def add_axes(module: Any | None, labels: Sequence[AxisLabel], make: Callable[[], Mapping[str, Axis]]) -> None:
    """Add axes, once. The webui makes its list anew at every reload of the page.

    Args:
        module: The plot's module, None if there is no plot.
        labels: The axes.
        make: What they do, by their names; called when one of them is used.
    """
    if module is None:
        return
    present = {option.label for option in module.axis_options}
    axes = Once(make)
    for label in labels:
        if label.text not in present:
            module.axis_options.append(_option(module, label, axes))


def _option(module: Any, label: AxisLabel, axes: Once[Mapping[str, Axis]]) -> Any:
    def apply(processing: Any, value: str, _values: Sequence[str]) -> None:
        axes()[label.text].apply(processing, value)

    def confirm(_processing: Any, values: Sequence[str]) -> None:
        for value in values:
            axes()[label.text].check(value)

    def choices() -> list[str]:
        listed = axes()[label.text].choices
        return listed() if listed is not None else []

    chosen = choices if label.has_choices else None
    return module.AxisOption(label.text, str, apply, confirm=confirm, cost=label.cost, choices=chosen)
