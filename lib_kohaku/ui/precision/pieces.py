"""Components of the precision page in their usual form."""

from __future__ import annotations

from collections.abc import Sequence

import gradio as gr

from lib_kohaku.ui.ids import element_id, unsaved
from lib_kohaku.ui.markup import div

COLUMNS = ["kohaku-precision-columns"]


def html(name: str, value: str = "") -> gr.HTML:
    """A place for HTML."""
    return gr.HTML(value, elem_id=element_id(name))


def hint(text: str) -> gr.HTML:
    """A sentence of explanation."""
    return gr.HTML(div("kohaku-hint", text))


def dropdown(
    label: str, name: str, choices: Sequence[str], value: str | None = None, visible: bool = True
) -> gr.Dropdown:
    """A choice out of many."""
    options = {"elem_id": element_id(name), "interactive": True, "visible": visible}
    return unsaved(gr.Dropdown(list(choices), value=value, label=label, **options))


def radio(label: str, name: str, choices: Sequence[str], value: str) -> gr.Radio:
    """A choice out of few."""
    return unsaved(gr.Radio(list(choices), value=value, label=label, elem_id=element_id(name), interactive=True))


def line(label: str, name: str, lines: int = 1) -> gr.Textbox:
    """A text."""
    return unsaved(gr.Textbox(label=label, elem_id=element_id(name), lines=lines, max_lines=max(1, 4 * (lines - 1))))


def checkbox(label: str, name: str) -> gr.Checkbox:
    """A yes or no, no at first."""
    return unsaved(gr.Checkbox(False, label=label, elem_id=element_id(name)))
