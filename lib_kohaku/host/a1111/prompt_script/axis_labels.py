"""The axes of the webui's X/Y/Z plot that change words and presets; :mod:`.axes` is what they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from lib_kohaku.host.a1111.axes import Axis, AxisLabel, add_axes, xyz_module

if TYPE_CHECKING:
    from lib_kohaku.host.a1111.prompt_script.desk import PromptDesk

QUALITY, RATING, YEAR = ("[Kohaku] Quality", "[Kohaku] Rating", "[Kohaku] Year")
PRESET = "[Kohaku] Preset"
PROFILE = "[Kohaku] Prompt format"


def add_prompt_axes(desk: PromptDesk) -> None:
    """Add the axes, if there is a plot.

    Args:
        desk: Profiles, words, presets.
    """

    def make() -> Mapping[str, Axis]:
        from lib_kohaku.host.a1111.prompt_script.axes import prompt_axes

        return prompt_axes(desk)

    add_axes(xyz_module(), [AxisLabel(text) for text in (QUALITY, RATING, YEAR, PROFILE, PRESET)], make)
