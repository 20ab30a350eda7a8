"""Tasks that need a loaded model: holding it in fp8, and the same image made twice."""

from __future__ import annotations

from dataclasses import dataclass

import gradio as gr

from lib_kohaku.fp8.choice import OFF
from lib_kohaku.host.fp8_control import ImageRequest
from lib_kohaku.ui.ids import button, element_id, unsaved
from lib_kohaku.ui.precision import texts
from lib_kohaku.ui.precision.choices import FORMATS, PARTS, SCALES, USUAL, WAYS
from lib_kohaku.ui.precision.pieces import COLUMNS, dropdown, hint, html, line, radio


@dataclass(frozen=True)
class SwitchPart:
    """The switch, how the model is held, and what each choice takes."""

    state: gr.HTML
    seen: gr.State
    parts: gr.Radio
    fmt: gr.Dropdown
    scales: gr.Dropdown
    apply: gr.Button
    take_over: gr.Button
    memory: gr.HTML


@dataclass(frozen=True)
class PairPart:
    """An image to make twice."""

    prompt: gr.Textbox
    negative: gr.Textbox
    numbers: tuple[gr.Number, ...]
    first: gr.Dropdown
    second: gr.Dropdown
    make: gr.Button
    take: gr.Button | None


def build_switch() -> SwitchPart:
    """Inside the current block."""
    with gr.Row(elem_classes=COLUMNS):
        with gr.Column():
            hint(texts.LIVE)
            state = html("precision_state")
            seen = gr.State(OFF.text)
            parts = radio("Hold in 8 bits", "precision_choice", list(PARTS), next(iter(PARTS)))
            section = gr.Accordion("Format", open=False, elem_id=element_id("precision_format_section"))
            with section, gr.Row(elem_classes=["kohaku-form-row"]):
                fmt = dropdown("8-bit format", "precision_format", list(FORMATS), next(iter(FORMATS)))
                scales = dropdown("Scales", "precision_scales", list(SCALES), next(iter(SCALES)))
            hint(texts.LIVE_HOW)
            with gr.Row(elem_classes=["kohaku-form-row"]):
                apply = button("Apply to the model", "precision_apply", variant="primary")
                take_over = button("Take over from the webui's FP8", "precision_take_over", visible=False)
        with gr.Column():
            memory = html("precision_memory")
    return SwitchPart(state, seen, parts, fmt, scales, apply, take_over, memory)


def build_pair(*, can_take: bool) -> PairPart:
    """Inside the current block.

    Args:
        can_take: Whether there is a txt2img page to take the prompt from.
    """
    hint(texts.PAIR)
    with gr.Row(elem_classes=COLUMNS):
        with gr.Column():
            prompt = line("Prompt of both images", "precision_prompt", lines=2)
            negative = line("Negative prompt of both", "precision_negative", lines=2)
            take = button("Take them from txt2img", "precision_take") if can_take else None
        with gr.Column():
            with gr.Row(elem_classes=["kohaku-form-row"]):
                first = dropdown("First image", "precision_first", WAYS, OFF.text)
                second = dropdown("Second image", "precision_second", WAYS, USUAL.text)
            numbers = _numbers()
            make = button("Make both images", "precision_pair", variant="primary")
    # Prompt boxes of the webui are known by this class: Ctrl+Up and Ctrl+Down change weights in them.
    for box in (prompt, negative):
        box.elem_classes = ["prompt"]
    return PairPart(prompt, negative, numbers, first, second, make, take)


def _numbers() -> tuple[gr.Number, ...]:
    usual = ImageRequest("")
    with gr.Row(elem_classes=["kohaku-form-row"]):
        first = _number("Image seed", "seed", usual.seed), _number("Steps", "steps", usual.steps)
    with gr.Row(elem_classes=["kohaku-form-row"]):
        second = _number("Image width", "width", usual.width), _number("Image height", "height", usual.height)
    return first + second


def _number(label: str, name: str, value: int) -> gr.Number:
    return unsaved(gr.Number(value, label=label, precision=0, elem_id=element_id(f"precision_{name}")))
