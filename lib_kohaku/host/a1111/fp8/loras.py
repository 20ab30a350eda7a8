"""LoRAs of the prompt on layers that are held in fp8: added while computing, by the webui's own LoRA code.

The webui's code merges a LoRA into a layer's weights at the layer's next ``forward``. Managed layers have a ``forward``
of their own, so it never touches them. Here the first managed layer that is called after the set of LoRAs has changed
gives all of them their changes. What is in a file of any kind (LoRA, LoHa, LoKr, DoRA, OFT, ...) remains the webui's
knowledge: its ``calc_updown`` is asked.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from lib_kohaku.fp8.attach import Attachment, Computed, Delta, Full, LowRank
from lib_kohaku.fp8.errors import Fp8Error

_log = logging.getLogger(__name__)
_NOTHING = Full(None)
# The webui's class for one linear layer that makes queries, keys and values (Stable Diffusion 3).
_PACKED_LINEAR = "QkvLinear"


@dataclass(frozen=True)
class _Place:
    """A managed weight as the LoRA code sees it.

    Attributes:
        weight: The weight's name in the attachment.
        layer: The LoRA code's name for the layer.
        parts: Names of the LoRA's modules for it, one under another; one for ordinary layers, three for packed ones.
        needs: Modules that a LoRA must have too for the webui to apply it.
    """

    weight: str
    layer: str
    parts: tuple[str, ...]
    needs: tuple[str, ...] = ()


class PromptLoras:
    """Keeps the changes of an attachment those of the prompt's LoRAs."""

    def __init__(self, attachment: Attachment) -> None:
        """Serve an attachment; nothing happens before :meth:`watch`."""
        self._attachment = attachment
        self._handles: list[Any] = []
        self._applied: tuple[Any, ...] = ()
        self._failed: set[tuple[str, str]] = set()

    def watch(self) -> None:
        """Look at the set of LoRAs whenever a managed layer is called, as the webui does at its layers."""
        for module, _ in _managed_modules(self._attachment):
            self._handles.append(module.register_forward_pre_hook(_Hook(self)))

    def remove(self) -> None:
        """Stop looking, drop all changes."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._attachment.clear_deltas()
        self._applied = ()

    def follow(self) -> None:
        """Make the changes those of the LoRAs that are loaded now, unless they are."""
        networks: Any = sys.modules.get("networks")
        loaded = getattr(networks, "loaded_networks", ())
        # By name too, as in the webui: extensions that change a LoRA's tensors rename it, to have it applied anew.
        wanted = tuple((net, net.name, net.te_multiplier, net.unet_multiplier, net.dyn_dim) for net in loaded)
        if wanted != self._applied:
            self._apply(networks, list(loaded))
            self._applied = wanted

    def _apply(self, networks: Any, loaded: list[Any]) -> None:
        self._attachment.clear_deltas()
        self._failed.clear()
        weights = self._attachment.weights
        places = _places(self._attachment) if loaded else []
        for index, net in enumerate(loaded):
            for place in places:
                modules = [net.modules.get(part) for part in place.parts]
                if any(module is None for module in modules) or not all(net.modules.get(key) for key in place.needs):
                    continue
                report = self._reporter(networks, net.name, place.layer)
                try:
                    # Two LoRAs may have one name; their place in the prompt tells them apart.
                    delta = _delta(modules, weights[place.weight].dtype, report)
                    self._attachment.set_delta(f"{index}:{net.name}", place.weight, delta)
                except (Fp8Error, RuntimeError) as error:
                    report(error)

    def _reporter(self, networks: Any, name: str, layer: str) -> Callable[[Exception], None]:
        """Counts a layer that a LoRA does not fit, once, where the webui counts them for the image's comment."""

        def report(error: Exception) -> None:
            if (name, layer) in self._failed:
                return
            self._failed.add((name, layer))
            _log.debug("Network %s layer %s: %s", name, layer, error)
            counts = getattr(getattr(networks, "extra_network_lora", None), "errors", None)
            if isinstance(counts, dict):
                counts[name] = counts.get(name, 0) + 1

        return report


