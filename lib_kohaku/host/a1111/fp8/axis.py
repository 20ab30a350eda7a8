"""An axis of the webui's X/Y/Z plot: the same image with weights held in different ways."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lib_kohaku.fp8.choice import all_choices, parse_choice
from lib_kohaku.host.a1111.fp8.names import OPTION

LABEL = "[Kohaku] fp8"
# Below a change of checkpoint (1.0) and above whatever needs no conversion.
_COST = 0.9


def add_axis(module: Any | None) -> None:
    """Add it, once.

    Args:
        module: The plot's module, None if there is no plot.
    """
    if module is None or any(option.label == LABEL for option in module.axis_options):
        return
    module.axis_options.append(
        module.AxisOption(
            LABEL, str, _apply, confirm=_confirm, cost=_COST, choices=lambda: [choice.text for choice in all_choices()]
        )
    )


def _apply(processing: Any, value: str, _values: Sequence[str]) -> None:
    # A setting for this image alone. The table is shared with the other cells.
    processing.override_settings = {**processing.override_settings, OPTION: parse_choice(value).text}


def _confirm(_processing: Any, values: Sequence[str]) -> None:
    for value in values:
        parse_choice(value)
