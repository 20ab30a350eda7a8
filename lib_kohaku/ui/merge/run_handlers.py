"""Planning, merging, loading, stopping: handlers without components."""

from __future__ import annotations

import json
from typing import Any

import gradio as gr

from lib_kohaku.app.jobs import Job
from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.app.precision import FP8_JOBS
from lib_kohaku.errors import PlanError
from lib_kohaku.merge.embed import output_metadata
from lib_kohaku.ui.markup import Markup, div, notice, span, tag
from lib_kohaku.ui.merge.errors import shows_errors
from lib_kohaku.ui.merge.form import read_form
from lib_kohaku.ui.merge.job_html import CHOOSE, job_html
from lib_kohaku.ui.merge.plan_html import plan_html
from lib_kohaku.ui.merge.preview import Preview, bound_recipe, make_preview
from lib_kohaku.units import format_bytes


class RunHandlers:
    """Handlers that need nothing but the form."""

    def __init__(self, workbench: MergeWorkbench) -> None:
        self._workbench = workbench

    @property
    def _can_load(self) -> bool:
        return self._workbench.host.info.can_load

    def plan(self, *values: Any) -> list[Any]:
        """Form -> plan, note beside the name, the name's placeholder."""

        @shows_errors(note_at=0, outputs=3)
        def show(*fields: Any) -> list[Any]:
            form = read_form(fields)
            preview = make_preview(self._workbench, form)
            return [plan_html(preview), _output_note(preview, form.overwrite), gr.update(placeholder=preview.name)]

        return show(*values)  # type: ignore[no-any-return]

    def merge(self, *values: Any) -> list[Any]:
        """Form -> notice, job."""
        return self._start(values, self._start_merge)

    def load_unsaved(self, *values: Any) -> list[Any]:
        """Form -> notice, job."""
        return self._start(values, self._start_load_unsaved)

    def restore(self) -> list[Any]:
        """Nothing -> notice, job."""
        return self._start((), self._workbench.start_restore)

    def verify(self, name: Any) -> list[Any]:
        """A file's name -> notice, job."""
        return self._start((name,), self._start_verify)

    def load(self, name: Any) -> list[Any]:
        """A file's name -> notice, job."""
        return self._start((name,), self._start_load)

    def stop(self) -> list[Any]:
        """Nothing -> notice, job."""
        stopped = self._workbench.jobs.stop()
        return [notice("") if stopped else notice("Nothing is running.", "warning"), self.job()]

    def job(self) -> Markup:
        """The last job."""
        job = self._workbench.jobs.current
        return job_html(job, self._can_load, elsewhere=job is not None and job.kind.startswith(FP8_JOBS))

    def metadata(self, *values: Any) -> Any:
        """Form -> what will be written into the file besides the weights."""

        @shows_errors(note_at=0, outputs=1)
        def show(*fields: Any) -> Any:
            form = read_form(fields)
            recipe, files, name = bound_recipe(self._workbench, form)
            plan = self._workbench.plan(recipe, files, allow_prediction_mismatch=form.allow_mismatch)
            entries = output_metadata(plan, name)
            rows = [tag("dt", key) + tag("dd", tag("pre", _pretty(value))) for key, value in entries.items()]
            hint = div("kohaku-hint", "Hashes that are not known yet are computed when you merge.")
            return Markup(hint + tag("dl", *map(Markup, rows), class_="kohaku-metadata"))

        return show(*values)

    def _start(self, values: tuple[Any, ...], start: Any) -> list[Any]:
        @shows_errors(note_at=0, outputs=2)
        def begin(*fields: Any) -> list[Any]:
            start(*fields)
            return ["", self.job()]

        return begin(*values)  # type: ignore[no-any-return]

    def _start_merge(self, *fields: Any) -> Job:
        form = read_form(fields)
        recipe, files, name = bound_recipe(self._workbench, form)
        return self._workbench.start_merge(
            recipe, files, name, overwrite=form.overwrite, allow_prediction_mismatch=form.allow_mismatch
        )

    def _start_load_unsaved(self, *fields: Any) -> Job:
        form = read_form(fields)
        recipe, files, name = bound_recipe(self._workbench, form)
        return self._workbench.start_load_unsaved(recipe, files, name, allow_prediction_mismatch=form.allow_mismatch)

    def _start_verify(self, name: Any) -> Job:
        if not isinstance(name, str) or not name:
            raise PlanError("Choose a merged checkpoint first.")
        return self._workbench.start_verify(name)

    def _start_load(self, name: Any) -> Job:
        path = self._workbench.host.library().find(name) if isinstance(name, str) else None
        if path is None:
            raise PlanError(f"There is no checkpoint {str(name)[:100]!r}.")

        def work(job: Job) -> tuple[str, Any]:
            job.start("Loading", 0, "")
            self._workbench.host.load_checkpoint(path)
            loaded = self._workbench.host.loaded_model()
            return f"{path.stem} is loaded.", loaded.name if loaded is not None else None

        return self._workbench.jobs.start(CHOOSE, f"Loading {path.stem}", work)


def _output_note(preview: Preview, overwrite: bool) -> Markup:
    if preview.plan is None:
        return Markup("")
    if preview.output_problem:
        return notice(preview.output_problem, "error" if preview.plan.rows else "warning")
    file = span("kohaku-mono", f"{preview.name.removesuffix('.safetensors')}.safetensors")
    size = f" \u00b7 {format_bytes(preview.plan.bytes_written)} \u00b7 {format_bytes(preview.free)} free"
    return div("kohaku-hint", file, size)


def _pretty(value: str) -> str:
    try:
        return json.dumps(json.loads(value), ensure_ascii=False, indent=1)
    except ValueError:
        return value
