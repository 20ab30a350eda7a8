"""When two tensors of one name can be merged."""

from __future__ import annotations

from lib_kohaku.checkpoint.architectures import is_input_convolution
from lib_kohaku.checkpoint.header import TensorInfo


def same_shape(left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    """Equal but for trailing sizes of 1: a 1x1 convolution is a linear layer."""
    return left == right or _trimmed(left) == _trimmed(right)


def _trimmed(shape: tuple[int, ...]) -> tuple[int, ...]:
    end = len(shape)
    while end and shape[end - 1] == 1:
        end -= 1
    return shape[:end]


def mergeable(base: TensorInfo, other: TensorInfo) -> bool:
    """Whether ``other`` can be merged into ``base``.

    The first convolution of inpainting models has 8 or 9 input channels instead of 4; there the shared channels are
    merged and the rest stays the base's.
    """
    if same_shape(base.shape, other.shape):
        return True
    return shares_channels(base, other)


def shares_channels(base: TensorInfo, other: TensorInfo) -> bool:
    """Whether they are first convolutions that differ in the number of input channels only."""
    return (
        is_input_convolution(base.name)
        and len(base.shape) == len(other.shape) == 4
        and base.shape[1] != other.shape[1]
        and (base.shape[0], *base.shape[2:]) == (other.shape[0], *other.shape[2:])
    )
