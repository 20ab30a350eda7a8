"""Axes of the webui's X/Y/Z plot: the same image with other words, another preset, another model's format."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lib_kohaku.errors import RefusedError
from lib_kohaku.host.a1111.axes import Axis
from lib_kohaku.host.a1111.prompt_script.arguments import chosen_profile
from lib_kohaku.host.a1111.prompt_script.axis_labels import PRESET, PROFILE, QUALITY, RATING, YEAR
from lib_kohaku.host.a1111.prompt_script.cell import PromptCell, prompt_cell_of, set_prompt_cell
from lib_kohaku.host.a1111.prompt_script.preset_cell import check_preset, use_preset
from lib_kohaku.prompt.at_generation import LEAVE_OUT, USUAL
from lib_kohaku.prompt.at_generation.choice import resolve_word
from lib_kohaku.prompt.at_generation.profiles import find_profile, profile_label
from lib_kohaku.prompt.format import TagClass
from lib_kohaku.prompt.format.from_profile import order_spec
from lib_kohaku.prompt.format.pickers import picker_of

if TYPE_CHECKING:
    from lib_kohaku.host.a1111.prompt_script.desk import PromptDesk

_KINDS = {QUALITY: TagClass.QUALITY, RATING: TagClass.RATING, YEAR: TagClass.YEAR}


def prompt_axes(desk: PromptDesk) -> Mapping[str, Axis]:
    """What the axes do, by their names.

    Args:
        desk: Profiles, words, presets.
    """
    words = {label: _word_axis(kind, desk) for label, kind in _KINDS.items()}
    return {**words, PROFILE: _profile_axis(desk), PRESET: _preset_axis(desk)}


def _word_axis(kind: TagClass, desk: PromptDesk) -> Axis:
    def apply(processing: Any, word: str) -> None:
        set_prompt_cell(processing, (prompt_cell_of(processing) or PromptCell()).having(kind, word))

    def check(word: str) -> None:
        """Some model has to have it: which one makes the image, another axis may say."""
        for profile in desk.profiles:
            if resolve_word(word, kind, picker_of(profile, kind), order_spec(profile)) is not None:
                return
        words = ", ".join(f'"{found}"' if "," in found else found for found in choices())
        raise RefusedError(f"No model has the {kind.value} {word[:80]!r}. The loaded one has: {words}.")

    def choices() -> list[str]:
        profile = desk.chosen.profile
        picker = picker_of(profile, kind) if profile else None
        return [*(option.label for option in picker.options), LEAVE_OUT] if picker else [USUAL, LEAVE_OUT]

    return Axis(apply, check, choices)


def _profile_axis(desk: PromptDesk) -> Axis:
    def apply(processing: Any, name: str) -> None:
        set_prompt_cell(processing, replace(prompt_cell_of(processing) or PromptCell(), profile=name))

    def check(name: str) -> None:
        if find_profile(name, desk.profiles) is None:
            raise RefusedError(f"There is no prompt format {name[:80]!r}. There are: {', '.join(choices())}.")

    def choices() -> list[str]:
        return [profile_label(profile, desk.profiles) for profile in desk.profiles]

    return Axis(apply, check, choices)


def _preset_axis(desk: PromptDesk) -> Axis:
    def apply(processing: Any, name: str) -> None:
        cell = prompt_cell_of(processing) or PromptCell()
        # Set at once, so that other axes such as Prompt S/R work on the preset's prompt.
        use_preset(processing, desk.preset(name), desk, cell.profile or chosen_profile(processing))

    return Axis(apply, lambda name: check_preset(desk.preset(name)), lambda: desk.preset_names)
