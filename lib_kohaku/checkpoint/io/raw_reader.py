"""Reading byte ranges of one file, by several threads at once."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from types import TracebackType

from lib_kohaku.checkpoint.io.aligned import align_down, align_up
from lib_kohaku.checkpoint.io.modes import DIRECT_MINIMUM_BYTES, IOMode, open_descriptor
from lib_kohaku.errors import CheckpointError


class RawReader:
    """An open file whose ranges can be read into memory that the caller owns.

    Reads are positional, so threads may share one reader. The file's size and time of change are taken when it is
    opened; :meth:`check_unchanged` tells later whether somebody wrote to it meanwhile.
    """

    def __init__(self, path: Path, mode: IOMode = IOMode.AUTO) -> None:
        """Open ``path``.

        Raises:
            CheckpointError: If it cannot be opened.
        """
        self.path = path
        self._lock = threading.Lock()
        try:
            if mode is IOMode.AUTO and path.stat().st_size < DIRECT_MINIMUM_BYTES:
                mode = IOMode.BUFFERED
            self._descriptor, self._direct = open_descriptor(path, os.O_RDONLY, mode)
            self._opened_as = _identity(os.fstat(self._descriptor))
        except OSError as error:
            raise CheckpointError(f"{path.name}: cannot be opened ({error.strerror or error}).") from error

    @staticmethod
    def buffer_bytes(length: int) -> int:
        """Size of the buffer that :meth:`read` needs for ``length`` bytes at any offset."""
        return align_up(length) + align_up(1)

    def read(self, offset: int, length: int, buffer: memoryview) -> memoryview:
        """Read ``length`` bytes at ``offset``.

        Args:
            offset: Of the first byte, anywhere in the file.
            length: Number of bytes.
            buffer: Aligned memory (see :func:`~lib_kohaku.checkpoint.io.aligned.aligned_buffer`) of at least
                :meth:`buffer_bytes` of ``length``; overwritten.

        Returns:
            The bytes, a part of ``buffer``.

        Raises:
            CheckpointError: If the file ends before them or cannot be read.
        """
        start = align_down(offset) if self._direct else offset
        skip = offset - start
        wanted = align_up(skip + length) if self._direct else length
        filled = 0
        try:
            while filled < skip + length:
                count = self._read_some(start + filled, buffer[filled:wanted])
                if count == 0:
                    raise CheckpointError(f"{self.path.name}: the file ends before byte {offset + length}.")
                filled += count
                if self._direct and filled < skip + length and filled % 512:
                    raise CheckpointError(f"{self.path.name}: the file ends before byte {offset + length}.")
        except OSError as error:
            raise CheckpointError(f"{self.path.name}: cannot be read ({error.strerror or error}).") from error
        return buffer[skip : skip + length]

    def _read_some(self, offset: int, into: memoryview) -> int:
        if hasattr(os, "preadv"):
            return os.preadv(self._descriptor, [into], offset)
        with self._lock:  # Windows has no positional read
            os.lseek(self._descriptor, offset, os.SEEK_SET)
            data = os.read(self._descriptor, len(into))
        into[: len(data)] = data
        return len(data)

    def check_unchanged(self) -> None:
        """Make sure that what was read belongs together.

        Raises:
            CheckpointError: If the file was written to since it was opened.
        """
        if _identity(os.fstat(self._descriptor)) != self._opened_as:
            raise CheckpointError(f"{self.path.name}: the file was changed while it was being read.")

    def close(self) -> None:
        """Close the file; harmless when done twice."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> RawReader:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


def _identity(status: os.stat_result) -> tuple[int, int]:
    return status.st_size, status.st_mtime_ns
