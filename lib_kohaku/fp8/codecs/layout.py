"""Walking over tensors in the order of memory, in blocks that stay in a core's cache."""

from __future__ import annotations

from collections.abc import Iterator

import torch

# 128 Ki elements: large enough to hide the cost of a torch call, small enough for fp32 blocks to stay in a 2 MB L2.
BLOCK = 1 << 17

# For look-ups, whose cost is in the table, a little more hides more of it.
LOOK_UP_BLOCK = 1 << 18


def in_memory_order(tensor: torch.Tensor) -> torch.Tensor | None:
    """The elements of a dense tensor as one row, without copying.

    Args:
        tensor: Any shape; contiguous or channels-last.

    Returns:
        A 1-D view, or None if the tensor has gaps or another layout.
    """
    if tensor.is_contiguous():
        return tensor.view(-1)
    if tensor.dim() == 4 and tensor.is_contiguous(memory_format=torch.channels_last):
        return tensor.permute(0, 2, 3, 1).reshape(-1)
    return None


def dense_row(tensor: torch.Tensor) -> torch.Tensor:
    """:func:`in_memory_order` of a tensor made with ``empty_like`` from a dense one, which is dense itself."""
    row = in_memory_order(tensor)
    if row is None:
        raise AssertionError("empty_like keeps the layout of dense tensors")
    return row


def blocks(count: int, size: int = BLOCK) -> Iterator[slice]:
    """Cut ``range(count)`` into slices of at most ``size``."""
    for start in range(0, count, size):
        yield slice(start, min(start + size, count))


def per_channel(scale: torch.Tensor, dimensions: int) -> torch.Tensor:
    """Shape one value per output channel so that it broadcasts over a weight of ``dimensions`` axes."""
    return scale.view(-1, *([1] * (dimensions - 1)))
