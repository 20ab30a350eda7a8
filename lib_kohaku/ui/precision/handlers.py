"""What the precision page's events do, without components: jobs, and what all its parts need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lib_kohaku.app.image_pair import ImagePair
from lib_kohaku.app.precision import FP8_JOBS, Conversion, PrecisionWorkbench
from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.choice import OFF, Fp8Choice, parse_choice
from lib_kohaku.fp8.files.convert import ConversionReport
from lib_kohaku.fp8.files.report import FileReport
from lib_kohaku.fp8.quality import WeightQuality, summarise
from lib_kohaku.host.fp8_control import ImageRequest
from lib_kohaku.ui.markup import Markup, join, notice
from lib_kohaku.ui.merge.errors import shows_errors
from lib_kohaku.ui.merge.job_html import job_html
from lib_kohaku.ui.precision.file_handlers import FileHandlers
from lib_kohaku.ui.precision.live_handlers import LiveHandlers
from lib_kohaku.ui.precision.memory_html import after, before, memory_html
from lib_kohaku.ui.precision.pair_html import pair_html
from lib_kohaku.ui.precision.quality_html import quality_html

_LARGEST_NUMBER = 2**63 - 1


class PrecisionHandlers:
    """Values come from browsers: everything is checked again here or in the workbench.

    Attributes:
        live: Those about the loaded model.
        files: Those about files.
    """

    def __init__(self, workbench: PrecisionWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench
        self.live = LiveHandlers(workbench)
        self.files = FileHandlers(workbench)

    def job(self) -> Markup:
        """The last job, and the report that it gave."""
        job = self._workbench.jobs.current
        if job is None or not job.kind.startswith(FP8_JOBS):
            return job_html(job, elsewhere=True)
        return join(job_html(job), _result_html(job.result))

    def switch(self, *fields: Any) -> list[Any]:
        """Parts, format, scales -> notice, job."""
        return self._start(lambda: self._workbench.start_switch(self.live.choice(*fields)))

    def take_over(self) -> list[Any]:
        """Nothing -> notice, job."""
        return self._start(self._workbench.start_take_over)

    def pair(self, *values: Any) -> list[Any]:
        """Prompt, negative prompt, seed, steps, width, height, two ways of holding the model -> notice, job."""

        def start() -> Any:
            prompt, negative, *numbers, first, second = values
            request = ImageRequest(str(prompt or ""), str(negative or ""), *map(_whole_number, numbers))
            return self._workbench.start_pair(request, _way(first), _way(second))

        return self._start(start)

    def convert(self, *values: Any) -> list[Any]:
        """Checkpoint, profile, parts, format, name of the result, overwrite, protect -> notice, job."""
        return self._start(lambda: self.files.start_convert(*values))

    def unpack(self, archive: Any, entry: Any, output: Any, overwrite: Any) -> list[Any]:
        """Zip, file inside it, name of the result, overwrite -> notice, job."""
        texts = str(archive or ""), str(output or ""), str(entry or "")
        return self._start(lambda: self._workbench.start_import(*texts, overwrite=bool(overwrite)))

    def report(self, name: Any, original: Any, way: Any) -> list[Any]:
        """Checkpoint, its original, how it would be held -> notice, job."""
        return self._start(lambda: self._workbench.start_report(str(name or ""), _way(way), str(original or "")))

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


def _result_html(result: Any) -> Markup:
    if isinstance(result, ImagePair):
        return pair_html(result)
    if isinstance(result, Conversion):
        predicted = result.report.memory
        states = [
            before(predicted, "Original file"),
            after(predicted, "Predicted"),
            after(result.written, "New file"),
        ]
        return join(memory_html(states), _qualities_html(result.report.qualities))
    if isinstance(result, ConversionReport):
        return memory_html([before(result.memory, "Original file"), after(result.memory, "New file")])
    if isinstance(result, FileReport):
        if result.scheme:
            states = [before(result.memory, "In 16 bit"), after(result.memory, "This file")]
        else:
            states = [before(result.memory, "This file"), after(result.memory, "Predicted")]
        return join(memory_html(states), _qualities_html(result.qualities))
    return Markup("")


def _qualities_html(qualities: tuple[WeightQuality, ...]) -> Markup:
    return quality_html(qualities, summarise(qualities))


def _whole_number(value: Any) -> int:
    try:
        number = int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise RefusedError(f"{str(value)[:40]!r} is no whole number.") from error
    if abs(number) > _LARGEST_NUMBER:
        raise RefusedError(f"{number} is too large.")
    return number


def _way(text: Any) -> Fp8Choice:
    return parse_choice(str(text or OFF.text))
