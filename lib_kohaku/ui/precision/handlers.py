"""What the precision page's events do, without components."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gradio as gr

from lib_kohaku.app.precision import ImagePair, PrecisionWorkbench
from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.choice import OFF, Fp8Choice, parse_choice
from lib_kohaku.fp8.files.convert import ConversionReport
from lib_kohaku.fp8.files.plan import Profile
from lib_kohaku.fp8.files.report import FileReport
from lib_kohaku.fp8.quality import summarise
from lib_kohaku.host.fp8_control import Fp8State, ImageRequest
from lib_kohaku.ui.markup import Markup, div, join, notice, span
from lib_kohaku.ui.merge.errors import shows_errors
from lib_kohaku.ui.merge.job_html import job_html
from lib_kohaku.ui.precision.memory_html import memory_html
from lib_kohaku.ui.precision.pair_html import pair_html
from lib_kohaku.ui.precision.quality_html import quality_html

_LARGEST_NUMBER = 2**63 - 1
EXPAND = {"expand fp16": "F16", "expand bf16": "BF16", "expand fp32": "F32"}


class PrecisionHandlers:
    """Values come from browsers: everything is checked again here or in the workbench."""

    def __init__(self, workbench: PrecisionWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench

    # -- lists and state ------------------------------------------------------------------------------------------

    def open(self) -> list[Any]:
        """Nothing -> four lists of names, job."""

        @shows_errors(note_at=4, outputs=5)
        def lists() -> list[Any]:
            names = self._workbench.host.library().names
            each = [gr.update(choices=names) for _ in range(2)]
            return [*each, gr.update(choices=["", *names]), gr.update(choices=self._workbench.zips()), self.job()]

        return lists()  # type: ignore[no-any-return]

    def job(self) -> Markup:
        """The last job, and the report that it gave."""
        job = self._workbench.jobs.current
        shown = job_html(job)
        result = None if job is None else job.result
        if isinstance(result, ImagePair):
            return join(shown, pair_html(result))
        if not isinstance(result, (ConversionReport, FileReport)):
            return shown
        quality = quality_html(result.qualities, summarise(result.qualities))
        return join(shown, memory_html(result.memory, "in fp8"), quality)

    def state(self) -> list[Any]:
        """Nothing -> how the loaded model is held, its bytes, the button to take over."""
        control = self._workbench.control
        if control is None:
            return [Markup(""), Markup(""), gr.update(visible=False)]
        state = control.state()
        return [_state_html(state), memory_html(control.memory(), "now"), gr.update(visible=state.host_fp8)]

    # -- the loaded model -----------------------------------------------------------------------------------------

    def predict(self, choice: Any) -> Any:
        """A choice -> bytes of the loaded model."""

        @shows_errors(note_at=0, outputs=1)
        def show(text: Any) -> Any:
            control = self._workbench.control
            return Markup("") if control is None else memory_html(control.predicted(_choice(text)), "predicted")

        return show(choice)

    def switch(self, choice: Any) -> list[Any]:
        """A choice -> notice, job."""
        return self._start(lambda: self._workbench.start_switch(_choice(choice)))

    def take_over(self) -> list[Any]:
        """Nothing -> notice, job."""
        return self._start(self._workbench.start_take_over)

    def pair(self, *values: Any) -> list[Any]:
        """Prompt, negative prompt, seed, steps, width, height, two choices -> notice, job."""

        def start() -> Any:
            prompt, negative, *numbers, first, second = values
            request = ImageRequest(str(prompt or ""), str(negative or ""), *map(_whole_number, numbers))
            return self._workbench.start_pair(request, _choice(first), _choice(second))

        return self._start(start)

    # -- files ----------------------------------------------------------------------------------------------------

    def predict_file(self, name: Any, profile: Any, choice: Any) -> Any:
        """Checkpoint, profile, choice -> bytes of the file."""

        @shows_errors(note_at=0, outputs=1)
        def show(*_: Any) -> Any:
            if not name or str(profile) in EXPAND:
                return Markup("")
            return memory_html(self._workbench.predicted(str(name), _profile(profile), _choice(choice)), "predicted")

        return show()

    def convert(self, name: Any, profile: Any, choice: Any, output: Any, overwrite: Any) -> list[Any]:
        """Checkpoint, profile, choice, name of the result, overwrite -> notice, job."""

        def start() -> Any:
            dtype = EXPAND.get(str(profile))
            if dtype is not None:
                return self._workbench.start_expand(
                    str(name or ""), str(output or ""), dtype, overwrite=bool(overwrite)
                )
            wanted = _choice(choice)
            if not wanted.on:
                raise RefusedError("Choose what is to be in fp8.")
            return self._workbench.start_convert(
                str(name or ""), str(output or ""), _profile(profile), wanted, overwrite=bool(overwrite)
            )

        return self._start(start)

    def unpack(self, archive: Any, output: Any, overwrite: Any) -> list[Any]:
        """Zip, name of the result, overwrite -> notice, job."""
        return self._start(
            lambda: self._workbench.start_import(str(archive or ""), str(output or ""), overwrite=bool(overwrite))
        )

    def report(self, name: Any, original: Any, choice: Any) -> list[Any]:
        """Checkpoint, its original, choice -> notice, job."""
        return self._start(lambda: self._workbench.start_report(str(name or ""), _choice(choice), str(original or "")))

    def stop(self) -> list[Any]:
        """Nothing -> notice, job."""
        stopped = self._workbench.jobs.stop()
        return [notice("") if stopped else notice("Nothing is running.", "warning"), self.job()]

    def _start(self, start: Callable[[], Any]) -> list[Any]:
        @shows_errors(note_at=0, outputs=2)
        def begin() -> list[Any]:
            start()
            return ["", self.job()]

        return begin()  # type: ignore[no-any-return]


def _whole_number(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusedError(f"{str(value)[:40]!r} is no whole number.") from error
    if abs(number) > _LARGEST_NUMBER:
        raise RefusedError(f"{number} is too large.")
    return number


def _choice(text: Any) -> Fp8Choice:
    return parse_choice(str(text or OFF.text))


def _profile(value: Any) -> Profile:
    try:
        return Profile(str(value))
    except ValueError as error:
        raise RefusedError(f"There is no profile {str(value)[:40]!r}.") from error


def _state_html(state: Fp8State) -> Markup:
    if not state.model:
        return div("kohaku-hint", "No model is loaded. The choice counts for the next one.")
    model = div("kohaku-hint", "Loaded now: ", span("kohaku-mono", state.model), f", held as: {state.held}")
    return join(model, notice(state.problem, "warning"))
