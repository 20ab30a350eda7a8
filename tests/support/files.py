"""Making and reading files without the code under test."""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import safe_open
from safetensors.torch import save_file

TORCH_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
    torch.float8_e4m3fn: "F8_E4M3",
    torch.float8_e5m2: "F8_E5M2",
    torch.int64: "I64",
    torch.int32: "I32",
    torch.int16: "I16",
    torch.int8: "I8",
    torch.uint8: "U8",
    torch.bool: "BOOL",
}


def header_bytes(header: Any) -> bytes:
    """A header with its length prefix; ``header`` is a document, or the raw bytes of one."""
    raw = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(raw)) + raw


def raw_file(path: Path, header: Any, data: bytes = b"") -> Path:
    """A file with exactly this header and data."""
    path.write_bytes(header_bytes(header) + data)
    return path


def entry(dtype: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    """One tensor's entry in a header."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [start, end]}


def save(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> Path:
    """A checkpoint written by the official library."""
    save_file(
        {name: tensor.clone().contiguous() for name, tensor in tensors.items()}, path, metadata=dict(metadata or {})
    )
    return path


def save_in_order(path: Path, tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str] | None = None) -> Path:
    """A checkpoint with its tensors in the given order, for what the official library's writer does not offer."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)} if metadata else {}
    data = b""
    for name, tensor in tensors.items():
        raw = bytes_of(tensor)
        header[name] = entry(TORCH_NAMES[tensor.dtype], list(tensor.shape), len(data), len(data) + len(raw))
        data += raw
    return raw_file(path, header, data)


def bytes_of(tensor: torch.Tensor) -> bytes:
    """The bytes of a tensor in memory order."""
    return tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()


def load(path: Path) -> dict[str, torch.Tensor]:
    """All tensors, read by the official library."""
    with safe_open(path, "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


def metadata_of(path: Path) -> dict[str, str]:
    """The metadata, read by the official library."""
    with safe_open(path, "pt") as file:
        return dict(file.metadata() or {})


def digest(path: Path) -> str:
    """SHA-256 of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def same_bits(left: torch.Tensor, right: torch.Tensor) -> bool:
    """Whether two tensors have one type, one shape, and equal bytes (so NaN equals NaN, 0 differs from -0)."""
    return left.dtype == right.dtype and left.shape == right.shape and bytes_of(left) == bytes_of(right)
