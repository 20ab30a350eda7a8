"""The webui's queue and its progress bar."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from modules import call_queue, shared
from modules import progress as host_progress

from lib_kohaku.errors import CancelledError
from lib_kohaku.progress import Progress, raise_if_cancelled
from lib_kohaku.units import format_bytes, format_seconds

_POLL_SECONDS = 0.1
_STEPS = 1000
# An estimate from less than this is a guess.
_ESTIMATE_AFTER_SECONDS = 0.5


class QueueTicket:
    """A place in the webui's queue that can be given up while waiting; its lock alone offers no such thing.

    A helper waits in our place. If it gets its turn after we left, it lets the next one pass at once.
    """

    def __init__(self, lock: Any) -> None:
        """Line up for ``lock``."""
        self._lock = lock
        self._state = threading.Lock()
        self._granted = threading.Event()
        self._left = False
        threading.Thread(target=self._wait_in_line, name="kohaku-queue", daemon=True).start()

    def wait(self, progress: Progress) -> None:
        """Wait for the turn; afterwards the lock is ours.

        Raises:
            CancelledError: If the user gave up. The lock is not ours then.
        """
        while not self._granted.wait(_POLL_SECONDS):
            if progress.cancelled():
                with self._state:
                    self._left = not self._granted.is_set()
                if self._left:
                    raise CancelledError("Stopped while waiting in the queue. Nothing was done.")

    def _wait_in_line(self) -> None:
        self._lock.acquire()
        with self._state:
            if not self._left:
                self._granted.set()
                return
        self._lock.release()


@contextmanager
def hold_queue(task: str, label: str, progress: Progress) -> Iterator[Progress]:
    """Wait for the webui's queue, hold it, and report to its progress bar as task ``task``.

    Whatever happens inside, the queue is free afterwards and the webui's state is that of an idle one.

    Raises:
        CancelledError: If the user gave up waiting.
    """
    host_progress.add_task_to_queue(task)
    try:
        QueueTicket(call_queue.queue_lock).wait(progress)
    except BaseException:
        host_progress.pending_tasks.pop(task, None)
        host_progress.finish_task(task)
        raise
    try:
        with _shown_as_task(task, label):
            raise_if_cancelled(progress)
            yield TaskProgress(progress)
    finally:
        call_queue.queue_lock.release()


@contextmanager
def _shown_as_task(task: str, label: str) -> Iterator[None]:
    state = shared.state
    state.begin(job=task)
    state.job_count, state.sampling_steps, state.textinfo = 1, _STEPS, label
    host_progress.start_task(task)
    try:
        yield
    finally:
        host_progress.finish_task(task)
        state.skipped = state.interrupted = state.stopping_generation = False
        state.sampling_step = state.sampling_steps = 0
        state.textinfo = None
        state.end()


class StageText:
    """The text in the progress bar: ``Merging: 1.2 GB of 6.9 GB, 8 s left``."""

    def __init__(self, label: str, total: int, unit: str, *, estimate: bool) -> None:
        """Begin a stage.

        Args:
            label: What is done.
            total: How much there is to do.
            unit: Of what.
            estimate: Whether to say how long it will take; not where the bar itself does.
        """
        self._label, self._total, self._unit, self._estimate = label, total, unit, estimate
        self._began = time.monotonic()

    def after(self, done: int) -> str:
        """The text when ``done`` units are done."""
        elapsed = time.monotonic() - self._began
        left = ""
        if self._estimate and done and elapsed > _ESTIMATE_AFTER_SECONDS:
            left = f", {format_seconds(elapsed / done * max(0, self._total - done))} left"
        return f"{self._label}: {self._amount(done)} of {self._amount(self._total)}{left}"

    def _amount(self, count: int) -> str:
        return format_bytes(count) if self._unit == "bytes" else f"{count} {self._unit}"


class TaskProgress:
    """Reports to our own progress and to the webui's bar; stopped by either's stop button."""

    def __init__(self, own: Progress, *, owns_bar: bool = True) -> None:
        """Report to ``own`` too.

        Args:
            own: Our own.
            owns_bar: False inside a generation, whose steps the bar shows: then only the text changes.
        """
        self._own = own
        self._owns_bar = owns_bar
        self._done = 0
        self._total = 0
        self._text = StageText("", 0, "", estimate=False)

    def start(self, label: str, total: int, unit: str) -> None:
        """See :class:`~lib_kohaku.progress.Progress`."""
        self._done, self._total = 0, total
        self._text = StageText(label, total, unit, estimate=not self._owns_bar)
        self._own.start(label, total, unit)
        if self._owns_bar:
            shared.state.time_start = time.time()  # the webui's estimate is of this stage, as its bar is
        self._show()

    def advance(self, amount: int) -> None:
        """See :class:`~lib_kohaku.progress.Progress`."""
        self._done += amount
        self._own.advance(amount)
        self._show()

    def cancelled(self) -> bool:
        """See :class:`~lib_kohaku.progress.Progress`."""
        return self._own.cancelled() or bool(shared.state.interrupted or shared.state.stopping_generation)

    def _show(self) -> None:
        state = shared.state
        state.textinfo = self._text.after(self._done)
        if self._owns_bar:
            # Handlers of other tabs reset these when they end, whoever's they are.
            state.job_count, state.job_no, state.sampling_steps = 1, 0, _STEPS
            state.sampling_step = min(_STEPS, _STEPS * self._done // max(1, self._total))
