"""The precision page: its components and events."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import gradio as gr

from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.app.precision import PrecisionWorkbench
from lib_kohaku.fp8.choice import Fp8Choice, Parts, all_choices
from lib_kohaku.fp8.files.plan import Profile
from lib_kohaku.host.fp8_control import ImageRequest
from lib_kohaku.ui.ids import QUIET, button, element_id, hidden, hidden_button, js, unsaved
from lib_kohaku.ui.markup import div
from lib_kohaku.ui.precision.handlers import EXPAND, PrecisionHandlers

_PROFILES = [profile.value for profile in Profile]
_ON = [choice.text for choice in all_choices() if choice.on and choice.scaled]
_USUAL = Fp8Choice(Parts.UNET).text


@dataclass(frozen=True)
class _Outcome:
    """Where jobs are shown."""

    note: gr.HTML
    job: gr.HTML


def build(merging: MergeWorkbench) -> None:
    """Build the page inside the current gradio block."""
    PrecisionPage(PrecisionWorkbench(merging)).build()


class PrecisionPage:
    """Builds and wires the page, one method per part."""

    def __init__(self, workbench: PrecisionWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench
        self._do = PrecisionHandlers(workbench)

    def build(self) -> None:
        """All parts: on the left what is to be done, on the right what comes of it."""
        with gr.Row():
            left = gr.Column(scale=5)
            with gr.Column(scale=4):
                outcome = self._outcome()
        with left:
            if self._workbench.control is not None:
                self._switch(outcome)
                self._pair(outcome)
            lists = [*self._convert(outcome), *self._report(outcome), self._import(outcome)]
        with hidden():
            opened, poll = hidden_button("precision_open"), hidden_button("precision_poll")
        opened.click(self._do.open, None, [*lists, outcome.job], **QUIET).then(None, None, None, _js=_LOOK, **QUIET)
        poll.click(self._do.job, None, outcome.job, **QUIET).then(None, None, None, _js=_LOOK, **QUIET)

    def _outcome(self) -> _Outcome:
        stop = button("Stop the task", "precision_stop", variant="stop")
        note = gr.HTML("", elem_id=element_id("precision_note"))
        outcome = _Outcome(note, gr.HTML("", elem_id=element_id("precision_job")))
        self._starts(stop.click, self._do.stop, [], outcome)
        return outcome

    def _switch(self, outcome: _Outcome) -> None:
        gr.HTML(div("kohaku-title", "The loaded model"))
        state = gr.HTML("", elem_id=element_id("precision_state"))
        choices = [choice.text for choice in all_choices()]
        choice = _dropdown("Hold its weights as", "precision_choice", choices, choices[0])
        with gr.Row(elem_classes=["kohaku-form-row"]):
            apply = button("Apply to the model", "precision_apply", variant="primary")
            take_over = button("Take over from the webui's FP8", "precision_take_over", visible=False)
        predicted, now = gr.HTML("", elem_id=element_id("precision_predicted")), gr.HTML("")
        choice.input(self._do.predict, choice, predicted, **QUIET)
        self._starts(apply.click, self._do.switch, [choice], outcome)
        self._starts(take_over.click, self._do.take_over, [], outcome)
        with hidden():
            ended = hidden_button("precision_ended")
        ended.click(self._do.state, None, [state, now, take_over], **QUIET)

    def _pair(self, outcome: _Outcome) -> None:
        choices = [choice.text for choice in all_choices()]
        gr.HTML(div("kohaku-title", "The same image twice"))
        with gr.Row(elem_classes=["kohaku-form-row"]):
            first = _dropdown("First image", "precision_first", choices, choices[0])
            second = _dropdown("Second image", "precision_second", choices, _USUAL)
        prompt = unsaved(gr.Textbox(label="Prompt of both images", elem_id=element_id("precision_prompt")))
        negative = unsaved(gr.Textbox(label="Negative prompt of both", elem_id=element_id("precision_negative")))
        usual = ImageRequest("")
        with gr.Row(elem_classes=["kohaku-form-row"]):
            numbers = [
                unsaved(gr.Number(value, label=label, precision=0, elem_id=element_id(f"precision_{name}")))
                for label, name, value in (
                    ("Image seed", "seed", usual.seed),
                    ("Steps", "steps", usual.steps),
                    ("Image width", "width", usual.width),
                    ("Image height", "height", usual.height),
                )
            ]
            make = button("Make both images", "precision_pair")
        self._starts(make.click, self._do.pair, [prompt, negative, *numbers, first, second], outcome)

    def _convert(self, outcome: _Outcome) -> list[gr.Dropdown]:
        gr.HTML(div("kohaku-title", "Convert a file"))
        source = _dropdown("Checkpoint", "precision_source", [])
        with gr.Row(elem_classes=["kohaku-form-row"]):
            profile = _dropdown("For", "precision_profile", [*_PROFILES, *EXPAND], _PROFILES[0])
            choice = _dropdown("In fp8", "precision_file_choice", _ON, _USUAL)
        with gr.Row(elem_classes=["kohaku-form-row"]):
            output = unsaved(
                gr.Textbox(label="Name of the fp8 file", elem_id=element_id("precision_output"), max_lines=1)
            )
            convert = button("Convert", "precision_convert", variant="primary")
        overwrite = unsaved(gr.Checkbox(False, label="Overwrite it", elem_id=element_id("precision_overwrite")))
        predicted = gr.HTML("", elem_id=element_id("precision_file_predicted"))
        for component in (source, profile, choice):
            component.input(self._do.predict_file, [source, profile, choice], predicted, **QUIET)
        self._starts(convert.click, self._do.convert, [source, profile, choice, output, overwrite], outcome)
        return [source]

    def _report(self, outcome: _Outcome) -> list[gr.Dropdown]:
        gr.HTML(div("kohaku-title", "What fp8 costs"))
        with gr.Row(elem_classes=["kohaku-form-row"]):
            name = _dropdown("Measure", "precision_report_of", [])
            original = _dropdown("Original of an fp8 file", "precision_original", [])
            choice = _dropdown("Held as", "precision_report_choice", [c.text for c in all_choices() if c.on], _USUAL)
        measure = button("Measure every weight", "precision_measure")
        self._starts(measure.click, self._do.report, [name, original, choice], outcome)
        return [name, original]

    def _import(self, outcome: _Outcome) -> gr.Dropdown:
        gr.HTML(div("kohaku-title", "Take a checkpoint out of a zip"))
        with gr.Row(elem_classes=["kohaku-form-row"]):
            archive = _dropdown("Zip in the folder for models", "precision_zip", [])
            output = unsaved(
                gr.Textbox(label="Name of the imported file", max_lines=1, elem_id=element_id("precision_zip_output"))
            )
            unpack = button("Import", "precision_import")
        replace = unsaved(gr.Checkbox(False, label="Replace the file", elem_id=element_id("precision_replace")))
        self._starts(unpack.click, self._do.unpack, [archive, output, replace], outcome)
        return archive

    def _starts(self, event: Any, handler: Any, inputs: Sequence[Any], outcome: _Outcome) -> None:
        started = event(handler, list(inputs), [outcome.note, outcome.job], **QUIET)
        started.then(None, None, None, _js=_LOOK, **QUIET)


_LOOK = js("precision.look")


def _dropdown(label: str, name: str, choices: list[str], value: str | None = None) -> gr.Dropdown:
    return unsaved(gr.Dropdown(choices, value=value, label=label, elem_id=element_id(name), interactive=True))
