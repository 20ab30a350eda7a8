"""Writing one file from its first byte to its last, while the next bytes are being made."""

from __future__ import annotations

import errno
import os
import queue
import threading
from pathlib import Path

from lib_kohaku.checkpoint.io.aligned import ALIGNMENT, align_down, aligned_buffer
from lib_kohaku.checkpoint.io.modes import DIRECT_MINIMUM_BYTES, IOMode, leave_direct_mode, open_descriptor
from lib_kohaku.errors import FailedError

BLOCK_BYTES = 8 << 20
BLOCKS = 3


class RawWriter:
    """A file under construction: the caller fills blocks, a thread writes them.

    Use: :meth:`reserve` memory, fill it, :meth:`commit` what was filled, at the end :meth:`finish`. Whatever happens,
    call :meth:`close`. The file is as large as what was committed only after :meth:`finish`.
    """

    def __init__(self, path: Path, expected_bytes: int, mode: IOMode = IOMode.AUTO) -> None:
        """Create ``path``, which must not exist.

        Args:
            path: The file.
            expected_bytes: Its final size, which decides whether going past the page cache is worth it.
            mode: Past the page cache or through it.

        Raises:
            FailedError: If it cannot be created.
        """
        if mode is IOMode.AUTO and expected_bytes < DIRECT_MINIMUM_BYTES:
            mode = IOMode.BUFFERED
        self._path = path
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            self.descriptor, self._direct = open_descriptor(path, flags, mode)
        except OSError as error:
            raise FailedError(f"{path.name}: cannot be created ({error.strerror or error}).") from error
        self._error: OSError | None = None
        self._free: queue.SimpleQueue[memoryview] = queue.SimpleQueue()
        for _ in range(BLOCKS):
            self._free.put(aligned_buffer(min(BLOCK_BYTES, max(1, expected_bytes))))
        self._full: queue.SimpleQueue[memoryview | None] = queue.SimpleQueue()
        self._block: memoryview | None = None
        self._filled = 0
        self._thread = threading.Thread(target=self._write_blocks, name="kohaku-writer", daemon=True)
        self._thread.start()

    def fileno(self) -> int:
        """The descriptor of the file."""
        return self.descriptor

    def reserve(self, nbytes: int) -> memoryview:
        """Memory for the file's next bytes: at least one byte, at most ``nbytes``.

        Raises:
            FailedError: If an earlier block could not be written (disk full, file size limit, disk gone).
        """
        self._raise_if_failed()
        if self._block is None:
            self._block = self._free.get()
            self._raise_if_failed()
        return self._block[self._filled : self._filled + nbytes]

    def commit(self, nbytes: int) -> None:
        """Take the first ``nbytes`` of what was reserved as written."""
        if self._block is None:
            raise ValueError("commit without reserve")
        self._filled += nbytes
        if self._filled == len(self._block):
            self._full.put(self._block)
            self._block, self._filled = None, 0

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes that are in memory already.

        Raises:
            FailedError: As :meth:`reserve`.
        """
        view = memoryview(data)
        while len(view):
            target = self.reserve(len(view))
            target[:] = view[: len(target)]
            view = view[len(target) :]
            self.commit(len(target))

    def finish(self) -> None:
        """Write what is left and make it durable.

        Raises:
            FailedError: If anything could not be written.
        """
        if self._block is not None and self._filled:
            self._full.put(self._block[: self._filled])
        self._block = None
        self._full.put(None)
        self._thread.join()
        self._raise_if_failed()
        try:
            os.fsync(self.descriptor)
        except OSError as error:
            self._error = error
        self._raise_if_failed()

    def close(self) -> None:
        """Stop writing and close the file; what was written stays as it is."""
        if self.descriptor < 0:
            return
        self._full.put(None)
        self._thread.join()
        os.close(self.descriptor)
        self.descriptor = -1

    def _raise_if_failed(self) -> None:
        if self._error is not None:
            reason = self._error.strerror or str(self._error)
            raise FailedError(f"{self._path.parent}: writing failed ({reason}).") from self._error

    def _write_blocks(self) -> None:
        while (block := self._full.get()) is not None:
            if self._error is None:
                try:
                    self._write_block(block)
                except OSError as error:
                    self._error = error
            # Also after an error: whoever waits in reserve() must wake up to see it.
            self._free.put(block)

    def _write_block(self, block: memoryview) -> None:
        while len(block):
            written = self._write_directly(block) if self._direct else os.write(self.descriptor, block)
            block = block[written:]

    def _write_directly(self, block: memoryview) -> int:
        """Write whole aligned pieces; leave direct mode at the end of the file, or where it does not work.

        A disk that is all but full takes less than it is given, or calls the shortened write invalid. Only a write
        that need not be aligned can then say what is wrong.
        """
        whole = align_down(len(block))
        written = 0
        if whole:
            try:
                written = os.write(self.descriptor, block[:whole])
            except OSError as error:
                if error.errno != errno.EINVAL:
                    raise
        if not written or written % ALIGNMENT:
            leave_direct_mode(self.descriptor)
            self._direct = False
        return written
