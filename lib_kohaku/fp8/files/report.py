"""What is in a file, what converting it would save, and what that would cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib_kohaku.checkpoint.architectures import detect_architecture
from lib_kohaku.checkpoint.metadata import json_entry
from lib_kohaku.fp8.errors import Fp8FileError
from lib_kohaku.fp8.files.memory import Scratch
from lib_kohaku.fp8.files.plan import METADATA_FP8, METADATA_SOURCE
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.fp8.policy import MemoryTable, Policy, predict
from lib_kohaku.fp8.policy.predict import Held, tabulate
from lib_kohaku.fp8.quality import QualitySummary, WeightQuality, measure, quantise_and_measure, summarise
from lib_kohaku.progress import Progress, SilentProgress, raise_if_cancelled

ComponentOf = Callable[[str], str]


@dataclass(frozen=True)
class FileReport:
    """A file seen with fp8 in mind.

    Attributes:
        name: Its name.
        architecture: Label of its architecture.
        scheme: ``plain``, ``scaled``, ``mixed``, or empty if nothing in it is fp8.
        formats: How many tensors are of each fp8 format.
        profile: For whom it was converted by us; empty if it was not.
        source_sha256: Of the file that it was converted from, if it says so.
        memory: For an fp8 file, the bytes that its model would take in 16 bit, and takes. Else, what it takes, and
            would take after conversion.
        qualities: Every fp8 weight against its original, or as it would be; empty if not asked for.
        summary: Of those.
    """

    name: str
    architecture: str
    scheme: str
    formats: tuple[tuple[str, int], ...]
    profile: str
    source_sha256: str
    memory: MemoryTable
    qualities: tuple[WeightQuality, ...]
    summary: QualitySummary

    def to_json(self) -> dict[str, Any]:
        """One JSON document."""
        return {
            "name": self.name,
            "architecture": self.architecture,
            "scheme": self.scheme,
            "formats": dict(self.formats),
            "profile": self.profile,
            "source_sha256": self.source_sha256,
            "memory": self.memory.to_json(),
            "quality": self.summary.to_json() if self.qualities else None,
            "weights": [quality.to_json() for quality in self.qualities],
        }


def report_file(
    path: Path,
    policy: Policy,
    *,
    original: Path | None = None,
    with_quality: bool = True,
    progress: Progress | None = None,
) -> FileReport:
    """Look at a file.

    Args:
        path: Any checkpoint.
        policy: What would be converted, for a file that is not fp8.
        original: For an fp8 file, what it was converted from; without it there is nothing to compare with.
        with_quality: Whether to measure every weight, or to check its codes where there is nothing to compare with.
            Reads the file.
        progress: Told of weights; may cancel.

    Raises:
        CheckpointError: If a file is damaged.
        Fp8FileError: If it is quantised in a way that is not supported, or ``original`` is another model.
        NotFiniteError: If a weight holds NaN or infinity, or a code for one.
    """
    progress = progress or SilentProgress()
    with Fp8Checkpoint(path) as file:
        tensors = file.checkpoint.tensors
        architecture = detect_architecture(tensors)
        if file.layout.weights:
            memory = _stored_memory(file, architecture.component_of)
        else:
            memory = predict(tensors.values(), architecture.component_of, policy)
        qualities: tuple[WeightQuality, ...] = ()
        if with_quality and not file.layout.weights:
            qualities = tuple(_would_be(file, policy, architecture.component_of, progress))
        elif with_quality and original is not None:
            with Fp8Checkpoint(original) as reference:
                qualities = tuple(_against(file, reference, progress))
        elif with_quality:
            _check_codes(file, progress)
        ours = json_entry(file.checkpoint.header.metadata, METADATA_FP8)
        return FileReport(
            name=file.label,
            architecture=architecture.label,
            scheme=file.layout.scheme,
            formats=tuple(Counter(stored.fmt.name for stored in file.layout.weights.values()).items()),
            profile=str(ours.get("profile", "")) if isinstance(ours, dict) else "",
            source_sha256=file.checkpoint.header.metadata.get(METADATA_SOURCE, ""),
            memory=memory,
            qualities=qualities,
            summary=summarise(qualities),
        )


def _stored_memory(file: Fp8Checkpoint, component_of: ComponentOf) -> MemoryTable:
    """An fp8 file against the same model in 16 bit."""
    weights = file.layout.weights
    before: list[Held] = []
    after: list[Held] = []
    for info in file.checkpoint.tensors.values():
        after.append(Held(info.name, info.dtype.name, info.nbytes))
        if info.name in weights:
            before.append(Held(info.name, "F16", 2 * info.count))
        elif info.name not in file.layout.bookkeeping:
            before.append(after[-1])
    return tabulate(before, after, component_of)


def _would_be(
    file: Fp8Checkpoint, policy: Policy, component_of: ComponentOf, progress: Progress
) -> Iterator[WeightQuality]:
    """What converting would cost each weight."""
    chosen = []
    for info in file.checkpoint.tensors.values():
        decision = policy.decide(info.name, component_of(info.name), info.shape, floating=info.dtype.floating)
        if decision.convert:
            chosen.append((info.name, decision.scaling))
    scratch = Scratch()
    progress.start("Measuring", len(chosen), "weights")
    for name, scaling in chosen:
        raise_if_cancelled(progress)
        weight = file.tensor(name, scratch)
        yield quantise_and_measure(weight, policy.fmt, scaling, name)[1]
        progress.advance(1)


def _check_codes(file: Fp8Checkpoint, progress: Progress) -> None:
    """Without the original nothing can be measured, but damage can be seen."""
    scratch = Scratch()
    progress.start("Checking", len(file.layout.weights), "weights")
    for name in file.layout.weights:
        raise_if_cancelled(progress)
        file.quantised(name, scratch)
        progress.advance(1)


def _against(file: Fp8Checkpoint, reference: Fp8Checkpoint, progress: Progress) -> Iterator[WeightQuality]:
    """What each fp8 weight has lost of its original."""
    scratch = Scratch()
    progress.start("Comparing", len(file.layout.weights), "weights")
    for name in file.layout.weights:
        raise_if_cancelled(progress)
        quantised = file.quantised(name)
        original = reference.tensor(name, scratch)
        if quantised is None or original.shape != quantised.codes.shape:
            raise Fp8FileError(f"{reference.label}: '{name}' has another shape: this is not the original.")
        yield measure(original, quantised, name)
        progress.advance(1)
