"""A preset in a cell of the plot: what a click on it would set, on the object that describes the image."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib_kohaku.errors import RefusedError
from lib_kohaku.host.a1111.prompt_script.desk import PromptDesk
from lib_kohaku.host.a1111.sending import resolved_sampling, upscaler_names
from lib_kohaku.prompt.presets.model import Preset

_CLIP_SKIP = "CLIP_stop_at_last_layers"


def check_preset(preset: Preset) -> None:
    """See whether this webui has what a preset names.

    Raises:
        RefusedError: If it has not.
    """
    problems: list[str] = []
    resolved_sampling(preset.sampler, preset.scheduler, problems)
    upscaler = preset.hires.upscaler if preset.hires else ""
    if upscaler and upscaler not in upscaler_names():
        problems.append(f"There is no upscaler {upscaler!r} here.")
    if problems:
        raise RefusedError(f"{preset.name}: {' '.join(problems)}")


def use_preset(processing: Any, preset: Preset, desk: PromptDesk, profile: str) -> None:
    """Set prompt, negative, size and settings of an image; what the preset does not name stays.

    Args:
        processing: The webui's.
        preset: The preset.
        desk: Knows the model's order.
        profile: Id or name of the profile that is chosen.
    """
    around = processing.prompt if isinstance(processing.prompt, str) else ""
    processing.prompt = desk.preset_prompt(preset, profile, around)
    for name, value in _fields(preset, has_hires=hasattr(processing, "enable_hr")).items():
        if value is not None:
            setattr(processing, name, value)
    if preset.clip_skip is not None:
        # A setting, for this image alone. The table is shared with the other cells.
        processing.override_settings = {**(processing.override_settings or {}), _CLIP_SKIP: preset.clip_skip}


def _fields(preset: Preset, *, has_hires: bool) -> Mapping[str, Any]:
    sampling = resolved_sampling(preset.sampler, preset.scheduler, [])
    hires = preset.hires if has_hires else None
    fields: dict[str, Any] = {
        "negative_prompt": preset.negative or None,
        "width": preset.size.width if preset.size else None,
        "height": preset.size.height if preset.size else None,
        "cfg_scale": preset.cfg,
        "steps": preset.steps,
        "sampler_name": sampling["sampler"],
        "scheduler": sampling["scheduler"],
    }
    if hires is not None and not hires.enabled:
        fields["enable_hr"] = False
    elif hires is not None:
        fields |= {"enable_hr": True, "hr_upscaler": hires.upscaler or None, "hr_scale": hires.scale}
        fields |= {"hr_resize_x": 0, "hr_resize_y": 0} if hires.scale is not None else {}
        fields["denoising_strength"] = hires.denoising
    return fields
