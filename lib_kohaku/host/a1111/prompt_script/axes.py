"""Axes of the webui's X/Y/Z plot: the same image with other words, another preset, another model's format."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lib_kohaku.errors import RefusedError
from lib_kohaku.host.a1111.prompt_script.arguments import chosen_profile
from lib_kohaku.host.a1111.prompt_script.cell import PromptCell, prompt_cell_of, set_prompt_cell
from lib_kohaku.host.a1111.prompt_script.desk import PromptDesk
from lib_kohaku.host.a1111.prompt_script.preset_cell import check_preset, use_preset
from lib_kohaku.prompt.at_generation import LEAVE_OUT, USUAL
from lib_kohaku.prompt.at_generation.choice import resolve_word
from lib_kohaku.prompt.format import TagClass, tag_key
from lib_kohaku.prompt.format.from_profile import order_spec
from lib_kohaku.prompt.format.pickers import picker_of

QUALITY, RATING, YEAR = ("[Kohaku] Quality", "[Kohaku] Rating", "[Kohaku] Year")
PRESET = "[Kohaku] Preset"
PROFILE = "[Kohaku] Prompt format"
_KINDS = {QUALITY: TagClass.QUALITY, RATING: TagClass.RATING, YEAR: TagClass.YEAR}


@dataclass(frozen=True)
class _Axis:
    label: str
    apply: Callable[[Any, str], None]
    check: Callable[[str], object]
    choices: Callable[[], list[str]]


def add_prompt_axes(module: Any | None, desk: PromptDesk) -> None:
    """Add the axes, once. The webui makes its list anew at every reload of the page.

    Args:
        module: The plot's module, None if there is no plot.
        desk: Profiles, words, presets.
    """
    if module is None:
        return
    present = {option.label for option in module.axis_options}
    words = (_word_axis(label, kind, desk) for label, kind in _KINDS.items())
    for axis in (*words, _profile_axis(desk), _preset_axis(desk)):
        if axis.label not in present:
            module.axis_options.append(_option(module, axis))


def _option(module: Any, axis: _Axis) -> Any:
    def apply(processing: Any, value: str, _values: Sequence[str]) -> None:
        axis.apply(processing, value)

    def confirm(_processing: Any, values: Sequence[str]) -> None:
        """Checks all values before the first image; what it raises is shown to the user."""
        for value in values:
            axis.check(value)

    return module.AxisOption(axis.label, str, apply, confirm=confirm, choices=axis.choices)


def _word_axis(label: str, kind: TagClass, desk: PromptDesk) -> _Axis:
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

    return _Axis(label, apply, check, choices)


def _profile_axis(desk: PromptDesk) -> _Axis:
    def apply(processing: Any, name: str) -> None:
        set_prompt_cell(processing, replace(prompt_cell_of(processing) or PromptCell(), profile=name))

    def check(name: str) -> None:
        if not any(tag_key(name) in (profile.id, tag_key(profile.name)) for profile in desk.profiles):
            known = ", ".join(profile.name for profile in desk.profiles)
            raise RefusedError(f"There is no prompt format {name[:80]!r}. There are: {known}.")

    return _Axis(PROFILE, apply, check, lambda: [profile.name for profile in desk.profiles])


def _preset_axis(desk: PromptDesk) -> _Axis:
    def apply(processing: Any, name: str) -> None:
        cell = prompt_cell_of(processing) or PromptCell()
        # Set at once, so that other axes such as Prompt S/R work on the preset's prompt.
        use_preset(processing, desk.preset(name), desk, cell.profile or chosen_profile(processing))

    return _Axis(PRESET, apply, lambda name: check_preset(desk.preset(name)), lambda: desk.preset_names)
