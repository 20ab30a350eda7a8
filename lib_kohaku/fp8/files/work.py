"""Making the bytes of one tensor of a converted file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.tensors import view_elements
from lib_kohaku.fp8.codecs import Quantised, choose_exponents, quantise_with
from lib_kohaku.fp8.errors import Fp8FileError
from lib_kohaku.fp8.files.memory import BufferPool, Loan, Scratch
from lib_kohaku.fp8.files.plan import Action, Step
from lib_kohaku.fp8.files.reader import Fp8Checkpoint, Memory
from lib_kohaku.fp8.quality import WeightQuality, quantise_and_measure

# Tensors that are only copied are cut into pieces of this size.
_SLICE = 8 << 20


@dataclass(frozen=True)
class Job:
    """A step, or a slice of one that copies.

    Attributes:
        step: The step.
        start: First byte of the tensor.
        nbytes: How many bytes of the input it reads. 0 for a scale whose weight was made by an earlier job.
    """

    step: Step
    start: int
    nbytes: int

    @property
    def is_known_scale(self) -> bool:
        """Whether the result came with that of an earlier job."""
        return self.step.action is Action.SCALE and self.nbytes == 0


@dataclass(frozen=True)
class Made:
    """What a job gives.

    Attributes:
        data: Bytes for the output.
        scale: Bytes of the scale, None if no codes were made; empty for a weight without channels.
        quality: What making codes cost, if it was measured.
        loan: The memory that ``data`` is in; to be ended when they are written.
    """

    data: memoryview
    scale: bytes | None = None
    quality: WeightQuality | None = None
    loan: Loan | None = None


def jobs(steps: tuple[Step, ...], file: Fp8Checkpoint) -> Iterator[Job]:
    """The jobs of all steps, in order."""
    made = set()
    for step in steps:
        nbytes = file.checkpoint.tensors[step.source].nbytes if step.source else 0
        if step.action is Action.COPY:
            for start in range(0, max(1, nbytes), _SLICE):
                yield Job(step, start, min(_SLICE, nbytes - start))
        elif step.action is Action.SCALE and step.source in made:
            yield Job(step, 0, 0)
        else:
            yield Job(step, 0, nbytes)
            made.add(step.source)


def run(job: Job, file: Fp8Checkpoint, scratch: Scratch, pool: BufferPool, *, with_quality: bool) -> Made:
    """Do a job.

    Args:
        job: The job.
        file: The input; threads may share it.
        scratch: The calling thread's own, for what is read.
        pool: Memory for what is made; threads may share it.
        with_quality: Whether to measure what making codes costs.

    Raises:
        CheckpointError: If the input is damaged.
        NotFiniteError: If a weight holds NaN or infinity.
        Fp8FileError: If a scale is no positive number.
    """
    step = job.step
    if step.weight is not None:
        made = run(Job(step.weight, 0, job.nbytes), file, scratch, pool, with_quality=False)
        if made.loan is not None:
            made.loan.end()
        return Made(memoryview(made.scale or b""))
    if step.action is Action.CONSTANT:
        return Made(memoryview(step.data))
    loan = pool.loan()
    if step.action is Action.COPY:
        return Made(file.read(step.source, job.start, job.nbytes, loan), loan=loan)
    if step.action is Action.WIDEN:
        return Made(_bytes_of(_require_codes(file, step, scratch).decode(step.spec.dtype.torch)))
    if step.action is Action.CARRY:
        carried = _require_codes(file, step, loan)
        return Made(_bytes_of(carried.codes), _scale_bytes(carried), loan=loan)
    weight = file.tensor(step.source, scratch)
    codes = view_elements(loan.take(weight.numel())[: weight.numel()], DTYPES["U8"]).view(weight.shape)
    quality: WeightQuality | None = None
    if with_quality:
        quantised, quality = quantise_and_measure(weight, step.fmt, step.scaling, step.source, codes)
    else:
        exponents = choose_exponents(weight, step.fmt, step.scaling, step.source)
        quantised = quantise_with(weight, step.fmt, exponents, codes)
    return Made(_bytes_of(quantised.codes), _scale_bytes(quantised), quality, loan)


def _require_codes(file: Fp8Checkpoint, step: Step, scratch: Memory) -> Quantised:
    found = file.quantised(step.source, scratch)
    if found is None:
        raise Fp8FileError(f"{file.label}: '{step.source}' is not fp8.")
    return found


def _scale_bytes(quantised: Quantised) -> bytes:
    scale = quantised.scale if isinstance(quantised.scale, torch.Tensor) else torch.tensor(quantised.scale)
    return bytes(_bytes_of(scale.to(torch.float32)))


def _bytes_of(tensor: torch.Tensor) -> memoryview:
    return memoryview(tensor.contiguous().reshape(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]
