"""The components of the merge page. Building them is apart from wiring them: events cross the borders of panels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import gradio as gr

from lib_kohaku.ui.ids import element_id
from lib_kohaku.ui.merge.form import FIELDS


@dataclass(frozen=True)
class FormulaPart:
    """The formula, the plan under it, and what our JavaScript needs for both."""

    formula: gr.Textbox
    choices: gr.Textbox
    origin: gr.Textbox
    plan: gr.HTML
    plan_button: gr.Button
    candidates: gr.Textbox


@dataclass(frozen=True)
class RecipesPart:
    """Cards of recipes, saving, import."""

    cards: gr.HTML
    note: gr.HTML
    name: gr.Textbox
    replace: gr.Checkbox
    save: gr.Button
    from_file: gr.Button
    checkpoint: gr.Dropdown
    from_checkpoint: gr.Button
    verify_checkpoint: gr.Button
    exported: gr.Textbox


@dataclass(frozen=True)
class SimplePart:
    """A method and its values."""

    method: gr.Dropdown
    about: gr.HTML
    singles: tuple[gr.Dropdown, ...]
    many: gr.Dropdown
    settings: tuple[gr.Slider, ...]
    numbers: gr.Textbox
    by_blocks: gr.Checkbox
    write: gr.Button
    note: gr.HTML

    @property
    def values(self) -> list[Any]:
        """Everything that the formula is made from."""
        return [self.method, *self.singles, self.many, *self.settings, self.numbers, self.by_blocks]


@dataclass(frozen=True)
class WeightsPart:
    """Block weights."""

    network: gr.Radio
    preset: gr.Dropdown
    text: gr.Textbox
    put: gr.Button
    note: gr.HTML
    sliders: tuple[gr.Slider, ...]


@dataclass(frozen=True)
class OutputPart:
    """The result's name and nature."""

    name: gr.Textbox
    overwrite: gr.Checkbox
    note: gr.HTML
    precision: gr.Dropdown
    unet_precision: gr.Dropdown
    text_encoders_precision: gr.Dropdown
    vae_precision: gr.Dropdown
    text_encoders: gr.Dropdown
    vae: gr.Dropdown
    profile: gr.Dropdown
    seed: gr.Number
    allow_mismatch: gr.Checkbox
    preview_button: gr.Button
    preview: gr.HTML


@dataclass(frozen=True)
class JobPart:
    """What starts, shows and stops work. Buttons that the host cannot serve are None."""

    merge: gr.Button
    load_unsaved: gr.Button | None
    restore: gr.Button | None
    stop: gr.Button
    note: gr.HTML
    job: gr.HTML
    loaded: gr.HTML
    poll: gr.Button
    ended: gr.Button
    open: gr.Button
    refresh: gr.Button


@dataclass(frozen=True)
class MergePage:
    """All of it."""

    formula: FormulaPart
    recipes: RecipesPart
    simple: SimplePart
    weights: WeightsPart
    output: OutputPart
    jobs: JobPart
    history: gr.HTML

    @property
    def form(self) -> list[Any]:
        """The fields of :class:`~lib_kohaku.ui.merge.form.MergeForm`, in its order."""
        return [getattr(self.formula if hasattr(self.formula, name) else self.output, name) for name in FIELDS]

    @property
    def model_lists(self) -> list[gr.Dropdown]:
        """Dropdowns whose choices are the checkpoints, by their shortest names."""
        return [*self.simple.singles, self.simple.many, self.recipes.checkpoint]


def html(name: str, value: str = "") -> gr.HTML:
    """A place for HTML of ours."""
    return gr.HTML(value, elem_id=element_id(name))
