"""Doing jobs on a few threads, results in order, memory bounded."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from types import TracebackType

import torch

from lib_kohaku.fp8.files.memory import BufferPool, Scratch
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.fp8.files.work import Job, Made, run

# One more than the cores of a small machine: a thread that waits for the disk leaves its core to another.
_THREADS = 3
# Bytes of input that may be in work or waiting to be written. Codes, blocks and the writer's buffers come on top.
_IN_FLIGHT = 40 << 20
# Memory of results that were written, kept for the next ones.
_SPARE = 24 << 20


class Pipeline:
    """Reads and computes ahead of the writer. A context manager: leaving it stops everything that has not begun."""

    def __init__(self, file: Fp8Checkpoint, *, with_quality: bool) -> None:
        self._file = file
        self._with_quality = with_quality
        self._scales: dict[str, bytes] = {}
        self._local = threading.local()
        self._memory = BufferPool(_SPARE)

    def __enter__(self) -> Pipeline:
        self._pool = ThreadPoolExecutor(_THREADS, "kohaku-fp8", self._prepare_thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=True, cancel_futures=True)

    def results(self, work: Sequence[Job]) -> Iterator[tuple[Job, Made]]:
        """Yield every job with its result, in the order given. A result is valid until the next one is asked for.

        Raises:
            KohakuError: Whatever a job raises.
        """
        ahead: deque[tuple[Job, Future[Made] | None]] = deque()
        in_flight = 0
        remaining = deque(work)
        while remaining or ahead:
            while remaining and (not ahead or in_flight + remaining[0].nbytes <= _IN_FLIGHT):
                job = remaining.popleft()
                ahead.append((job, None if job.is_known_scale else self._submit(job)))
                in_flight += job.nbytes
            job, future = ahead.popleft()
            made = Made(memoryview(self._scales[job.step.source])) if future is None else future.result()
            if made.scale is not None:
                self._scales[job.step.source] = made.scale
            yield job, made
            if made.loan is not None:
                made.loan.end()
            in_flight -= job.nbytes

    def _submit(self, job: Job) -> Future[Made]:
        return self._pool.submit(self._run, job)

    def _run(self, job: Job) -> Made:
        return run(job, self._file, self._local.scratch, self._memory, with_quality=self._with_quality)

    def _prepare_thread(self) -> None:
        self._local.scratch = Scratch()
        _use_one_core()


def _use_one_core() -> None:
    """Keep torch from spreading the small operations of this thread over all cores, where its fellows are at work.

    torch keeps the number per thread but hands the last one that was set to new threads, so it is put back at once.
    """
    usual = torch.get_num_threads()
    torch.set_num_threads(1)
    restorer = threading.Thread(target=torch.set_num_threads, args=(usual,))
    restorer.start()
    restorer.join()
