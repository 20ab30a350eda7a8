"""A checkpoint that can be read, whatever its file format."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from lib_kohaku.checkpoint.header import Header, TensorInfo, read_header
from lib_kohaku.checkpoint.io.aligned import aligned_buffer
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.io.raw_reader import RawReader
from lib_kohaku.checkpoint.names import is_file
from lib_kohaku.checkpoint.pickled import is_pickled, open_pickled
from lib_kohaku.errors import CheckpointError

SAFETENSORS = ".safetensors"
SUFFIXES = (SAFETENSORS, ".ckpt", ".pt", ".pth")


class RangeReader(Protocol):
    """Byte ranges of one file, readable by several threads at once."""

    def buffer_bytes(self, length: int) -> int:
        """Size of the buffer that :meth:`read` needs for ``length`` bytes at any offset."""

    def read(self, offset: int, length: int, buffer: memoryview) -> memoryview:
        """Read into ``buffer`` and return the part of it that holds the bytes."""

    def check_unchanged(self) -> None:
        """Raise a CheckpointError if the file was written to since it was opened."""

    def close(self) -> None:
        """Close the file."""


def load_header(path: Path) -> Header:
    """The checked header of a checkpoint of any supported format.

    Raises:
        CheckpointError: If the file is missing, damaged, or of an unknown format.
    """
    _require_file(path)
    return open_pickled(path)[0] if is_pickled(path) else read_header(path)


class Checkpoint:
    """An open checkpoint file: safetensors, or ``.ckpt`` through the weights-only loader.

    Attributes:
        path: The file.
        header: Its checked header.
        reader: Where the bytes come from; the offsets of the header's tensors are its offsets.
    """

    header: Header
    reader: RangeReader

    def __init__(self, path: Path, mode: IOMode = IOMode.AUTO) -> None:
        """Open the file.

        Raises:
            CheckpointError: If it cannot be opened or is damaged.
        """
        _require_file(path)
        self.path = path
        if is_pickled(path):
            self.header, self.reader = open_pickled(path)
        else:
            self.header = read_header(path)
            self.reader = RawReader(path, mode)

    @property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """All tensors by name, in the order of their data."""
        return self.header.tensors

    def read_bytes(self, name: str) -> memoryview:
        """The raw data of one tensor, in memory of its own.

        Raises:
            CheckpointError: If there is no such tensor or the file is truncated.
        """
        info = self.header.tensors.get(name)
        if info is None:
            raise CheckpointError(f"{self.path.name}: there is no tensor {name!r}.")
        return self.reader.read(info.start, info.nbytes, aligned_buffer(self.reader.buffer_bytes(info.nbytes)))

    def close(self) -> None:
        """Close the file."""
        self.reader.close()

    def __enter__(self) -> Checkpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _require_file(path: Path) -> None:
    if not is_file(path):
        raise CheckpointError(f"{path.name}: no such file.")
