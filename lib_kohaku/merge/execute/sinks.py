"""Where results go."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import torch

from lib_kohaku.checkpoint.tensors import view_elements
from lib_kohaku.checkpoint.writer import TensorSpec


class Sink(Protocol):
    """Takes the data of all output tensors as one stream of bytes, in storage order.

    :class:`~lib_kohaku.checkpoint.writer.CheckpointWriter` is the sink for files.
    """

    def reserve(self, nbytes: int) -> memoryview:
        """Memory for the next bytes: at least one element's, at most ``nbytes``."""

    def commit(self, nbytes: int) -> None:
        """Take the first ``nbytes`` of what was reserved."""

    def finish(self) -> None:
        """Everything was committed: make it valid."""

    def close(self) -> None:
        """Let go of resources; undo everything unless :meth:`finish` was called."""


class DictSink:
    """Keeps the result in memory.

    Attributes:
        tensors: The result by name, filled by :meth:`finish`.
    """

    def __init__(self, specs: Sequence[TensorSpec]) -> None:
        """Expect tensors in this order."""
        self._specs = specs
        self._data = bytearray(sum(spec.nbytes for spec in specs))
        self._position = 0
        self.tensors: dict[str, torch.Tensor] = {}

    def reserve(self, nbytes: int) -> memoryview:
        """See :class:`Sink`."""
        return memoryview(self._data)[self._position : self._position + nbytes]

    def commit(self, nbytes: int) -> None:
        """See :class:`Sink`."""
        self._position += nbytes

    def finish(self) -> None:
        """Split the stream into tensors."""
        position = 0
        for spec in self._specs:
            data = memoryview(self._data)[position : position + spec.nbytes]
            self.tensors[spec.name] = view_elements(data, spec.dtype).reshape(spec.shape)
            position += spec.nbytes

    def close(self) -> None:
        """Nothing to let go of."""
