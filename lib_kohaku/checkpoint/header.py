"""The header of a safetensors file, parsed and checked before a byte of any tensor is read or allocated.

A safetensors file is: 8 bytes little-endian length N, N bytes of JSON, then the data of all tensors without gaps
(https://github.com/huggingface/safetensors#format). The checks are those of the reference library plus duplicate
names, and every refusal names the file and, where there is one, the tensor.
"""

from __future__ import annotations

import json
import math
import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, NoReturn

from lib_kohaku.checkpoint.dtypes import DTYPES, DType
from lib_kohaku.errors import CheckpointError

# The cap of the reference library.
MAX_HEADER_BYTES = 100_000_000
MAX_DIMENSIONS = 32
LENGTH_BYTES = 8
METADATA = "__metadata__"
# Half a character; JSON can say it, UTF-8 cannot.
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """Where one tensor lies.

    Attributes:
        name: Its key.
        dtype: Its element type.
        shape: Its shape; ``()`` for a scalar.
        start: Offset of its first byte in the file (absolute, in bytes).
        nbytes: Bytes it takes.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...]
    start: int
    nbytes: int

    @property
    def count(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def end(self) -> int:
        """Offset of the first byte after it."""
        return self.start + self.nbytes


@dataclass(frozen=True)
class Header:
    """What a safetensors file says about itself.

    Attributes:
        tensors: All tensors by name, in the order of their data.
        metadata: The free text of ``__metadata__``.
        data_start: Offset of the first tensor byte.
        file_size: Size of the whole file in bytes.
    """

    tensors: Mapping[str, TensorInfo]
    metadata: Mapping[str, str]
    data_start: int
    file_size: int


def read_header(path: Path) -> Header:
    """Read and check the header of ``path``.

    Raises:
        CheckpointError: If the file cannot be read or is not a sound safetensors file.
    """
    try:
        with path.open("rb") as file:
            file_size = file.seek(0, 2)
            file.seek(0)
            prefix = file.read(LENGTH_BYTES)
            length = _header_length(prefix, file_size, path.name)
            raw = file.read(length)
    except OSError as error:
        raise CheckpointError(f"{path.name}: cannot be read ({error.strerror or error}).") from error
    return parse_header(prefix + raw, file_size, path.name)


def parse_header(head: bytes, file_size: int, label: str) -> Header:
    """Check a header that is in memory.

    Args:
        head: The file's first bytes, at least the whole header with its length prefix.
        file_size: Size of the whole file in bytes.
        label: How to name the file in errors.

    Raises:
        CheckpointError: If anything about it is wrong.
    """
    length = _header_length(head[:LENGTH_BYTES], file_size, label)
    raw = head[LENGTH_BYTES : LENGTH_BYTES + length]
    if len(raw) < length:
        raise CheckpointError(f"{label}: the file ends inside its header.")
    document = _parse_json(raw, label)
    metadata = _check_metadata(document.pop(METADATA, {}), label)
    data_start = LENGTH_BYTES + length
    infos = [_check_tensor(name, entry, data_start, label) for name, entry in document.items()]
    infos.sort(key=lambda info: (info.start, info.end))
    _check_layout(infos, data_start, file_size, label)
    tensors = {info.name: info for info in infos}
    return Header(MappingProxyType(tensors), MappingProxyType(metadata), data_start, file_size)


def is_tensor_name(name: str) -> bool:
    """Whether a safetensors file can hold a tensor of this name."""
    return name != METADATA and _SURROGATE.search(name) is None


def _header_length(prefix: bytes, file_size: int, label: str) -> int:
    if len(prefix) < LENGTH_BYTES:
        raise CheckpointError(f"{label}: not a safetensors file ({file_size} bytes are too few).")
    (length,) = struct.unpack("<Q", prefix)
    if length > MAX_HEADER_BYTES:
        raise CheckpointError(
            f"{label}: not a safetensors file, or a damaged one: its header would be {length} bytes "
            f"(the limit is {MAX_HEADER_BYTES})."
        )
    if length > file_size - LENGTH_BYTES:
        raise CheckpointError(
            f"{label}: truncated or not a safetensors file: the header should be {length} bytes, "
            f"the whole file has {file_size}."
        )
    return int(length)


def _parse_json(raw: bytes, label: str) -> dict[str, Any]:
    def no_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            seen: set[str] = set()
            twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
            raise CheckpointError(f"{label}: the header has {twice[:200]!r} twice.")
        return result

    def no_constant(text: str) -> NoReturn:
        raise CheckpointError(f"{label}: the header is not valid JSON ({text} is not a number).")

    if raw[:1] != b"{":
        raise CheckpointError(f"{label}: not a safetensors file (the header is not a JSON object).")
    try:
        document = json.loads(raw.decode("utf-8"), object_pairs_hook=no_duplicates, parse_constant=no_constant)
    except (ValueError, RecursionError) as error:
        raise CheckpointError(f"{label}: the header is not valid JSON ({str(error)[:200]}).") from error
    if not isinstance(document, dict):
        raise CheckpointError(f"{label}: the header is not a JSON object.")
    for name in document:
        if _SURROGATE.search(name):
            raise CheckpointError(f"{label}: tensor {name[:200]!r}: its name is not valid Unicode.")
    return document


def _check_metadata(metadata: Any, label: str) -> dict[str, str]:
    if metadata is None:
        return {}
    if not isinstance(metadata, dict):
        raise CheckpointError(f"{label}: __metadata__ is not a JSON object.")
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise CheckpointError(f"{label}: __metadata__ entry {key[:200]!r} is not text.")
        if _SURROGATE.search(key) or _SURROGATE.search(value):
            raise CheckpointError(f"{label}: __metadata__ entry {key[:200]!r} is not valid Unicode.")
    return metadata


def _check_tensor(name: str, entry: Any, data_start: int, label: str) -> TensorInfo:
    where = f"{label}: tensor {name[:200]!r}"
    if not isinstance(entry, dict):
        raise CheckpointError(f"{where}: its entry is not a JSON object.")
    missing = {"dtype", "shape", "data_offsets"} - entry.keys()
    if missing:
        raise CheckpointError(f"{where}: {' and '.join(sorted(missing))} missing.")
    dtype = DTYPES.get(entry["dtype"]) if isinstance(entry["dtype"], str) else None
    if dtype is None:
        raise CheckpointError(f"{where}: unknown element type {str(entry['dtype'])[:50]!r}.")
    shape = entry["shape"]
    if not _is_sizes(shape) or len(shape) > MAX_DIMENSIONS:
        raise CheckpointError(f"{where}: its shape is not a list of at most {MAX_DIMENSIONS} sizes.")
    offsets = entry["data_offsets"]
    if not _is_sizes(offsets) or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise CheckpointError(f"{where}: data_offsets are not a pair of ascending offsets.")
    expected = dtype.nbytes(math.prod(shape))
    if offsets[1] - offsets[0] != expected:
        raise CheckpointError(
            f"{where}: {dtype.name} {list(shape)} takes {expected} bytes, but {offsets[1] - offsets[0]} are given."
        )
    return TensorInfo(name, dtype, tuple(shape), data_start + offsets[0], expected)


def _is_sizes(value: Any) -> bool:
    """Whether it is a list of integers from 0 to 2^63 - 1 (bool is not an integer here)."""
    return isinstance(value, list) and all(type(item) is int and 0 <= item < 1 << 63 for item in value)


def _check_layout(infos: list[TensorInfo], data_start: int, file_size: int, label: str) -> None:
    position = data_start
    for info in infos:
        where = f"{label}: tensor {info.name[:200]!r}"
        if info.start < position:
            raise CheckpointError(f"{where}: its data overlap those of the tensor before it.")
        if info.start > position:
            raise CheckpointError(f"{where}: {info.start - position} bytes before it belong to no tensor.")
        if info.end > file_size:
            raise CheckpointError(
                f"{where}: the file is truncated: its data end at byte {info.end}, the file at {file_size}."
            )
        position = info.end
    if position != file_size:
        raise CheckpointError(f"{label}: {file_size - position} bytes at the end belong to no tensor.")
