"""What the managed layers have in common: forward on the instance, weights made for one call, changes, hooks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils.hooks import RemovableHandle

from lib_kohaku.fp8.attach.deltas import Computed, Delta, Full, LowRank, PlacedDelta, check_delta, low_rank_weight
from lib_kohaku.fp8.attach.weight import ManagedWeight
from lib_kohaku.fp8.codecs import Quantised

Source = Callable[[str], torch.Tensor]


class ManagedLayer(ABC):
    """A module whose ``forward`` is ours, as an attribute of the instance.

    An instance attribute wins over whatever others put on the class, and leaves the module's type, hooks, children
    and identity alone. When the layer is released its ``forward`` calls the class's, for the case that somebody
    wrapped it meanwhile and keeps calling.

    Attributes:
        module: The module.
        weights: Managed weights by the name of their attribute below ``module`` (``weight``, ``out_proj.weight``).
        managed: Whether the codes are in place.
        gives_values: Whether its part of a state dict holds numbers; else tensors without data (meta device), for a
            time in which somebody asks for shapes.
    """

    def __init__(self, module: torch.nn.Module, weights: Mapping[str, ManagedWeight]) -> None:
        self.module = module
        self.weights = dict(weights)
        self.managed = False
        self.gives_values = True
        self._deltas: dict[str, dict[str, PlacedDelta]] = {role: {} for role in self.weights}
        self._handles: list[RemovableHandle] = []

    @abstractmethod
    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Compute as the module's class does, with decoded weights."""

    def install(self, quantised: Mapping[str, Quantised]) -> None:
        """Take the module over: its codes, hooks and ``forward``."""
        for role, weight in self.weights.items():
            weight.install(quantised[role])
        if not self._handles:
            for owner in {id(weight.owner): weight.owner for weight in self.weights.values()}.values():
                # The public names of these two are newer than the oldest torch supported.
                before_loading: Any = owner._register_load_state_dict_pre_hook
                after_saving: Any = owner._register_state_dict_hook
                self._handles += [before_loading(_LoadHook(self, owner)), after_saving(_SaveHook(self, owner))]
        self.module.__dict__["forward"] = self.forward
        self.managed = True

    def release(self, source: Source | None = None) -> None:
        """Make the module ordinary again, with weights from ``source`` by name or, without it, as decoded.

        Raises:
            Fp8Error: If the source gives another shape. The layer is then still managed.
            Exception: Whatever ``source`` raises; the layer is then still managed.
        """
        values = {role: None if source is None else source(weight.name) for role, weight in self.weights.items()}
        self.put_back({role: weight.restored(values[role]) for role, weight in self.weights.items()})

    def drop(self) -> None:
        """Make the module ordinary again with parameters that have no data, for one that is about to be loaded."""
        self.put_back({role: weight.without_data() for role, weight in self.weights.items()})

    def put_back(self, parameters: Mapping[str, torch.nn.Parameter]) -> None:
        """Make the module ordinary again with these parameters.

        The hooks stay, doing nothing: torch walks over them when this is called because a state dict is being loaded.
        """
        for role, weight in self.weights.items():
            weight.uninstall(parameters[role])
        if self.module.__dict__.get("forward") == self.forward:
            del self.module.__dict__["forward"]
        for deltas in self._deltas.values():
            deltas.clear()
        self.managed = False

    def remove_hooks(self) -> None:
        """Leave no trace on the module, once the layer is released."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def set_delta(self, role: str, key: str, delta: Delta) -> None:
        """Add a change under a name, or replace the one of that name.

        Raises:
            Fp8Error: If it does not fit the weight.
        """
        weight = self.weights[role]
        check_delta(delta, tuple(weight.codes.shape), weight.name)
        self._deltas[role][key] = PlacedDelta(delta)

    def remove_delta(self, role: str, key: str) -> bool:
        """Remove a change; tells whether there was one."""
        return self._deltas[role].pop(key, None) is not None

    def delta_keys(self, role: str) -> tuple[str, ...]:
        """Names of the changes of one weight, in the order in which they are applied."""
        return tuple(self._deltas[role])

    def branches(self, role: str, device: torch.device, dtype: torch.dtype) -> list[LowRank]:
        """The low-rank changes that are computed beside the weight, for layers that can do that."""
        beside = list(self._deltas[role].values())[self._count_folded(role) :]
        placed = (delta.at(device, dtype) for delta in beside)
        return [delta for delta in placed if isinstance(delta, LowRank)]

    def _count_folded(self, role: str) -> int:
        """How many changes are added to the weight in any case.

        A change that depends on the weight has to see those before it, low-rank ones too.
        """
        changes = enumerate((placed.delta for placed in self._deltas[role].values()), 1)
        return max((count for count, delta in changes if isinstance(delta, Computed)), default=0)

    def weight_and_bias(
        self, role: str, bias: torch.Tensor | None, device: torch.device, dtype: torch.dtype, *, fold: bool = False
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The weight to compute with now, and the bias.

        Args:
            role: Which weight.
            bias: The module's bias.
            device: Where the layer computes.
            dtype: The compute type.
            fold: Whether low-rank changes are added to the weight as well; for layers without side branches.

        Returns:
            Both in ``dtype``. Changes are summed in float32 and rounded once.
        """
        weight = self.weights[role]
        deltas = list(self._deltas[role].values())
        folded = len(deltas) if fold else self._count_folded(role)
        changes = [placed.at(device, torch.float32) for placed in deltas[:folded]]
        beside = (placed.at(device, dtype) for placed in deltas[folded:])
        changes += [change for change in beside if not isinstance(change, LowRank)]
        cast_bias = None if bias is None else bias.to(dtype)
        if not changes:
            return weight.decode(dtype), cast_bias
        wide = weight.decode(torch.float32)
        wide_bias = None if bias is None else bias.to(torch.float32, copy=True)
        for change in changes:
            if isinstance(change, LowRank):
                wide += low_rank_weight(change, torch.float32)
                continue
            full = change.compute(wide) if isinstance(change, Computed) else change
            wide_bias = _add(wide, wide_bias, full)
        return wide.to(dtype), None if wide_bias is None else wide_bias.to(dtype)


