"""The loaded model as a place to write tensors to."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch

from lib_kohaku.checkpoint.datafiles import load_data
from lib_kohaku.checkpoint.io.aligned import aligned_buffer
from lib_kohaku.checkpoint.tensors import view_elements
from lib_kohaku.checkpoint.writer import TensorSpec
from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.attach.weight import is_bookkeeping

_UNET = "model.diffusion_model."
# The webui puts wrappers around text encoders and their embeddings while a model is in use, as submodules of this name.
_WRAPPER = "wrapped"


def weights_by_name(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Parameters and buffers by the names that checkpoints give them, old names of text encoder weights included."""
    found: dict[str, torch.Tensor] = {}
    everything = itertools.chain(
        model.named_parameters(remove_duplicate=False), model.named_buffers(remove_duplicate=False)
    )
    for name, tensor in everything:
        if is_bookkeeping(name):
            continue
        found.setdefault(".".join(part for part in name.split(".") if part != _WRAPPER), tensor)
    for old, new in load_data("architectures")["key_aliases"].items():
        if old != "comment":
            aliases = {old + name[len(new) :]: tensor for name, tensor in found.items() if name.startswith(new)}
            found = {**aliases, **found}
    return found


def fits(weights: Mapping[str, torch.Tensor], specs: Sequence[TensorSpec]) -> bool:
    """Whether tensors belong into a model: the same UNet, and the same shapes wherever both have a tensor."""
    theirs = {spec.name for spec in specs if spec.name.startswith(_UNET)}
    ours = {name for name in weights if name.startswith(_UNET)}
    if not theirs or theirs != ours:
        return False
    return all(
        tuple(weights[spec.name].shape) == tuple(spec.shape) and not weights[spec.name].is_meta
        for spec in specs
        if spec.name in weights
    )


def undo_baked_loras(model: torch.nn.Module) -> None:
    """Put the weights back that the webui's LoRA code has changed in place, and let it forget its copies.

    Those copies are of the model that is being replaced: left alone, the next image would bring its weights back.

    Raises:
        RefusedError: If LoRAs are baked in and nobody can undo them.
    """
    networks: Any = sys.modules.get("networks")
    restore = getattr(networks, "network_restore_weights_from_backup", None)
    forget = getattr(networks, "network_reset_cached_weight", None)
    changed = list(_with_loras(model))
    if not changed:
        return
    if restore is None or forget is None:
        raise RefusedError("LoRAs are applied to the loaded model; make an image without LoRA first.")
    with torch.no_grad():
        for module in changed:
            restore(module)
            forget(module)


def _with_loras(model: torch.nn.Module) -> Iterator[torch.nn.Module]:
    for module in model.modules():
        backups = (getattr(module, f"network_{kind}_backup", None) for kind in ("weights", "bias"))
        if getattr(module, "network_current_names", ()) or any(backup is not None for backup in backups):
            yield module


class LiveModelSink:
    """Copies the result into the loaded model, one tensor at a time; see :class:`~lib_kohaku.merge.execute.sinks.Sink`.

    Memory: one buffer of the size of the largest tensor.

    Attributes:
        unknown: Names of tensors that the model does not have (markers, averages of training, ...).
    """

    def __init__(self, weights: Mapping[str, torch.Tensor], specs: Sequence[TensorSpec]) -> None:
        """Expect tensors in this order."""
        self._weights = weights
        self._specs = iter([spec for spec in specs if spec.nbytes])
        self._current = next(self._specs, None)
        self._buffer = aligned_buffer(max((spec.nbytes for spec in specs), default=1))
        self._filled = 0
        self.unknown: list[str] = []

    def reserve(self, nbytes: int) -> memoryview:
        """See :class:`~lib_kohaku.merge.execute.sinks.Sink`."""
        spec = self._expected()
        return self._buffer[self._filled : min(spec.nbytes, self._filled + nbytes)]

    def commit(self, nbytes: int) -> None:
        """See :class:`~lib_kohaku.merge.execute.sinks.Sink`."""
        spec = self._expected()
        self._filled += nbytes
        if self._filled == spec.nbytes:
            self._store(spec)
            self._current = next(self._specs, None)
            self._filled = 0

    def finish(self) -> None:
        """Check that nothing is missing.

        Raises:
            ValueError: If fewer tensors came than were announced.
        """
        if self._current is not None:
            raise ValueError(f"{self._current.name} and what follows it did not come")

    def close(self) -> None:
        """Nothing to let go of."""

    def _expected(self) -> TensorSpec:
        if self._current is None:
            raise ValueError("more bytes came than were announced")
        return self._current

    def _store(self, spec: TensorSpec) -> None:
        target = self._weights.get(spec.name)
        if target is None:
            self.unknown.append(spec.name)
            return
        values = view_elements(self._buffer[: spec.nbytes], spec.dtype).reshape(spec.shape)
        with torch.no_grad():
            target.copy_(values)
