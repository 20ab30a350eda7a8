"""The fp8 workbench without its looks: the switch, conversions, imports and reports as jobs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib_kohaku.app.image_pair import checked_request, compared
from lib_kohaku.app.jobs import Job
from lib_kohaku.app.merging import SUFFIX, MergeWorkbench
from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.names import resolve_inside
from lib_kohaku.checkpoint.source import load_header
from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.choice import Fp8Choice
from lib_kohaku.fp8.files.archive import ArchiveEntry, import_entry, list_entries
from lib_kohaku.fp8.files.convert import ConversionReport, check_paths, convert_file, expand_file
from lib_kohaku.fp8.files.exceptions import describe_exceptions, find_exceptions
from lib_kohaku.fp8.files.plan import METADATA_SOURCE, Profile, plan_conversion, plan_expansion
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.fp8.files.report import report_file
from lib_kohaku.fp8.policy import MemoryTable
from lib_kohaku.fp8.policy.automatic import Limits
from lib_kohaku.host.fp8_control import Fp8Control, ImageRequest
from lib_kohaku.units import format_bytes

ZIP = ".zip"
# The kinds of its jobs begin with this.
FP8_JOBS = "fp8 "


@dataclass(frozen=True)
class Conversion:
    """A checkpoint written in fp8.

    Attributes:
        report: What was done, with the bytes that had been predicted.
        written: Bytes of the model in 16 bit, and of the file as it is now.
    """

    report: ConversionReport
    written: MemoryTable


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
        files = (path for path in self.host.output_folder().iterdir() if path.is_file())
        return sorted(path.name for path in files if path.suffix.lower() == ZIP)

    def predicted(self, name: str, profile: Profile, choice: Fp8Choice) -> MemoryTable:
        """Bytes of a file, and of what converting it would give. Reads headers and marks only.

        Raises:
            RefusedError: If there is no such checkpoint, or it cannot be converted so.
            CheckpointError: If it is damaged.
        """
        with Fp8Checkpoint(self.find(name)) as file:
            return plan_conversion(file, profile, choice.policy(), "").memory

    def predicted_expansion(self, name: str, dtype: str) -> MemoryTable:
        """Bytes of an fp8 file, and of the same in ``F16``, ``BF16`` or ``F32``. Errors as for :meth:`predicted`."""
        with Fp8Checkpoint(self.find(name)) as file:
            return plan_expansion(file, DTYPES[dtype], "").memory

    def start_convert(
        self, name: str, output: str, profile: Profile, choice: Fp8Choice, *, overwrite: bool, protect: bool = False
    ) -> Job:
        """Start writing a checkpoint in fp8.

        Args:
            name: The checkpoint.
            output: Name of the file to make.
            profile: For whom it is.
            choice: What is in fp8 in it, and how.
            overwrite: Whether an existing file may be replaced.
            protect: Whether weights with a channel that would be lost get a scale per channel, or stay as they are.

        Raises:
            RefusedError: If a name is wrong.
            BusyError: If another task is running.
        """
        source, target = self.find(name), self._output(output)

        def work(job: Job) -> tuple[str, Any]:
            check_paths(source, target, overwrite=overwrite)
            sha256 = self.host.sha256(source, job)
            policy, said = choice.policy(), ""
            if protect:
                refinement = find_exceptions(source, profile, policy, Limits(), job)
                policy, said = refinement.policy, f" {describe_exceptions(refinement)}"
            report = convert_file(source, target, profile, policy, sha256=sha256, overwrite=overwrite, progress=job)
            self.host.refresh_checkpoints()
            written = report_file(target, policy, with_quality=False).memory
            done = f"{target.name} is written: {format_bytes(report.bytes_written)}.{said}"
            return done, Conversion(report, written)

        return self.jobs.start("fp8 convert", f"Converting {source.stem}", work)

    def start_expand(self, name: str, output: str, dtype: str, *, overwrite: bool) -> Job:
        """Start writing an fp8 checkpoint in ``F16``, ``BF16`` or ``F32``. Errors as for :meth:`start_convert`."""
        source, target = self.find(name), self._output(output)

        def work(job: Job) -> tuple[str, Any]:
            check_paths(source, target, overwrite=overwrite)
            sha256 = self.host.sha256(source, job)
            report = expand_file(source, target, DTYPES[dtype], sha256=sha256, overwrite=overwrite, progress=job)
            self.host.refresh_checkpoints()
            return f"{target.name} is written: {format_bytes(report.bytes_written)}.", report

        return self.jobs.start("fp8 expand", f"Expanding {source.stem}", work)

    def entries(self, archive: str) -> tuple[ArchiveEntry, ...]:
        """The checkpoints in a zip of the folder for models.

        Raises:
            RefusedError: If there is no such zip, or it is damaged.
        """
        return list_entries(self._zip(archive))

    def start_import(self, archive: str, output: str, entry: str = "", *, overwrite: bool) -> Job:
        """Start taking a checkpoint out of a zip of the folder for models.

        Args:
            archive: Name of the zip.
            output: Name of the file to make; empty for the name inside the zip.
            entry: Path inside the zip; may be empty if there is only one checkpoint in it.
            overwrite: Whether an existing file may be replaced.

        Raises:
            RefusedError: If a name is wrong, or the zip does not hold what is asked for.
            BusyError: If another task is running.
        """
        source = self._zip(archive)
        chosen = _choose_entry(archive, list_entries(source), entry)
        target = self._output(output or chosen.name)

        def work(job: Job) -> tuple[str, Any]:
            taken = import_entry(source, target, chosen.path, overwrite=overwrite, progress=job)
            self.host.refresh_checkpoints()
            return f"{target.name} is taken out: {format_bytes(taken.size)}.", None

        return self.jobs.start("fp8 import", f"Importing {archive}", work)

    def start_report(self, name: str, choice: Fp8Choice, original: str = "") -> Job:
        """Start measuring what fp8 costs every weight of a checkpoint.

        Args:
            name: The checkpoint.
            choice: How it would be held, if it is not fp8 itself.
            original: What an fp8 checkpoint was made from; if empty, it is looked for by its hash.

        Raises:
            RefusedError: If a name is wrong.
            BusyError: If another task is running.
        """
        path = self.find(name)
        given = self.find(original) if original else None

        def work(job: Job) -> tuple[str, Any]:
            reference = given or self._original_of(path)
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
            RefusedError: If the image cannot be made so, or there is no model here.
            BusyError: If another task is running.
        """
        control = self._control()
        request = checked_request(request)

        def work(job: Job) -> tuple[str, Any]:
            pictures = control.pair(request, (first, second), job, task=job.id)
            return "Both images are made.", compared((first.text, second.text), request.seed, pictures)

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

    def _original_of(self, path: Path) -> Path | None:
        """The file that a checkpoint says it was made from, among those whose hash is known."""
        sha256 = load_header(path).metadata.get(METADATA_SOURCE, "")
        library = self.host.library()
        paths = (library.find(name) for name in library.names) if sha256 else ()
        return next((found for found in paths if found and self.host.known_sha256(found) == sha256), None)

    def _zip(self, name: str) -> Path:
        if name not in self.zips():
            raise RefusedError(
                f"There is no zip file {name[:100]!r} in the folder for models." if name else "Choose a zip file first."
            )
        return self.host.output_folder() / name

    def _output(self, name: str) -> Path:
        return resolve_inside(self.host.output_folder(), name, SUFFIX)

    def _control(self) -> Fp8Control:
        if self.control is None:
            raise RefusedError("There is no loaded model here.")
        return self.control

    def _start_on_model(self, work: Callable[[Job], tuple[str, Any]], title: str) -> Job:
        return self.jobs.start("fp8 switch", title, work)


def _choose_entry(archive: str, entries: tuple[ArchiveEntry, ...], path: str) -> ArchiveEntry:
    if not entries:
        raise RefusedError(f"There is no safetensors file in {archive}.")
    if not path and len(entries) > 1:
        raise RefusedError(f"{archive} holds {len(entries)} safetensors files: choose one.")
    chosen = next((entry for entry in entries if path in ("", entry.path)), None)
    if chosen is None:
        raise RefusedError(f"There is no {path[:100]!r} in {archive}.")
    return chosen
