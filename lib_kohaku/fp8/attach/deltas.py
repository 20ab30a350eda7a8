"""Changes of a weight that are applied while computing: LoRA and everything like it.

Merging a LoRA into 8-bit weights loses it (a change of 1 % of the weights' spread leaves every code as it is).
Applied at compute time it is exact, needs no backup of the base, and is gone when it is removed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch

from lib_kohaku.fp8.errors import Fp8Error


@dataclass(frozen=True, eq=False)
class LowRank:
    """``strength * up @ down``, as a side branch of linear and convolution layers.

    Attributes:
        down: (rank, inputs) for linear layers; (rank, inputs, kernel) for convolutions, or (rank, inputs, 1, 1) with
            ``mid``.
        up: (outputs, rank), or (outputs, rank, 1, 1).
        mid: (rank, rank, kernel) of a Tucker-decomposed convolution (Hitachi et al., LoCon's "cp"), else None.
        strength: Factor on the change; alpha / rank included.
    """

    down: torch.Tensor
    up: torch.Tensor
    mid: torch.Tensor | None = None
    strength: float = 1.0


@dataclass(frozen=True, eq=False)
class Full:
    """``strength * weight`` added to the weight, and ``strength * bias`` to the bias.

    Attributes:
        weight: The weight's shape, or None.
        bias: (outputs,), or None. A layer without bias gets one for as long as the change is there.
        strength: Factor on both.
    """

    weight: torch.Tensor | None
    bias: torch.Tensor | None = None
    strength: float = 1.0


@dataclass(frozen=True, eq=False)
class Computed:
    """A change that depends on the weight (DoRA, OFT, IA3, ...), or that is too large to be held.

    Attributes:
        compute: Given the weight in float32 as it stands after the changes added before this one, gives the change of
            weight and bias, strength included. Called at every forward; must not write into its argument.
    """

    compute: Callable[[torch.Tensor], Full]


Delta = LowRank | Full | Computed


def low_rank_weight(delta: LowRank, dtype: torch.dtype) -> torch.Tensor:
    """``strength * up @ down`` as one tensor of the weight's shape."""
    down, up = delta.down.to(dtype), delta.up.to(dtype)
    rank = down.shape[0]
    if delta.mid is not None:
        product = torch.einsum("rskl,or,si->oikl", delta.mid.to(dtype), up.flatten(1), down.flatten(1))
    else:
        product = (up.reshape(-1, rank) @ down.reshape(rank, -1)).view(up.shape[0], *down.shape[1:])
    return product * delta.strength


def check_delta(delta: Delta, shape: tuple[int, ...], name: str) -> None:
    """Refuse a change that does not fit its weight, before anything is computed.

    Raises:
        Fp8Error: If the shapes do not fit.
    """
    if isinstance(delta, LowRank):
        found = _low_rank_shape(delta)
    elif isinstance(delta, Full):
        found = shape if delta.weight is None else tuple(delta.weight.shape)
        if delta.bias is not None and tuple(delta.bias.shape) != shape[:1]:
            raise Fp8Error(f"'{name}' has {shape[0]} outputs, the change of its bias {tuple(delta.bias.shape)}")
    else:
        return
    if found != shape:
        raise Fp8Error(
            f"'{name}' has shape {shape}, the change that is to be added to it {found or 'does not multiply'}"
        )


def _low_rank_shape(delta: LowRank) -> tuple[int, ...]:
    """Shape of the product, () if the factors do not fit each other."""
    down, up, mid = delta.down, delta.up, delta.mid
    pointwise_up = up.dim() == down.dim() and all(size == 1 for size in up.shape[2:])
    if down.dim() not in (2, 4) or not pointwise_up or up.shape[1] != down.shape[0]:
        return ()
    if mid is None:
        return (up.shape[0], *down.shape[1:])
    if mid.dim() != 4 or down.shape[2:] != (1, 1) or mid.shape[:2] != (up.shape[1], down.shape[0]):
        return ()
    return (up.shape[0], down.shape[1], *mid.shape[2:])


class PlacedDelta:
    """A change with its tensors where and how they were needed last.

    A model on a GPU calls with the same device and type at every step, so they are moved and cast once.

    Attributes:
        delta: The change as it was given.
    """

    def __init__(self, delta: Delta) -> None:
        self.delta = delta
        # One value, so that another thread sees both or neither.
        self._placed: tuple[torch.device, torch.dtype, LowRank | Full] | None = None

    def at(self, device: torch.device, dtype: torch.dtype) -> Delta:
        """The change on a device.

        Args:
            device: Where the layer computes.
            dtype: Type for low-rank factors. Full changes keep their own: they are added in float32.
        """
        if isinstance(self.delta, Computed):
            return self.delta
        placed = self._placed
        if placed is None or placed[:2] != (device, dtype):
            # Tensors made in inference mode could not be used where gradients are recorded later.
            with torch.inference_mode(False):
                placed = self._placed = (device, dtype, _moved(self.delta, device, dtype))
        return placed[2]


def _moved(delta: LowRank | Full, device: torch.device, dtype: torch.dtype) -> LowRank | Full:
    if isinstance(delta, Full):
        weight = None if delta.weight is None else delta.weight.detach().to(device)
        bias = None if delta.bias is None else delta.bias.detach().to(device)
        return Full(weight, bias, delta.strength)
    mid = None if delta.mid is None else delta.mid.detach().to(device, dtype)
    return LowRank(delta.down.detach().to(device, dtype), delta.up.detach().to(device, dtype), mid, delta.strength)
