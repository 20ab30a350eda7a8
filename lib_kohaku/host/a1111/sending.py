"""Setting fields of the webui's txt2img and img2img, and no others.

The components are found among those that the webui fills when an infotext is pasted, by their element ids, which are
the same in all of its versions and forks. Nothing is pasted: a paste would reset what an infotext does not mention.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr
from modules import shared

from lib_kohaku.host.sending import SendResult, SendTarget, SentValues

if TYPE_CHECKING:
    from lib_kohaku.prompt.sizes.hires import Hires

_CLIP_SKIP = "CLIP_stop_at_last_layers"
_OVERRIDES = "override_settings"
# Our names for the fields, and their element ids without the page's name.
_FIELDS = {
    "prompt": "prompt",
    "negative": "neg_prompt",
    "width": "width",
    "height": "height",
    "cfg": "cfg_scale",
    "steps": "steps",
    "sampler": "sampling",
    "scheduler": "scheduler",
    "hires_enabled": "hr-checkbox",
    "hires_upscaler": "hr_upscaler",
    "hires_scale": "hr_scale",
    "hires_width": "hr_resize_x",
    "hires_height": "hr_resize_y",
    "hires_denoising": "denoising_strength",
}


def find_form(target: SendTarget) -> WebuiForm | None:
    """The fields of a page of the webui, None if its prompt cannot be found."""
    entry = _paste_fields().get(target.value) or {}
    components = [field[0] for field in entry.get("fields") or ()]
    by_id = {getattr(component, "elem_id", None): component for component in components}
    ids = {name: f"{target.value}_{suffix}" for name, suffix in _FIELDS.items()}
    found = {name: by_id[elem_id] for name, elem_id in ids.items() if elem_id in by_id}
    if target is not SendTarget.TXT2IMG:  # there it has nothing to do with a hires fix
        found.pop("hires_denoising", None)
    overrides = entry.get("override_settings_component")
    if overrides is not None:
        found[_OVERRIDES] = overrides
    return WebuiForm(target, found) if "prompt" in found else None


class WebuiForm:
    """See :class:`~lib_kohaku.host.sending.SendForm`."""

    def __init__(self, target: SendTarget, components: Mapping[str, Any]) -> None:
        """Use components by their names in this file."""
        self._target = target
        self._components = dict(components)

    @property
    def inputs(self) -> Sequence[Any]:
        """The list of overridden settings, if there is one."""
        return [self._components[_OVERRIDES]] if _OVERRIDES in self._components else []

    @property
    def outputs(self) -> Sequence[Any]:
        """All of the fields."""
        return list(self._components.values())

    def fill(self, values: SentValues, present: Sequence[Any]) -> SendResult:
        """See :class:`~lib_kohaku.host.sending.SendForm`."""
        problems: list[str] = []
        notes: list[str] = []
        wanted: dict[str, Any] = {
            name: getattr(values, name) for name in ("prompt", "negative", "width", "height", "cfg", "steps")
        }
        wanted |= resolved_sampling(values.sampler, values.scheduler, problems)
        if values.hires is not None and self._target is SendTarget.TXT2IMG:
            wanted |= _hires(values.hires, problems)
        elif values.hires is not None and values.hires.enabled:
            problems.append("Only txt2img has a hires fix.")
        updates = {name: gr.update(value=value) for name, value in wanted.items() if value is not None}
        if values.clip_skip is not None:
            updates |= self._clip_skip(values.clip_skip, present, problems, notes)
        missing = sorted(name for name in updates if name not in self._components)
        if missing:
            problems.append(f"This webui has no field for: {', '.join(name.replace('_', ' ') for name in missing)}.")
        changes = tuple(updates.get(name, gr.update()) for name in self._components)
        return SendResult(changes, tuple(problems), tuple(notes))

    def _clip_skip(self, wanted: int, present: Sequence[Any], problems: list[str], notes: list[str]) -> dict[str, Any]:
        """Clip skip is a setting: the page overrides it where it differs, as a pasted infotext would."""
        label = getattr(shared.opts.data_labels.get(_CLIP_SKIP), "infotext", None)
        if not label or _OVERRIDES not in self._components:
            problems.append("This webui has no clip skip that could be set from here.")
            return {}
        given = present[0] if present and isinstance(present[0], list) else []
        others = [str(pair) for pair in given if str(pair).partition(":")[0].strip() != label]
        setting = getattr(shared.opts, _CLIP_SKIP, None)
        pairs = others if wanted == setting else [*others, f"{label}: {wanted}"]
        if wanted != setting:
            # After an image the webui takes an override back only if it has the setting in its table, which a new
            # installation does not: the override would stay as the setting for good.
            shared.opts.data.setdefault(_CLIP_SKIP, setting)
            notes.append(f"Clip skip {wanted} is under 'Override settings': the webui's own setting is {setting}.")
        return {_OVERRIDES: gr.update(value=pairs, choices=pairs, visible=bool(pairs))}


def resolved_sampling(sampler: str, scheduler: str, problems: list[str]) -> dict[str, Any]:
    """Sampler and schedule type as the webui lists them, old names of both in one included."""
    samplers, schedulers = sampler_names(), scheduler_names()
    if sampler and sampler not in samplers:
        sampler, scheduler = _divided(sampler, scheduler, samplers, problems)
    if scheduler and scheduler not in schedulers:
        problems.append(f"There is no schedule type {scheduler!r} here; it was left as it is.")
        scheduler = ""
    return {"sampler": sampler or None, "scheduler": scheduler or None}


def _divided(sampler: str, scheduler: str, samplers: Sequence[str], problems: list[str]) -> tuple[str, str]:
    divide: Callable[[str, str | None], tuple[str, str]] | None
    divide = getattr(_module("sd_samplers"), "get_sampler_and_scheduler", None)
    if divide is not None:
        found, its_scheduler = divide(sampler, scheduler or None)
        if found in samplers and sampler.startswith(f"{found} "):  # else it is just the first of the list
            return found, its_scheduler
    problems.append(f"There is no sampler {sampler!r} here; it was left as it is.")
    return "", scheduler


def _hires(hires: Hires, problems: list[str]) -> dict[str, Any]:
    if not hires.enabled:
        return {"hires_enabled": False}
    upscaler = hires.upscaler
    if upscaler and upscaler not in upscaler_names():
        problems.append(f"There is no upscaler {upscaler!r} here; it was left as it is.")
        upscaler = ""
    wanted: dict[str, Any] = {
        "hires_enabled": True,
        "hires_upscaler": upscaler or None,
        "hires_scale": hires.scale,
        "hires_denoising": hires.denoising,
    }
    if hires.scale is not None:  # a size there would outweigh the factor
        wanted |= {"hires_width": 0, "hires_height": 0}
    return wanted


def sampler_names() -> tuple[str, ...]:
    """The samplers that the webui's page offers."""
    module = _module("sd_samplers")
    visible = getattr(module, "visible_sampler_names", None)
    if visible is not None:
        return tuple(map(str, visible()))
    return tuple(str(sampler.name) for sampler in getattr(module, "all_samplers", ()))


def scheduler_names() -> tuple[str, ...]:
    """The schedule types; none before version 1.9, where they were part of the samplers' names."""
    schedulers = getattr(_module("sd_schedulers"), "schedulers", ())
    return tuple(str(scheduler.label) for scheduler in schedulers)


def upscaler_names() -> tuple[str, ...]:
    """What the hires fix can enlarge with."""
    latent = getattr(shared, "latent_upscale_modes", ())
    return (*map(str, latent), *(str(upscaler.name) for upscaler in getattr(shared, "sd_upscalers", ())))


def clip_skip() -> int | None:
    """The webui's setting."""
    value = getattr(shared.opts, _CLIP_SKIP, None)
    return int(value) if isinstance(value, (int, float)) else None


def _paste_fields() -> Mapping[str, Any]:
    module = _module("infotext_utils") or _module("generation_parameters_copypaste")
    fields: Mapping[str, Any] = getattr(module, "paste_fields", {})
    return fields


def _module(name: str) -> Any:
    """A module of the webui, None if this version or fork has none of that name."""
    try:
        return importlib.import_module(f"modules.{name}")
    except ImportError:
        return None
