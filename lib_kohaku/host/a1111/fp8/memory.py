"""Bytes of the loaded model, counted without touching a weight.

Pages and the API ask for them without the webui's queue: the model may be converted meanwhile. What each weight is
is looked at once, so that the figures are those of some moment and nothing fails.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import nn

from lib_kohaku.checkpoint.architectures import detect_architecture
from lib_kohaku.checkpoint.dtypes import from_torch
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.fp8.attach import attachment_of
from lib_kohaku.fp8.attach.targets import live_tensors
from lib_kohaku.fp8.attach.weight import is_bookkeeping
from lib_kohaku.fp8.choice import Fp8Choice
from lib_kohaku.fp8.codecs import Fp8Format, Scaling
from lib_kohaku.fp8.policy import MemoryTable
from lib_kohaku.fp8.policy.predict import Held, predict, scale_bytes, tabulate
from lib_kohaku.host.a1111.fp8.originals import file_name

Kind = tuple[Fp8Format, Scaling, torch.dtype]


def memory_now(model: nn.Module) -> MemoryTable:
    """Bytes without fp8, and as the model is. LoRAs are not counted."""
    managed = _managed(model)
    infos = _ordinary(model, managed)
    before = [Held(info.name, info.dtype.name, info.nbytes) for info in infos]
    after = []
    for info in infos:
        kind = managed.get(info.name)
        if kind is None:
            after.append(Held(info.name, info.dtype.name, info.nbytes))
        else:
            fmt, scaling, _ = kind
            after.append(Held(info.name, fmt.tag, info.count))
            after.append(Held(info.name, "F32", scale_bytes(info.shape, scaling)))
    return tabulate(before, after, _component_of(infos))


def memory_predicted(model: nn.Module, choice: Fp8Choice) -> MemoryTable:
    """Bytes without fp8, and as a choice would have it."""
    infos = _ordinary(model, _managed(model))
    component_of = _component_of(infos)
    if choice.on:
        return predict(infos, component_of, choice.policy())
    held = [Held(info.name, info.dtype.name, info.nbytes) for info in infos]
    return tabulate(held, held, component_of)


def _managed(model: nn.Module) -> dict[str, Kind]:
    attachment = attachment_of(model)
    if attachment is None:
        return {}
    # Those converted while the webui loaded them have other live names by now.
    kinds = {file_name(name): weight.kind for name, weight in attachment.weights.items()}
    # A scale of 1 that nobody asked for takes no room.
    plain = attachment.policy.scaling is Scaling.NONE
    return {
        name: (kind[0], Scaling.NONE if plain and kind[1] is Scaling.TENSOR else kind[1], kind[2])
        for name, kind in kinds.items()
        if kind is not None
    }


def _ordinary(model: nn.Module, managed: dict[str, Kind]) -> list[TensorInfo]:
    """The model's tensors as they would be without fp8, under the names of files."""
    infos = []
    for info in live_tensors(model, "").values():
        name = file_name(info.name)
        kind = managed.get(name)
        if kind is not None:
            dtype = from_torch(kind[2])
            infos.append(TensorInfo(name, dtype, info.shape, 0, dtype.nbytes(info.count)))
        elif not is_bookkeeping(name):
            infos.append(TensorInfo(name, info.dtype, info.shape, 0, info.nbytes))
    return infos


def _component_of(infos: list[TensorInfo]) -> Callable[[str], str]:
    return detect_architecture({info.name: info for info in infos}).component_of
