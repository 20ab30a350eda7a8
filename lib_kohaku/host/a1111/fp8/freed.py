"""Memory that was freed, given back to the system while more is being taken."""

from __future__ import annotations

import contextlib
import ctypes
import sys

from lib_kohaku.progress import Progress

_LAYERS = 8
_BYTES = 64 << 20


def give_back_freed_memory() -> None:
    """Let the C library return what it holds of freed memory.

    glibc keeps the holes that freed tensors leave between living ones, and before 2.38 does not even put new tensors
    (aligned memory) into them: a process that converts a model layer by layer would grow by several times what it
    holds. Other C libraries return it by themselves, or cannot be asked.
    """
    if sys.platform != "linux":
        return
    with contextlib.suppress(OSError, AttributeError):  # a C library without it (musl)
        ctypes.CDLL(None).malloc_trim(0)


class FreeingProgress:
    """Passes on what it is told, and gives freed memory back every few layers."""

    def __init__(self, progress: Progress) -> None:
        """Report to another progress."""
        self._progress = progress
        self._layers = 0

    def start(self, label: str, total: int, unit: str) -> None:
        """See :class:`~lib_kohaku.progress.Progress`."""
        self._progress.start(label, total, unit)

    def advance(self, amount: int) -> None:
        """See :class:`~lib_kohaku.progress.Progress`."""
        self._layers += amount
        if self._layers >= _LAYERS:
            self._layers = 0
            give_back_freed_memory()
        self._progress.advance(amount)

    def cancelled(self) -> bool:
        """See :class:`~lib_kohaku.progress.Progress`."""
        return self._progress.cancelled()


class FreeingCounter:
    """Gives freed memory back whenever many bytes have passed through."""

    def __init__(self) -> None:
        self._bytes = 0

    def count(self, nbytes: int) -> None:
        """So many more bytes were made, used and freed."""
        self._bytes += nbytes
        if self._bytes >= _BYTES:
            self._bytes = 0
            give_back_freed_memory()
