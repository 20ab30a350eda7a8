"""An open checkpoint whose fp8 weights are understood."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Protocol

import torch

from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.checkpoint.io.aligned import aligned_buffer
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.source import Checkpoint
from lib_kohaku.checkpoint.tensors import view_elements
from lib_kohaku.errors import CheckpointError
from lib_kohaku.fp8.codecs import Quantised, Scale, refuse_special_codes
from lib_kohaku.fp8.errors import Fp8FileError
from lib_kohaku.fp8.files.layout import StoredWeight, find_layout


class Memory(Protocol):
    """Where bytes are read to."""

    def take(self, nbytes: int) -> memoryview:
        """Aligned memory of at least ``nbytes``."""


class StoredWeights(Mapping[str, Quantised]):
    """The fp8 weights of a file by name; each is read when it is asked for, and not kept."""

    def __init__(self, file: Fp8Checkpoint) -> None:
        self._file = file

    def __getitem__(self, name: str) -> Quantised:
        found = self._file.quantised(name)
        if found is None:
            raise KeyError(name)
        return found

    def __contains__(self, name: object) -> bool:
        return name in self._file.layout.weights

    def __iter__(self) -> Iterator[str]:
        return iter(self._file.layout.weights)

    def __len__(self) -> int:
        return len(self._file.layout.weights)


class Fp8Checkpoint:
    """A checkpoint of any kind, fp8 or not. A context manager.

    One tensor is in memory at a time, so it serves :func:`~lib_kohaku.fp8.attach.attach` (``stored=file.stored`` for
    fp8 files, ``source=file.tensor`` for others) without a second copy of the model. Several threads may read at once.

    Attributes:
        checkpoint: The file.
        layout: What is fp8 in it.
    """

    def __init__(self, path: Path, mode: IOMode = IOMode.AUTO) -> None:
        """Open a file.

        Raises:
            CheckpointError: If it is damaged.
            Fp8FileError: If something in it is quantised in a way that is not supported.
        """
        self.checkpoint = Checkpoint(path, mode)
        try:
            self.layout = find_layout(self.checkpoint.header, self._bytes, path.name)
        except BaseException:
            self.checkpoint.close()
            raise

    @property
    def label(self) -> str:
        """How to name the file in errors."""
        return self.checkpoint.path.name

    @property
    def names(self) -> tuple[str, ...]:
        """The tensors of the model, without scales and markers, in the order of the file."""
        return tuple(name for name in self.checkpoint.tensors if name not in self.layout.bookkeeping)

    @property
    def stored(self) -> StoredWeights:
        """The fp8 weights as a mapping."""
        return StoredWeights(self)

    def quantised(self, name: str, scratch: Memory | None = None) -> Quantised | None:
        """The codes of a tensor as the file has them; None if it is not fp8.

        Args:
            name: The tensor.
            scratch: Memory to read into, if the result is not needed longer than that; else it has its own.

        Raises:
            CheckpointError: If there is no such tensor or the file is truncated.
            NotFiniteError: If a code means NaN or infinity.
            Fp8FileError: If its scale is no positive number.
        """
        stored = self.layout.weights.get(name)
        if stored is None:
            return None
        data = self.read(name, 0, stored.info.nbytes, scratch)
        codes = view_elements(data, DTYPES["U8"]).reshape(stored.info.shape)
        refuse_special_codes(codes, stored.fmt, name)
        return Quantised(codes, stored.fmt, self._scale(name))

    def tensor(self, name: str, scratch: Memory | None = None) -> torch.Tensor:
        """A tensor as numbers: fp8 as float32 with its scale applied, others in the type of the file.

        Args:
            name: The tensor.
            scratch: As for :meth:`quantised`.

        Raises:
            CheckpointError: If there is no such tensor or the file is truncated.
            NotFiniteError: If an fp8 code means NaN or infinity.
            Fp8FileError: If a scale is no positive number.
        """
        quantised = self.quantised(name, scratch)
        if quantised is not None:
            return quantised.decode(torch.float32)
        info = self._info(name)
        data = self.read(name, 0, info.nbytes, scratch)
        return view_elements(data, info.dtype).reshape(info.shape)

    def read(self, name: str, start: int, nbytes: int, scratch: Memory | None = None) -> memoryview:
        """Raw bytes ``start`` to ``start + nbytes`` of a tensor.

        Raises:
            CheckpointError: If there is no such tensor or the file is truncated.
        """
        reader = self.checkpoint.reader
        room = reader.buffer_bytes(nbytes)
        buffer = aligned_buffer(room) if scratch is None else scratch.take(room)
        return reader.read(self._info(name).start + start, nbytes, buffer)

    def close(self) -> None:
        """Close the file."""
        self.checkpoint.close()

    def __enter__(self) -> Fp8Checkpoint:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _info(self, name: str) -> TensorInfo:
        info = self.checkpoint.tensors.get(name)
        if info is None:
            raise CheckpointError(f"{self.label}: there is no tensor '{name}'.")
        return info

    def _bytes(self, name: str) -> bytes:
        return bytes(self.checkpoint.read_bytes(name))

    def _scale(self, name: str) -> Scale:
        return read_scale(self.checkpoint, self.layout.weights[name])


def read_scale(checkpoint: Checkpoint, stored: StoredWeight) -> Scale:
    """The scale of an fp8 tensor.

    Args:
        checkpoint: The file.
        stored: The tensor, one of the file's layout.

    Returns:
        One number, or float32 of shape (channels,); 1 without a scale.

    Raises:
        CheckpointError: If the file is truncated.
        Fp8FileError: If it is no positive number.
    """
    if stored.scale is None:
        return 1.0
    values = view_elements(checkpoint.read_bytes(stored.scale.name), stored.scale.dtype).to(torch.float32)
    if not bool((values.isfinite() & (values > 0)).all()):
        raise Fp8FileError(f"{checkpoint.path.name}: the scale '{stored.scale.name}' is not a positive number.")
    return values.clone() if stored.channels else float(values[0])
