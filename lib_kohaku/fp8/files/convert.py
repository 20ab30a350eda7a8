"""From a checkpoint file to another: to fp8, and back."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib_kohaku.checkpoint.dtypes import DTYPES, DType
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.source import SAFETENSORS
from lib_kohaku.checkpoint.writer import CheckpointWriter
from lib_kohaku.errors import OutputExistsError
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.fp8.files.pipeline import Pipeline
from lib_kohaku.fp8.files.plan import Action, ConversionPlan, Profile, plan_conversion, plan_expansion
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.fp8.files.work import jobs
from lib_kohaku.fp8.policy import MemoryTable, Policy
from lib_kohaku.fp8.quality import WeightQuality, summarise
from lib_kohaku.progress import Progress, SilentProgress, raise_if_cancelled


@dataclass(frozen=True)
class ConversionReport:
    """What a conversion did.

    Attributes:
        architecture: Label of the model's architecture.
        memory: Bytes by component in the input and in the output.
        qualities: What each new fp8 weight lost; empty if that was not asked for.
        carried: How many weights were fp8 already and were taken over code by code.
        dropped: Tensors of the input without a place in the output (activation scales).
        bytes_read: Bytes of tensors that were read.
        bytes_written: Bytes of tensors that were written.
        seconds: How long it took, without planning.
    """

    architecture: str
    memory: MemoryTable
    qualities: tuple[WeightQuality, ...]
    carried: int
    dropped: tuple[str, ...]
    bytes_read: int
    bytes_written: int
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """One JSON document."""
        return {
            "architecture": self.architecture,
            "memory": self.memory.to_json(),
            "quality": summarise(self.qualities).to_json() if self.qualities else None,
            "weights": [quality.to_json() for quality in self.qualities],
            "carried": self.carried,
            "dropped": list(self.dropped),
            "bytes_read": self.bytes_read,
            "bytes_written": self.bytes_written,
            "seconds": round(self.seconds, 3),
        }


def convert_file(
    source: Path,
    output: Path,
    profile: Profile,
    policy: Policy,
    *,
    sha256: str = "",
    overwrite: bool = False,
    with_quality: bool = True,
    progress: Progress | None = None,
    mode: IOMode = IOMode.AUTO,
) -> ConversionReport:
    """Convert a checkpoint to fp8.

    Args:
        source: Any checkpoint, fp8 or not. It is not changed.
        output: The file to make, ending in ``.safetensors``.
        profile: For whom.
        policy: What is converted; narrowed to what the profile can express.
        sha256: Of the source, kept in the output's metadata; empty if it is not known.
        overwrite: Whether an existing file may be replaced, in one step, after the new one is complete.
        with_quality: Whether to measure what is lost; costs about as much time as converting.
        progress: Told of bytes; may cancel.
        mode: How files are read and written.

    Raises:
        CheckpointError: If the source is damaged or changes meanwhile.
        Fp8Error: If it cannot or need not be converted: NaN, unknown quantisation, nothing to convert.
        OutputExistsError: If ``output`` exists and may not be replaced.
        FailedError: If writing fails.
        CancelledError: If ``progress`` said so. After any error there is no new file.
    """
    check_paths(source, output, overwrite=overwrite)
    with Fp8Checkpoint(source, mode) as file:
        plan = plan_conversion(file, profile, policy, sha256)
        return _execute(
            file, plan, output, overwrite=overwrite, with_quality=with_quality, progress=progress, mode=mode
        )


def expand_file(
    source: Path,
    output: Path,
    wide: DType = DTYPES["F16"],
    *,
    sha256: str = "",
    overwrite: bool = False,
    progress: Progress | None = None,
    mode: IOMode = IOMode.AUTO,
) -> ConversionReport:
    """Convert an fp8 checkpoint of any supported scheme to an ordinary one; scales are applied.

    Args:
        source: The fp8 file. It is not changed.
        output: The file to make.
        wide: Type of what was fp8: ``F16``, ``BF16`` or ``F32``.
        sha256: As for :func:`convert_file`.
        overwrite: As for :func:`convert_file`.
        progress: Told of bytes; may cancel.
        mode: How files are read and written.

    Raises:
        Fp8Error: If nothing in the source is fp8, or in a way that is not supported.
        KohakuError: As for :func:`convert_file`.
    """
    check_paths(source, output, overwrite=overwrite)
    with Fp8Checkpoint(source, mode) as file:
        plan = plan_expansion(file, wide, sha256)
        return _execute(file, plan, output, overwrite=overwrite, with_quality=False, progress=progress, mode=mode)


def check_paths(source: Path, output: Path, *, overwrite: bool) -> None:
    """What a conversion checks first, for callers who hash or measure the source before it.

    Raises:
        Fp8Error: If there cannot be such an output, or it is the source.
        OutputExistsError: If ``output`` exists and may not be replaced.
    """
    if not output.name.lower().endswith(SAFETENSORS):
        raise Fp8Error(f"the output has to end in {SAFETENSORS}, '{output.name}' does not")
    if not output.parent.is_dir():
        raise Fp8Error(f"there is no folder '{output.parent}'")
    if output.exists() and source.exists() and output.samefile(source):
        raise Fp8Error("the output is the input; give another name")
    if output.exists() and not overwrite:
        raise OutputExistsError(f"{output.name} exists already.")


def _execute(
    file: Fp8Checkpoint,
    plan: ConversionPlan,
    output: Path,
    *,
    overwrite: bool,
    with_quality: bool,
    progress: Progress | None,
    mode: IOMode,
) -> ConversionReport:
    progress = progress or SilentProgress()
    began = time.monotonic()
    work = list(jobs(plan.steps, file))
    bytes_read = sum(job.nbytes for job in work)
    bytes_written = sum(step.spec.nbytes for step in plan.steps)
    progress.start(f"Converting {file.label}", bytes_read + bytes_written, "bytes")
    qualities: list[WeightQuality] = []
    specs = [step.spec for step in plan.steps]
    with CheckpointWriter(output, specs, plan.metadata, overwrite=overwrite, mode=mode) as writer:
        with Pipeline(file, with_quality=with_quality) as pipeline:
            for job, made in pipeline.results(work):
                raise_if_cancelled(progress)
                writer.write(made.data)
                if made.quality is not None:
                    qualities.append(made.quality)
                progress.advance(job.nbytes + len(made.data))
        file.checkpoint.reader.check_unchanged()
        raise_if_cancelled(progress)
        writer.finish()
    return ConversionReport(
        architecture=plan.architecture.label,
        memory=plan.memory,
        qualities=tuple(qualities),
        carried=sum(step.action is Action.CARRY for step in plan.steps),
        dropped=plan.dropped,
        bytes_read=bytes_read,
        bytes_written=bytes_written,
        seconds=time.monotonic() - began,
    )
