"""``.ckpt`` files: read with torch's weights-only loader, which runs no code of the file, and never with another."""

from __future__ import annotations

import re
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from lib_kohaku.checkpoint.dtypes import from_torch
from lib_kohaku.checkpoint.header import Header, TensorInfo, is_tensor_name
from lib_kohaku.errors import CheckpointError, RefusedError

if TYPE_CHECKING:
    import torch

_ZIP_MAGIC = b"PK\x03\x04"
_PICKLE_MAGIC = b"\x80"


def is_pickled(path: Path) -> bool:
    """Whether the file's first bytes are those of a torch archive; the file name is not trusted.

    Raises:
        CheckpointError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            head = file.read(9)
    except OSError as error:
        raise CheckpointError(f"{path.name}: cannot be read ({error.strerror or error}).") from error
    if head[8:9] == b"{":  # safetensors, even if the bytes of its length look like one of the others
        return False
    return head.startswith((_ZIP_MAGIC, _PICKLE_MAGIC))


class PickledReader:
    """The tensors of a torch archive behind the offsets that :func:`open_pickled` invents for them."""

    def __init__(self, path: Path, tensors: dict[str, torch.Tensor], opened_as: tuple[int, int]) -> None:
        self.path = path
        self._opened_as = opened_as
        self._tensors = tensors
        self._by_start: list[tuple[int, str]] = []

    @staticmethod
    def buffer_bytes(length: int) -> int:
        """Size of the buffer that :meth:`read` needs."""
        return length

    def describe(self, label: str) -> Header:
        """A header for the tensors, laid out one after another."""
        position = 0
        infos = {}
        for name, tensor in self._tensors.items():
            if not is_tensor_name(name):
                raise CheckpointError(f"{label}: tensor {name[:200]!r}: a safetensors file cannot hold this name.")
            try:
                dtype = from_torch(tensor.dtype)
            except RefusedError as error:
                raise CheckpointError(f"{label}: tensor {name[:200]!r}: {error}") from error
            nbytes = dtype.nbytes(tensor.numel())
            infos[name] = TensorInfo(name, dtype, tuple(tensor.shape), position, nbytes)
            self._by_start.append((position, name))
            position += nbytes
        return Header(MappingProxyType(infos), MappingProxyType({}), 0, position)

    def read(self, offset: int, length: int, buffer: memoryview) -> memoryview:
        """Copy ``length`` bytes at the invented ``offset``; see :meth:`RawReader.read`."""
        import bisect

        filled = 0
        index = bisect.bisect_right(self._by_start, (offset, "\U0010ffff")) - 1
        while filled < length:
            start, name = self._by_start[index]
            data = _bytes_of(self._tensors[name])
            skip = max(0, offset - start)
            part = data[skip : skip + length - filled]
            buffer[filled : filled + len(part)] = part
            filled += len(part)
            index += 1
        return buffer[:length]

    def check_unchanged(self) -> None:
        """Raise a CheckpointError if the file was written to since it was opened: it is mapped, not read."""
        if _identity(self.path) != self._opened_as:
            raise CheckpointError(f"{self.path.name}: the file was changed while it was being read.")

    def close(self) -> None:
        """Let the archive go."""
        self._tensors = {}


def _bytes_of(tensor: torch.Tensor) -> memoryview:
    import torch

    # numpy knows neither bfloat16 nor float8, but everything can be looked at as bytes.
    return memoryview(tensor.reshape(-1).view(torch.uint8).numpy())  # type: ignore[arg-type]


def open_pickled(path: Path) -> tuple[Header, PickledReader]:
    """Open a ``.ckpt`` file.

    Raises:
        CheckpointError: If it is damaged, holds anything but weights, or no weights at all.
    """
    opened_as = _identity(path)
    tensors = _find_tensors(_load(path))
    if not tensors:
        raise CheckpointError(f"{path.name}: there are no tensors in it.")
    reader = PickledReader(path, tensors, opened_as)
    return reader.describe(path.name), reader


def _identity(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise CheckpointError(f"{path.name}: cannot be read ({error.strerror or error}).") from error
    return status.st_size, status.st_mtime_ns


def _load(path: Path) -> Any:
    import torch

    try:
        with path.open("rb") as file:
            # Archives in the old format cannot be mapped and have to be read whole; so have those that are called
            # .safetensors, which today's torch believes.
            if file.read(4) != _ZIP_MAGIC or path.suffix.lower() == ".safetensors":
                file.seek(0)
                return torch.load(file, map_location="cpu", weights_only=True)
        return torch.load(str(path), map_location="cpu", weights_only=True, mmap=True)  # 2.1 maps no Path
    except Exception as error:  # the loader raises a dozen different types on damaged files
        raise CheckpointError(
            f"{path.name}: cannot be read as plain weights. It is damaged, or holds Python objects that could run "
            f"code. Convert it to safetensors with a tool that you trust. ({_detail(error)})"
        ) from error


def _detail(error: Exception) -> str:
    """The loader's own words, without its advice to run the code of such a file."""
    text = str(error)
    if "weights_only" not in text:
        return next(iter(text.splitlines()), "")[:200] or type(error).__name__
    found = re.search(r"[Uu]nsupported [^\n]{1,160}", text)
    return found.group().rstrip(".") if found else "more than weights"


def _find_tensors(loaded: Any) -> dict[str, torch.Tensor]:
    """The state dict: at the top or under ``state_dict``, as trainers write it; anything but tensors is left."""
    import torch

    if isinstance(loaded, dict) and isinstance(loaded.get("state_dict"), dict):
        loaded = loaded["state_dict"]
    if not isinstance(loaded, dict):
        return {}
    return {
        name: value.detach().contiguous()
        for name, value in loaded.items()
        if isinstance(name, str) and isinstance(value, torch.Tensor) and value.layout == torch.strided
    }