class _Hook:
    """Before a managed layer's ``forward``.

    Copies and pickles of a layer do not follow the prompt: they stay what the layer was, and do not take along what
    follows it, which is the whole model.
    """

    def __init__(self, loras: PromptLoras | None) -> None:
        self._loras = loras

    def __call__(self, _module: nn.Module, _inputs: Any) -> None:
        if self._loras is not None:
            self._loras.follow()

    def __reduce__(self) -> tuple[type[_Hook], tuple[None]]:
        return _Hook, (None,)


def _managed_modules(attachment: Attachment) -> Iterator[tuple[nn.Module, dict[str, str]]]:
    """Modules whose ``forward`` is ours, with the names of their managed weights by role."""
    names = {(id(weight.owner), weight.attribute): name for name, weight in attachment.weights.items()}
    claimed: set[int] = set()
    for module in attachment.model.modules():
        roles = {"weight": names.get((id(module), "weight"))}
        if isinstance(module, nn.MultiheadAttention):
            claimed.add(id(module.out_proj))
            roles = {
                "in": names.get((id(module), "in_proj_weight")),
                "out": names.get((id(module.out_proj), "weight")),
            }
        found = {role: name for role, name in roles.items() if name is not None}
        if found and id(module) not in claimed:
            yield module, found


def _places(attachment: Attachment) -> list[_Place]:
    places = []
    for module, roles in _managed_modules(attachment):
        layer = getattr(module, "network_layer_name", None)
        if not isinstance(layer, str):
            continue
        projections = tuple(f"{layer}_{letter}_proj" for letter in "qkv")
        if "weight" in roles:
            if type(module).__name__ == _PACKED_LINEAR:
                places.append(_Place(roles["weight"], layer, projections))
            # Comes later, so that a LoRA that has a module for the whole layer is asked for that, as by the webui.
            places.append(_Place(roles["weight"], layer, (layer,)))
        output = f"{layer}_out_proj"
        # The webui applies a LoRA to attention only if it has all four projections.
        if "in" in roles:
            places.append(_Place(roles["in"], layer, projections, (output,)))
        if "out" in roles:
            places.append(_Place(roles["out"], layer, (output,), projections))
    return places


def _delta(modules: list[Any], dtype: torch.dtype, report: Callable[[Exception], None]) -> Delta:
    if len(modules) == 1 and _is_low_rank(modules[0]):
        return _low_rank(modules[0])
    return Computed(_Change(modules, dtype, report))


def _is_low_rank(module: Any) -> bool:
    """Whether it is ``up @ down`` and nothing else."""
    return (
        type(module).__name__ == "NetworkModuleLora"
        and getattr(module, "dora_scale", None) is None
        and getattr(module, "bias", None) is None
    )


def _low_rank(module: Any) -> LowRank:
    down, up = module.down_model.weight.detach(), module.up_model.weight.detach()
    middle = None if module.mid_model is None else module.mid_model.weight.detach()
    rank = module.network.dyn_dim
    if rank is not None and middle is None:
        down, up = down[:rank], up[:, :rank]
    return LowRank(down, up, middle, float(module.multiplier()) * float(module.calc_scale()))


class _Change:
    """What the webui's LoRA code says that a weight changes by, asked at every forward: nothing is kept."""

    def __init__(self, modules: list[Any], dtype: torch.dtype, report: Callable[[Exception], None]) -> None:
        self._modules = modules
        self._dtype = dtype
        self._report = report

    def __deepcopy__(self, _memo: Any) -> _Change:
        """Itself, for it changes nothing; its modules would take the LoRA's file and the whole model along."""
        return self

    def __call__(self, weight: torch.Tensor) -> Full:
        """Give the change of a weight.

        Args:
            weight: As it stands, in float32; of several modules each gets its share of rows.
        """
        try:
            return self._ask(weight)
        except RuntimeError as error:
            problem = error
        if self._dtype != weight.dtype:
            # Some kinds multiply the weight with the file's tensors as they are, so it has to be of the model's type.
            try:
                return self._ask(weight.to(self._dtype))
            except RuntimeError as error:
                problem = error
        self._report(problem)
        return _NOTHING

    def _ask(self, weight: torch.Tensor) -> Full:
        with torch.no_grad():
            shares = weight.chunk(len(self._modules), 0)
            changes = [module.calc_updown(share) for module, share in zip(self._modules, shares, strict=True)]
            change = torch.cat([updown for updown, _ in changes]).reshape(weight.shape)
        return Full(change, changes[0][1] if len(changes) == 1 else None)
