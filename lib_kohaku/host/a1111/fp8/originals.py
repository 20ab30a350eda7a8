"""The weights of a loaded model as its file has them, for giving them back."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch

from lib_kohaku.checkpoint.architectures import key_under_alias
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.fp8.files.reader import Fp8Checkpoint

# The webui puts wrappers around text encoders and their embeddings while a model is in use, as submodules of this name.
_WRAPPER = "wrapped"


def file_name(live_name: str) -> str:
    """The name that checkpoints give to a parameter of a model in use."""
    return ".".join(part for part in live_name.split(".") if part != _WRAPPER)


def stored_name(live_name: str, tensors: Mapping[str, TensorInfo]) -> str | None:
    """The name that one checkpoint gives to it, old names included; None if it has no such tensor."""
    name = file_name(live_name)
    return name if name in tensors else key_under_alias(name, tensors)


class OriginalReader:
    """An open checkpoint, asked by the names of the live model. Itself a source of tensors.

    Attributes:
        file: The checkpoint.
    """

    def __init__(self, file: Fp8Checkpoint) -> None:
        """Read from a file that stays open meanwhile."""
        self.file = file

    def has(self, live_name: str) -> bool:
        """Whether the file has the parameter."""
        return stored_name(live_name, self.file.checkpoint.tensors) is not None

    def __call__(self, live_name: str) -> torch.Tensor:
        """The tensor.

        Raises:
            CheckpointError: If there is none or the file is truncated.
        """
        return self.file.tensor(stored_name(live_name, self.file.checkpoint.tensors) or live_name)


@dataclass(frozen=True)
class Originals:
    """A checkpoint file at the time at which a model was loaded from it.

    Attributes:
        path: The file.
        size: Its bytes.
        modified: Its time of change, ns.
    """

    path: Path
    size: int
    modified: int

    @staticmethod
    def of(path: Path) -> Originals:
        """The file as it is now.

        Raises:
            Fp8Error: If there is none.
        """
        try:
            status = path.stat()
        except OSError as error:
            raise Fp8Error(f"'{path.name}' cannot be read ({error.strerror or error})") from error
        return Originals(path, status.st_size, status.st_mtime_ns)

    @contextmanager
    def open(self) -> Iterator[OriginalReader]:
        """Read tensors by their live names, one at a time.

        Raises:
            Fp8Error: If the file is gone or another one by now.
            CheckpointError: If it is damaged.
        """
        if Originals.of(self.path) != self:
            raise Fp8Error(f"'{self.path.name}' was changed since it was loaded")
        with Fp8Checkpoint(self.path, IOMode.BUFFERED) as file:  # the webui has just read it
            yield OriginalReader(file)
