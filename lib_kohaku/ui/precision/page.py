"""The precision page: a page for each task on top, what comes of it below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from lib_kohaku.later import LaterHandlers
from lib_kohaku.ui.ids import QUIET, button, element_id, hidden, hidden_button, js
from lib_kohaku.ui.precision import layout_files, layout_live
from lib_kohaku.ui.precision.pieces import html

if TYPE_CHECKING:
    from lib_kohaku.app.merging import MergeWorkbench
    from lib_kohaku.host.base import Host
    from lib_kohaku.ui.precision.handlers import PrecisionHandlers

_LOOK = js("precision.look")
_TAKE = js("precision.takePrompt")


def build(merging: MergeWorkbench) -> None:
    """Build the page inside the current gradio block."""
    PrecisionPage(merging.host, LaterHandlers(lambda: _handlers(merging))).build()


def _handlers(merging: MergeWorkbench) -> PrecisionHandlers:
    from lib_kohaku.app.precision import PrecisionWorkbench
    from lib_kohaku.ui.precision.handlers import PrecisionHandlers

    return PrecisionHandlers(PrecisionWorkbench(merging))


@dataclass(frozen=True)
class _Outcome:
    """Where jobs are shown."""

    note: gr.HTML
    job: gr.HTML
    stop: gr.Button


class PrecisionPage:
    """Builds and wires the page. Tasks that need a loaded model are not there without a host that has one."""

    def __init__(self, host: Host, handlers: LaterHandlers) -> None:
        """Build for a host; events are answered by ``handlers``."""
        self._host = host
        self._do = handlers

    def build(self) -> None:
        """Everything."""
        live = pair = None
        with gr.Tabs(elem_id=element_id("precision_tasks")):
            if self._host.fp8 is not None:
                with gr.TabItem("The loaded model", elem_id=element_id("precision_task_live")):
                    live = layout_live.build_switch()
                with gr.TabItem("Compare images", elem_id=element_id("precision_task_pair")):
                    pair = layout_live.build_pair(can_take=self._host.info.can_generate)
            with gr.TabItem("Convert a file", elem_id=element_id("precision_task_convert")) as convert_tab:
                convert = layout_files.build_convert()
            with gr.TabItem("Measure a file", elem_id=element_id("precision_task_measure")) as measure_tab:
                measure = layout_files.build_measure()
            with gr.TabItem("Import from a zip", elem_id=element_id("precision_task_import")) as import_tab:
                unpack = layout_files.build_import()
        outcome = _build_outcome()
        if live is not None and pair is not None:
            self._wire_live(live, pair, outcome)
        self._wire_files(convert, measure, unpack, outcome)
        lists = [convert.source, measure.source, measure.original, unpack.archive, unpack.note]
        for tab in (convert_tab, measure_tab, import_tab):
            tab.select(self._do.files.lists, None, lists, **QUIET)
        self._wire_looking(lists, outcome)

    def _wire_live(self, live: layout_live.SwitchPart, pair: layout_live.PairPart, outcome: _Outcome) -> None:
        fields = [live.parts, live.fmt, live.scales]
        for field in fields:
            field.input(self._do.live.memory, fields, live.memory, **QUIET)
        self._starts(live.apply, self._do.switch, fields, outcome)
        self._starts(live.take_over, self._do.take_over, [], outcome)
        inputs = [pair.prompt, pair.negative, *pair.numbers, pair.first, pair.second]
        self._starts(pair.make, self._do.pair, inputs, outcome)
        if pair.take is not None:
            pair.take.click(None, None, None, _js=_TAKE, **QUIET)
        with hidden():
            ended = hidden_button("precision_ended")
        outputs = [live.state, live.memory, live.take_over, live.seen, *fields]
        shown = ended.click(self._do.live.state, [live.seen, *fields], outputs, **QUIET)
        field_of_host = None if self._host.fp8 is None else self._host.fp8.setting_field()
        if field_of_host is not None:
            # The webui sends its whole page of settings when any of them is changed.
            shown.then(lambda seen: seen, live.seen, field_of_host, **QUIET)

    def _wire_files(
        self,
        convert: layout_files.ConvertPart,
        measure: layout_files.MeasurePart,
        unpack: layout_files.ImportPart,
        outcome: _Outcome,
    ) -> None:
        asked = [convert.source, convert.target, convert.parts, convert.fmt]
        for field in asked:
            field.input(self._do.files.predict, asked, [convert.memory, convert.details, convert.output], **QUIET)
        self._starts(
            convert.convert, self._do.convert, [*asked, convert.output, convert.overwrite, convert.protect], outcome
        )
        self._starts(measure.measure, self._do.report, [measure.source, measure.original, measure.way], outcome)
        looked = [unpack.entries, unpack.entry, unpack.output]
        unpack.archive.input(self._do.files.look_into, unpack.archive, looked, **QUIET)
        inputs = [unpack.archive, unpack.entry, unpack.output, unpack.overwrite]
        self._starts(unpack.unpack, self._do.unpack, inputs, outcome)

    def _wire_looking(self, lists: list[Any], outcome: _Outcome) -> None:
        """Lists and the running job, asked for by our JavaScript."""
        with hidden():
            opened, poll = hidden_button("precision_open"), hidden_button("precision_poll")
        opened.click(self._do.files.lists, None, lists, **QUIET)
        poll.click(self._do.job, None, outcome.job, **QUIET).then(None, None, None, _js=_LOOK, **QUIET)
        self._starts(outcome.stop, self._do.stop, [], outcome)

    def _starts(self, pressed: gr.Button, handler: Any, inputs: Sequence[Any], outcome: _Outcome) -> None:
        started = pressed.click(handler, list(inputs), [outcome.note, outcome.job], **QUIET)
        started.then(None, None, None, _js=_LOOK, **QUIET)


def _build_outcome() -> _Outcome:
    with gr.Column(elem_id=element_id("precision_outcome")):
        note, job = html("precision_note"), html("precision_job")
        stop = button("Stop the task", "precision_stop", variant="stop")
    return _Outcome(note, job, stop)
