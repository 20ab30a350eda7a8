"""Bytes seen as tensors."""

from __future__ import annotations

import torch

from lib_kohaku.checkpoint.dtypes import DType
from lib_kohaku.checkpoint.source import Checkpoint


def view_elements(data: memoryview, dtype: DType) -> torch.Tensor:
    """A flat tensor over ``data`` without a copy, except where the data are not aligned to the element size.

    Args:
        data: Bytes, a whole number of elements; must outlive the tensor.
        dtype: Their element type, one that torch has.

    Returns:
        Shape ``(len(data) / element size,)``.
    """
    if not len(data):
        return torch.empty(0, dtype=dtype.torch)
    flat = torch.frombuffer(data, dtype=torch.uint8)
    if flat.data_ptr() % (dtype.bits // 8):
        flat = flat.clone()
    return flat.view(dtype.torch)


def read_tensor(checkpoint: Checkpoint, name: str) -> torch.Tensor:
    """One tensor in its stored dtype and shape, in memory of its own.

    Raises:
        CheckpointError: If it is not there or the file is truncated.
        RefusedError: If its element type is one that torch cannot hold.
    """
    info = checkpoint.tensors.get(name)
    data = checkpoint.read_bytes(name)
    assert info is not None  # read_bytes refuses unknown names
    return view_elements(data, info.dtype).reshape(info.shape)