def _add(weight: torch.Tensor, bias: torch.Tensor | None, change: Full) -> torch.Tensor | None:
    """Add a full change to a float32 weight in place and return the new bias."""
    if change.weight is not None:
        weight.add_(change.weight.to(weight.device), alpha=change.strength)
    if change.bias is None:
        return bias
    addend = change.bias.to(weight.device, torch.float32) * change.strength
    return addend if bias is None else bias + addend


class _LoadHook:
    """Before a state dict is loaded into a managed module: make it ordinary, or its codes would be overwritten."""

    def __init__(self, layer: ManagedLayer, owner: torch.nn.Module) -> None:
        self._layer = layer
        self._owner = owner

    def __call__(self, state_dict: Mapping[str, Any], prefix: str, *_: Any) -> None:
        layer = self._layer
        owned = [weight.attribute for weight in layer.weights.values() if weight.owner is self._owner]
        # A state dict for other parts of the model must not cost this one its codes.
        if layer.managed and any(prefix + attribute in state_dict for attribute in owned):
            layer.release()


class _SaveHook:
    """A managed module's state dict holds numbers, as if the module were ordinary: whoever asks for it expects that."""

    def __init__(self, layer: ManagedLayer, owner: torch.nn.Module) -> None:
        self._layer = layer
        self._owner = owner

    def __call__(self, _module: torch.nn.Module, state_dict: dict[str, Any], prefix: str, *_: Any) -> None:
        for weight in self._layer.weights.values() if self._layer.managed else ():
            if weight.owner is self._owner and prefix + weight.attribute in state_dict:
                values = weight.decode(weight.dtype) if self._layer.gives_values else weight.without_data().data
                state_dict[prefix + weight.attribute] = values
