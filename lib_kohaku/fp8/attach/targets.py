"""Finding the modules of a model that can be managed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import nn

from lib_kohaku.checkpoint.architectures import detect_architecture
from lib_kohaku.checkpoint.dtypes import from_torch
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.fp8.attach.forwards import ManagedAttention, ManagedConv2d, ManagedLinear
from lib_kohaku.fp8.attach.layer import ManagedLayer
from lib_kohaku.fp8.attach.weight import ManagedWeight
from lib_kohaku.fp8.codecs import Scaling
from lib_kohaku.fp8.codecs.encode import SOURCE_DTYPES
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.fp8.policy import Policy

ComponentOf = Callable[[str], str]

_WEIGHTS = {
    ManagedLinear: ("weight",),
    ManagedConv2d: ("weight",),
    ManagedAttention: ("in_proj_weight", "out_proj.weight"),
}


@dataclass(frozen=True)
class Target:
    """A module that will be managed.

    Attributes:
        layer: The manager, not yet installed.
        scaling: Scaling of each of its weights.
    """

    layer: ManagedLayer
    scaling: Mapping[str, Scaling]


@dataclass(frozen=True)
class Skipped:
    """A weight that stays ordinary.

    Attributes:
        name: Its whole name.
        reason: Why.
    """

    name: str
    reason: str


def live_tensors(model: nn.Module, prefix: str) -> dict[str, TensorInfo]:
    """Parameters and buffers of a model as if they were tensors of a file. Another thread may be converting it."""
    named = [*model.named_parameters(prefix), *_named_buffers(model, prefix)]
    return {
        name: TensorInfo(name, from_torch(tensor.dtype), tuple(tensor.shape), 0, tensor.numel() * tensor.dtype.itemsize)
        for name, tensor in named
    }


def _named_buffers(model: nn.Module, prefix: str) -> Iterator[tuple[str, torch.Tensor]]:
    """As torch's ``named_buffers``, which does not bear that buffers come and go meanwhile, as those of codes do."""
    seen: set[int] = set()
    for path, module in model.named_modules(prefix=prefix):
        for name, buffer in list(module._buffers.items()):
            if buffer is not None and id(buffer) not in seen:
                seen.add(id(buffer))
                yield f"{path}.{name}" if path else name, buffer


def component_finder(model: nn.Module, prefix: str) -> ComponentOf:
    """Which component a parameter belongs to, by the model's architecture."""
    return detect_architecture(live_tensors(model, prefix)).component_of


def find_targets(
    model: nn.Module, policy: Policy, prefix: str, component_of: ComponentOf, stored: Container[str] = ()
) -> tuple[list[Target], list[Skipped]]:
    """The modules that a policy converts, and the weights of such modules that stay.

    Modules count by the ``forward`` of their class, so that subclasses that only change how they are made are taken
    and those that compute otherwise are not.

    Args:
        model: The model.
        policy: What is converted.
        prefix: What precedes the names of its parameters in a whole checkpoint.
        component_of: Component of a whole name.
        stored: Names of weights whose codes are at hand, so that the model need not have their numbers.

    Raises:
        Fp8Error: If a weight that would be converted is in fp8 already or has no data.
    """
    # By module, not by name: hosts register one text encoder under two names.
    uses = Counter(
        id(parameter)
        for module in model.modules()
        for parameter in module._parameters.values()
        if parameter is not None
    )
    targets: list[Target] = []
    skipped: list[Skipped] = []
    for path, module, manager in _candidates(model, prefix):
        roles: dict[str, ManagedWeight] = {}
        scaling: dict[str, Scaling] = {}
        for role in _WEIGHTS[manager]:
            owner, attribute = _locate(module, role)
            parameter = owner._parameters.get(attribute)
            if parameter is None or parameter.dtype == torch.uint8:
                continue
            name = f"{path}.{role}" if path else role
            floating = parameter.is_floating_point()
            decision = policy.decide(name, component_of(name), tuple(parameter.shape), floating=floating)
            reason = decision.reason or _obstacle(module, uses[id(parameter)])
            if reason:
                skipped.append(Skipped(name, reason))
                continue
            _require_convertible(name, parameter, name in stored)
            roles[role] = ManagedWeight(name, owner, attribute)
            scaling[role] = decision.scaling
        if roles:
            targets.append(Target(manager(module, roles), scaling))
    return targets, skipped


def _candidates(model: nn.Module, prefix: str) -> Iterator[tuple[str, nn.Module, type[ManagedLayer]]]:
    claimed: set[int] = set()
    for path, module in model.named_modules(prefix=prefix):
        if id(module) in claimed:
            continue
        forward = getattr(type(module), "forward", None)
        if isinstance(module, nn.TransformerEncoderLayer):
            # Its fused path takes the weights of its parts without calling them.
            claimed.update(id(part) for part in module.modules())
        elif forward is nn.MultiheadAttention.forward:
            claimed.add(id(module.out_proj))
            # Keys and values of other sizes have projections of their own and no packed one; no model here has that.
            if module.in_proj_weight is not None:
                yield path, module, ManagedAttention
        elif forward is nn.Linear.forward:
            yield path, module, ManagedLinear
        elif forward is nn.Conv2d.forward:
            yield path, module, ManagedConv2d


def _locate(module: nn.Module, role: str) -> tuple[nn.Module, str]:
    path, _, attribute = role.rpartition(".")
    return module.get_submodule(path), attribute


def _obstacle(module: nn.Module, uses: int) -> str:
    if not _computes_as_its_class(module):
        return "something else has replaced its forward"
    if uses > 1:
        return "its weight is shared with another module"
    return ""


def _computes_as_its_class(module: nn.Module) -> bool:
    """Whether nobody has put another ``forward`` on the instance.

    Those who wrap a layer for a while often put back what they read, which leaves the class's own on the instance, or
    that of a manager that has let go of the layer since and calls the class's.
    """
    forward = module.__dict__.get("forward")
    owner = getattr(forward, "__self__", None)
    if isinstance(owner, ManagedLayer):
        return owner.module is module and not owner.managed
    return forward is None or (owner is module and getattr(forward, "__func__", None) is type(module).forward)


def _require_convertible(name: str, parameter: nn.Parameter, has_codes: bool) -> None:
    if "float8" in str(parameter.dtype):
        raise Fp8Error(
            f"'{name}' is held in {parameter.dtype} already; switch the other fp8 option off and load the model again"
        )
    if parameter.dtype not in SOURCE_DTYPES:
        raise Fp8Error(f"'{name}' is of type {parameter.dtype}, which cannot be converted to fp8")
    if parameter.is_meta and not has_codes:
        raise Fp8Error(f"'{name}' has no data: the model is not loaded")
