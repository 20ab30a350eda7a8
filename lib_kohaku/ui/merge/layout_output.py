"""The right column: the result's name, the buttons, and the options that few need."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import gradio as gr

from lib_kohaku.ui.ids import button, element_id, hidden, hidden_button, unsaved
from lib_kohaku.ui.markup import div
from lib_kohaku.ui.merge.choices import AS_ABOVE, PRECISIONS, PROFILES, policy_choices
from lib_kohaku.ui.merge.form import MergeForm
from lib_kohaku.ui.merge.parts import JobPart, OutputPart, html

if TYPE_CHECKING:
    from lib_kohaku.host.base import HostInfo


def build_output(build_buttons: Callable[[], JobPart], profile_name: str) -> tuple[OutputPart, JobPart]:
    """Name and precision, the buttons, then the options.

    Args:
        build_buttons: Makes the buttons where they belong, between the two.
        profile_name: The block profile of new recipes.
    """
    blank = MergeForm()
    gr.HTML(div("kohaku-title", "What comes out"))
    name = unsaved(gr.Textbox(label="Name of the result", elem_id=element_id("name"), max_lines=1))
    precision = unsaved(_dropdown("Precision", "precision", list(PRECISIONS), blank.precision))
    overwrite = unsaved(gr.Checkbox(False, label="Overwrite the file if it exists", elem_id=element_id("overwrite")))
    note = html("output_note")
    jobs = build_buttons()
    with gr.Accordion("More options", open=False, elem_id=element_id("more_options")):
        vae = _dropdown("VAE", "vae", policy_choices([]), blank.vae)
        text_encoders = _dropdown("Text encoders", "text_encoders", policy_choices([]), blank.text_encoders)
        each = [AS_ABOVE, *PRECISIONS]
        with gr.Row(elem_classes=["kohaku-form-row"]):
            unet_precision = _dropdown("UNet precision", "unet_precision", each, AS_ABOVE)
            te_precision = _dropdown("Text encoder precision", "text_encoders_precision", each, AS_ABOVE)
            vae_precision = _dropdown("VAE precision", "vae_precision", each, AS_ABOVE)
        with gr.Row(elem_classes=["kohaku-form-row"]):
            profile = _dropdown("Block profile", "profile", list(PROFILES), profile_name)
            seed = unsaved(gr.Number(0, label="Merge seed", precision=0, elem_id=element_id("seed")))
        allow = unsaved(
            gr.Checkbox(
                False, label="Merge eps and v-prediction models all the same", elem_id=element_id("allow_mismatch")
            )
        )
        preview_button = button("Show the metadata", "metadata_show")
        preview = html("metadata")
    output = OutputPart(
        name,
        overwrite,
        note,
        precision,
        unet_precision,
        te_precision,
        vae_precision,
        text_encoders,
        vae,
        profile,
        seed,
        allow,
        preview_button,
        preview,
    )
    return output, jobs


def _dropdown(label: str, name: str, choices: list[str], value: str) -> gr.Dropdown:
    return unsaved(gr.Dropdown(choices, value=value, label=label, elem_id=element_id(name), interactive=True))


def build_jobs(info: HostInfo, refresh: gr.Button) -> JobPart:
    """The buttons and the progress; what the host cannot do is not there."""
    with gr.Row(elem_id=element_id("actions")):
        merge = button("Merge", "merge", variant="primary", size="lg")
        stop = button("Stop", "stop", variant="stop", size="lg")
    load_unsaved = restore = None
    if info.can_load_unsaved:
        with gr.Row(elem_id=element_id("load_actions")):
            load_unsaved = button("Load without saving", "load_unsaved")
            restore = button("Restore the model", "restore", visible=False)
    with gr.Column(elem_id=element_id("outcome")):
        note, job, loaded = html("job_note"), html("job"), html("loaded")
        if info.has_progress_bar:  # the webui puts its own bar into the parent of this element
            gr.HTML(div("", div("", id="kohaku_host_bar")), elem_id=element_id("host_bar_place"))
    with hidden():
        poll, ended, opened = hidden_button("poll"), hidden_button("ended"), hidden_button("open")
    return JobPart(merge, load_unsaved, restore, stop, note, job, loaded, poll, ended, opened, refresh)
