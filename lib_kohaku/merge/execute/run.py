"""The pipeline: reading ahead, computing, writing behind."""

from __future__ import annotations

import contextlib
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

import torch

from lib_kohaku.checkpoint.io.aligned import align_up, aligned_buffer
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.source import Checkpoint
from lib_kohaku.errors import CheckpointError
from lib_kohaku.merge.execute.batches import READ_AHEAD, READ_BUDGET, Batch, Read, batch_limit, make_batches
from lib_kohaku.merge.execute.compute import Computer
from lib_kohaku.merge.execute.elements import read_scales
from lib_kohaku.merge.execute.sinks import Sink
from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.progress import Progress, raise_if_cancelled

READ_THREADS = 4
# Gaps that are read over, and room for alignment.
_SLACK_BYTES = 1 << 20


@dataclass(frozen=True)
class MergeReport:
    """What a merge did.

    Attributes:
        bytes_read: Bytes of tensors that were read.
        bytes_written: Bytes of tensors that were written.
        seconds: How long it took, without planning.
        not_finite: Tensors with values that the output type cannot hold (they became infinite, or were NaN before).
    """

    bytes_read: int
    bytes_written: int
    seconds: float
    not_finite: tuple[str, ...]


def execute_plan(plan: MergePlan, sink: Sink, progress: Progress, mode: IOMode = IOMode.AUTO) -> MergeReport:
    """Carry a plan out.

    Memory does not depend on the size or the number of models: read buffers share a fixed budget, blocks of the sink
    and the kernel's accumulators are reused. (Methods that need whole tensors hold those.)

    Args:
        plan: A plan without refusals.
        sink: Takes the result. It is finished here, but closed by the caller.
        progress: Told about bytes read and written, in the calling thread; asked for cancellation before every batch.
        mode: How inputs are read.

    Raises:
        CheckpointError: If an input is damaged or changes meanwhile.
        FailedError: If the sink cannot take the result.
        CancelledError: If the user stopped it.
    """
    began = time.monotonic()
    progress.start("Merging", plan.bytes_read + plan.bytes_written, "bytes")
    with contextlib.ExitStack() as stack:
        inputs = {model.role: stack.enter_context(Checkpoint(model.path, mode)) for model in plan.models}
        for model in plan.models:
            if inputs[model.role].header != model.header:
                raise CheckpointError(f"{model.path.name} was changed since the merge was planned.")
        computer = Computer(sink, plan.recipe.seed, scales=read_scales(plan, inputs))
        arithmetic = stack.enter_context(ThreadPoolExecutor(1, "kohaku-arithmetic", _use_one_core))
        limit = batch_limit(len({role for tensor in plan.tensors for role in tensor.inputs}))
        feeder = stack.enter_context(_Feeder(inputs, limit))
        for batch, data in feeder.feed(make_batches(plan.tensors, limit)):
            raise_if_cancelled(progress)
            arithmetic.submit(_compute, computer, batch, data).result()
            written = sum(part.tensor.spec.dtype.nbytes(part.count) for part in batch.parts)
            progress.advance(batch.bytes_read + written)
        for checkpoint in inputs.values():
            checkpoint.reader.check_unchanged()
        raise_if_cancelled(progress)
        sink.finish()
    seconds = time.monotonic() - began
    return MergeReport(plan.bytes_read, plan.bytes_written, seconds, tuple(computer.not_finite))


def _compute(computer: Computer, batch: Batch, data: _BatchData) -> None:
    for part in batch.parts:
        computer.compute(part, {role: data.part(role, part.byte_range(role)) for role in part.tensor.inputs})


def _use_one_core() -> None:
    """Keep torch from spreading this thread's small operations over all cores.

    Beside threads that read and write, waiting for helpers costs several times what they do. torch keeps the number per
    thread, but gives the last one that was set to new threads: so it is set here and put back at once.
    """
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    restorer = threading.Thread(target=torch.set_num_threads, args=(usual,))
    restorer.start()
    restorer.join()


class _BatchData:
    """The bytes that were read for a batch."""

    def __init__(self) -> None:
        self.runs: dict[str, list[tuple[int, memoryview]]] = {}
        self.buffers: list[memoryview] = []

    def part(self, role: str, byte_range: tuple[int, int]) -> memoryview:
        """The bytes of a range that lies within one of the reads."""
        first, end = byte_range
        if first == end:
            return memoryview(b"")
        for offset, data in self.runs[role]:
            if offset <= first and end <= offset + len(data):
                return data[first - offset : end - offset]
        raise AssertionError("a range was not read")


class _Feeder:
    """Reads batches ahead of the computation, in order, within a memory budget."""

    def __init__(self, inputs: Mapping[str, Checkpoint], usual_bytes: int) -> None:
        self._inputs = inputs
        # Buffers of one size serve every batch; memory that is not touched costs nothing.
        self._usual_bytes = usual_bytes + _SLACK_BYTES
        self._pool = ThreadPoolExecutor(READ_THREADS, thread_name_prefix="kohaku-reader")
        self._stop = threading.Event()
        self._spare: list[memoryview] = []

    def __enter__(self) -> _Feeder:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._pool.shutdown(wait=True, cancel_futures=True)

    def feed(self, batches: Iterator[Batch]) -> Iterator[tuple[Batch, _BatchData]]:
        """Yield every batch with its data. The data are valid until the next one is asked for."""
        ahead: deque[tuple[Batch, _BatchData, list[Future[None]], int]] = deque()
        in_flight = 0
        waiting = next(batches, None)
        while waiting is not None or ahead:
            while waiting is not None and (
                not ahead or (len(ahead) < READ_AHEAD and in_flight + _size(waiting) <= READ_BUDGET)
            ):
                data, futures = self._submit(waiting)
                ahead.append((waiting, data, futures, _size(waiting)))
                in_flight += _size(waiting)
                waiting = next(batches, None)
            batch, data, futures, size = ahead.popleft()
            for future in futures:
                future.result()
            yield batch, data
            self._spare.extend(buffer for buffer in data.buffers if len(buffer) <= align_up(self._usual_bytes))
            in_flight -= size

    def _submit(self, batch: Batch) -> tuple[_BatchData, list[Future[None]]]:
        data = _BatchData()
        futures = []
        for role, reads in batch.reads.items():
            buffer = self._take(batch.buffer_bytes[role])
            data.buffers.append(buffer)
            runs: list[tuple[int, memoryview]] = []
            data.runs[role] = runs
            futures.append(self._pool.submit(self._read, role, reads, buffer, runs))
        return data, futures

    def _take(self, nbytes: int) -> memoryview:
        """A spare buffer, or a new one; an outsize one for a tensor that cannot be cut."""
        if nbytes <= self._usual_bytes and self._spare:
            return self._spare.pop()
        return aligned_buffer(max(nbytes, self._usual_bytes))

    def _read(self, role: str, reads: tuple[Read, ...], buffer: memoryview, runs: list[tuple[int, memoryview]]) -> None:
        reader = self._inputs[role].reader
        for read in reads:
            if self._stop.is_set():
                return
            room = buffer[read.position : read.position + reader.buffer_bytes(read.length)]
            runs.append((read.offset, reader.read(read.offset, read.length, room)))


def _size(batch: Batch) -> int:
    return sum(batch.buffer_bytes.values())
