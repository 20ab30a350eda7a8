"""The fp8 workbench without its looks: the switch, conversions, imports and reports as jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib_kohaku.app.jobs import Job
from lib_kohaku.app.merging import SUFFIX, MergeWorkbench
from lib_kohaku.checkpoint.architectures import detect_architecture
from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.names import resolve_inside
from lib_kohaku.checkpoint.source import load_header
from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.choice import Fp8Choice
from lib_kohaku.fp8.files.archive import import_entry, list_entries
from lib_kohaku.fp8.files.convert import convert_file, expand_file
from lib_kohaku.fp8.files.plan import Profile, policy_for
from lib_kohaku.fp8.files.report import report_file
from lib_kohaku.fp8.policy import MemoryTable, predict
from lib_kohaku.fp8.quality.images import Likeness, Picture, compare_images
from lib_kohaku.host.fp8_control import Fp8Control, ImageRequest
from lib_kohaku.units import format_bytes

ZIP = ".zip"
_LARGEST = 2048
_MOST_STEPS = 150


@dataclass(frozen=True)
class ImagePair:
    """An image made twice.

    Attributes:
        names: How the model was held for each.
        pictures: Both.
        likeness: How alike they are.
    """

    names: tuple[str, str]
    pictures: tuple[Picture, Picture]
    likeness: Likeness


class PrecisionWorkbench:
    """Everything that the precision page can do. Names come from clients and are never opened as paths."""

    def __init__(self, merging: MergeWorkbench) -> None:
        """Share host and jobs with the merge workbench: one long task at a time."""
        self.host = merging.host
        self.jobs = merging.jobs

    @property
    def control(self) -> Fp8Control | None:
        """The switch of the loaded model, None where there is none."""
        return self.host.fp8

    def zips(self) -> list[str]:
        """Names of the zip files that lie directly in the folder for models."""
        return sorted(path.name for path in self.host.output_folder().iterdir() if path.suffix.lower() == ZIP)

    def predicted(self, name: str, profile: Profile, choice: Fp8Choice) -> MemoryTable:
        """Bytes of a file, and of what converting it would give. Reads its header only.

        Raises:
            RefusedError: If there is no such checkpoint or it is damaged.
        """
        tensors = load_header(self.find(name)).tensors
        component_of = detect_architecture(tensors).component_of
        return predict(tensors.values(), component_of, policy_for(profile, choice.policy()))

    def start_convert(self, name: str, output: str, profile: Profile, choice: Fp8Choice, *, overwrite: bool) -> Job:
        """Start writing a checkpoint in fp8.

        Raises:
            RefusedError: If a name is wrong.
            BusyError: If another task is running.
        """
        source, target = self.find(name), self._output(output)

        def work(job: Job) -> tuple[str, Any]:
            sha256 = self.host.sha256(source, job)
            report = convert_file(
                source, target, profile, choice.policy(), sha256=sha256, overwrite=overwrite, progress=job
            )
            self.host.refresh_checkpoints()
            return f"{target.name} is written: {format_bytes(report.bytes_written)}.", report

        return self.jobs.start("fp8 convert", f"Converting {source.stem}", work)

    def start_expand(self, name: str, output: str, dtype: str, *, overwrite: bool) -> Job:
        """Start writing an fp8 checkpoint in ``F16``, ``BF16`` or ``F32``. Errors as for :meth:`start_convert`."""
        source, target = self.find(name), self._output(output)

        def work(job: Job) -> tuple[str, Any]:
            report = expand_file(source, target, DTYPES[dtype], overwrite=overwrite, progress=job)
            self.host.refresh_checkpoints()
            return f"{target.name} is written: {format_bytes(report.bytes_written)}.", None

        return self.jobs.start("fp8 expand", f"Expanding {source.stem}", work)

    def start_import(self, archive: str, output: str, *, overwrite: bool) -> Job:
        """Start taking the checkpoint out of a zip of the folder for models. Errors as for :meth:`start_convert`."""
        if archive not in self.zips():
            raise RefusedError(f"There is no zip file {archive[:100]!r} in the folder for models.")
        source = self.host.output_folder() / archive
        entries = list_entries(source)
        if len(entries) != 1:
            raise RefusedError(f"{archive} holds {len(entries)} safetensors files; one can be imported here.")
        target = self._output(output or entries[0].name)

        def work(job: Job) -> tuple[str, Any]:
            entry = import_entry(source, target, overwrite=overwrite, progress=job)
            self.host.refresh_checkpoints()
            return f"{target.name} is taken out: {format_bytes(entry.size)}.", None

        return self.jobs.start("fp8 import", f"Importing {archive}", work)

    def start_report(self, name: str, choice: Fp8Choice, original: str = "") -> Job:
        """Start measuring what fp8 costs every weight of a checkpoint. Errors as for :meth:`start_convert`."""
        path = self.find(name)
        reference = self.find(original) if original else None

        def work(job: Job) -> tuple[str, Any]:
            report = report_file(path, choice.policy(), original=reference, progress=job)
            if not report.qualities:
                return f"{path.stem} is fp8 itself: choose its original to compare with.", report
            return f"{report.summary.weights} weights measured.", report

        return self.jobs.start("fp8 report", f"Measuring {path.stem}", work)

    def start_switch(self, choice: Fp8Choice) -> Job:
        """Start holding the loaded model as chosen. Errors as for :meth:`start_convert`."""
        control = self._control()

        def work(job: Job) -> tuple[str, Any]:
            state = control.choose(choice, job, task=job.id)
            held = f"The loaded model is held as: {state.held}."
            return held if state.model else "No model is loaded; it counts for the next one.", None

        return self._start_on_model(work, f"fp8: {choice.text}")

    def start_pair(self, request: ImageRequest, first: Fp8Choice, second: Fp8Choice) -> Job:
        """Start making the same image with the model held in two ways.

        Raises:
            RefusedError: If the image cannot be of that size, or there is no model here.
            BusyError: If another task is running.
        """
        control = self._control()
        if not all(size % 8 == 0 and 64 <= size <= _LARGEST for size in (request.width, request.height)):
            raise RefusedError(f"Width and height are multiples of 8 from 64 to {_LARGEST}.")
        if not 1 <= request.steps <= _MOST_STEPS:
            raise RefusedError(f"There are 1 to {_MOST_STEPS} steps.")

        def work(job: Job) -> tuple[str, Any]:
            pictures = control.pair(request, (first, second), job, task=job.id)
            result = ImagePair((first.text, second.text), pictures, compare_images(*pictures))
            return "Both images are made.", result

        return self._start_on_model(work, "The same image twice")

    def start_take_over(self) -> Job:
        """Start taking over from the host's own fp8. Errors as for :meth:`start_convert`."""
        control = self._control()

        def work(job: Job) -> tuple[str, Any]:
            return f"The loaded model is held as: {control.take_over(job, task=job.id).held}.", None

        return self._start_on_model(work, "Taking over from the webui's FP8")

    def find(self, name: str) -> Path:
        """The file of a checkpoint.

        Raises:
            RefusedError: If there is none of that name.
        """
        path = self.host.library().find(name) if name else None
        if path is None:
            raise RefusedError(f"There is no checkpoint {name[:100]!r}." if name else "Choose a checkpoint first.")
        return path

    def _output(self, name: str) -> Path:
        return resolve_inside(self.host.output_folder(), name, SUFFIX)

    def _control(self) -> Fp8Control:
        if self.control is None:
            raise RefusedError("There is no loaded model here.")
        return self.control

    def _start_on_model(self, work: Callable[[Job], tuple[str, Any]], title: str) -> Job:
        return self.jobs.start("fp8 switch", title, work)
