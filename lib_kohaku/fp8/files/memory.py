"""Memory that is used again: new pages cost as much as reading into them."""

from __future__ import annotations

import threading

from lib_kohaku.checkpoint.io.aligned import aligned_buffer


class Scratch:
    """Memory for one tensor at a time, of one thread."""

    def __init__(self) -> None:
        self._buffer = memoryview(b"")

    def take(self, nbytes: int) -> memoryview:
        """Aligned memory of at least ``nbytes``; what was taken before is overwritten."""
        if len(self._buffer) < nbytes:
            self._buffer = aligned_buffer(nbytes)
        return self._buffer


class Loan:
    """One piece of memory of a pool. Whoever is done with it ends the loan."""

    def __init__(self, pool: BufferPool) -> None:
        self._pool = pool
        self._buffer: memoryview | None = None

    def take(self, nbytes: int) -> memoryview:
        """Aligned memory of at least ``nbytes``; what was taken before is overwritten."""
        if self._buffer is None or len(self._buffer) < nbytes:
            self.end()
            self._buffer = self._pool.take(nbytes)
        return self._buffer

    def end(self) -> None:
        """Give the memory back; nobody may look at it any more."""
        if self._buffer is not None:
            self._pool.give(self._buffer)
            self._buffer = None


class BufferPool:
    """Memory that goes from the threads that make results to the one that writes them, and back."""

    def __init__(self, keep_bytes: int) -> None:
        """Keep at most ``keep_bytes`` of memory that nobody uses."""
        self._keep_bytes = keep_bytes
        self._lock = threading.Lock()
        self._free: list[memoryview] = []

    def loan(self) -> Loan:
        """A loan, of no memory yet."""
        return Loan(self)

    def take(self, nbytes: int) -> memoryview:
        """The smallest free memory of at least ``nbytes``, or new."""
        with self._lock:
            fitting = [buffer for buffer in self._free if len(buffer) >= nbytes]
            if fitting:
                found = min(fitting, key=len)
                # By identity: two pieces of memory with equal bytes are equal.
                self._free = [buffer for buffer in self._free if buffer is not found]
                return found
        return aligned_buffer(nbytes)

    def give(self, buffer: memoryview) -> None:
        """Take memory back; the oldest goes if there is too much."""
        with self._lock:
            self._free.append(buffer)
            while sum(map(len, self._free)) > self._keep_bytes:
                self._free.pop(0)
