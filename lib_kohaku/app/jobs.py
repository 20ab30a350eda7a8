"""One long task at a time, in a thread of its own: progress to look at, a way to stop it, its result to fetch.

The page that started a task may be closed or reloaded: the task goes on, and the next page finds it here.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lib_kohaku.errors import BusyError, CancelledError, KohakuError

_log = logging.getLogger(__name__)

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
_KEPT = 20
# Results may be images.
_RESULTS_KEPT = 3


@dataclass
class Job:
    """A task. Written by its own thread, read by others; every field is replaced whole.

    Attributes:
        id: Unique, also the id of the task in the host's progress bar.
        kind: ``merge``, ``load``, ``verify``, ...
        title: What it does, for people.
        state: ``queued``, ``running``, ``done``, ``failed`` or ``cancelled``.
        label: The stage that it is in.
        done: Units done of this stage.
        total: Units of this stage.
        unit: ``bytes``, ``tensors``, ...
        began: Time at which the stage began, monotonic seconds.
        message: When it has ended: what came of it, or why not.
        result: What it gave.
    """

    id: str
    kind: str
    title: str
    state: str = QUEUED
    label: str = "Waiting"
    done: int = 0
    total: int = 0
    unit: str = "bytes"
    began: float = field(default_factory=time.monotonic)
    message: str = ""
    result: Any = None
    _stop: threading.Event = field(default_factory=threading.Event)

    @property
    def ended(self) -> bool:
        """Whether nothing more will happen."""
        return self.state in (DONE, FAILED, CANCELLED)

    @property
    def seconds_left(self) -> float | None:
        """Estimate for the stage, None while there is nothing to estimate from."""
        elapsed = time.monotonic() - self.began
        if not self.done or elapsed < 0.3:
            return None
        return elapsed / self.done * max(0, self.total - self.done)

    @property
    def rate(self) -> float:
        """Units per second of the stage."""
        return self.done / max(1e-3, time.monotonic() - self.began)

    def stop(self) -> None:
        """Ask it to stop."""
        self._stop.set()

    # -- Progress -----------------------------------------------------------------------------------------------

    def start(self, label: str, total: int, unit: str) -> None:
        """See :class:`~lib_kohaku.progress.Progress`."""
        self.label, self.total, self.unit, self.done, self.began = label, total, unit, 0, time.monotonic()

    def advance(self, amount: int) -> None:
        """See :class:`~lib_kohaku.progress.Progress`."""
        self.done += amount

    def cancelled(self) -> bool:
        """See :class:`~lib_kohaku.progress.Progress`."""
        return self._stop.is_set()


class JobRunner:
    """Runs at most one task; remembers the last ones, and what the very last ones gave."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._jobs: dict[str, Job] = {}
        self._current: Job | None = None

    def start(self, kind: str, title: str, work: Callable[[Job], tuple[str, Any]]) -> Job:
        """Start a task.

        Args:
            kind: What sort of task it is.
            title: What it does, for people.
            work: Does it; gets the job as its progress and returns a message and a result.

        Raises:
            BusyError: If another task is still running.
        """
        with self._lock:
            if self._current is not None and not self._current.ended:
                raise BusyError(f"{self._current.title} is still running. Stop it or wait for it.")
            # The webui's progress bar takes ids of this form only.
            job = Job(f"task({secrets.token_hex(8)})", kind, title)
            self._current = job
            self._jobs[job.id] = job
            for old in list(self._jobs)[:-_KEPT]:
                del self._jobs[old]
            for old in list(self._jobs)[:-_RESULTS_KEPT]:
                self._jobs[old].result = None
        threading.Thread(target=_run, args=(job, work), name=f"kohaku-{kind}", daemon=True).start()
        return job

    @property
    def current(self) -> Job | None:
        """The last task, running or ended; None if there was none."""
        return self._current

    def find(self, job_id: str) -> Job | None:
        """A task by its id."""
        return self._jobs.get(job_id)

    def stop(self) -> bool:
        """Ask the running task to stop; False if there is none."""
        job = self._current
        if job is None or job.ended:
            return False
        job.stop()
        return True


def _run(job: Job, work: Callable[[Job], tuple[str, Any]]) -> None:
    job.state = RUNNING
    try:
        message, job.result = work(job)
        job.message = message
        job.state = DONE
    except CancelledError as error:
        job.message = str(error)
        job.state = CANCELLED
    except KohakuError as error:
        job.message = str(error)
        job.state = FAILED
    except Exception as error:
        _log.exception("%s failed", job.title)
        job.message = f"Unexpected error: {type(error).__name__}: {error}. The details are in the console."
        job.state = FAILED
