"""Holding a live model's weights in fp8, and letting go of them again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import nn

from lib_kohaku.checkpoint.dtypes import from_torch
from lib_kohaku.fp8.attach.deltas import Delta
from lib_kohaku.fp8.attach.install import CodeSource, install_all, look_at_all
from lib_kohaku.fp8.attach.layer import ManagedLayer, Source
from lib_kohaku.fp8.attach.targets import ComponentOf, Skipped, component_finder, find_targets, live_tensors
from lib_kohaku.fp8.attach.weight import ManagedWeight, is_bookkeeping
from lib_kohaku.fp8.codecs import Quantised
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.fp8.policy import MemoryTable, Policy
from lib_kohaku.fp8.policy.predict import Held, scale_bytes, tabulate
from lib_kohaku.progress import Progress, SilentProgress

# Where a model keeps its attachment: on itself, so that several models can be managed and none outlives its model.
_ATTRIBUTE = "_kohaku_fp8"


@dataclass(frozen=True)
class _Place:
    """Where a weight is: its layer, and which of the layer's weights it is."""

    layer: ManagedLayer
    role: str
    weight: ManagedWeight


class Attachment:
    """A model with weights held in fp8. Made by :func:`attach`.

    Attributes:
        model: The model.
        policy: What was converted.
        skipped: Weights of linear, convolution and attention layers that were not, and why.
    """

    def __init__(self, model: nn.Module, policy: Policy, prefix: str, component_of: ComponentOf) -> None:
        self.model = model
        self.policy = policy
        self.skipped: tuple[Skipped, ...] = ()
        self._prefix = prefix
        self._component_of = component_of
        self._layers: list[ManagedLayer] = []
        self._places: dict[str, _Place] = {}

    @property
    def weights(self) -> Mapping[str, ManagedWeight]:
        """The weights that are held in fp8 now, by name. Loading a state dict into a layer takes its weights out."""
        return MappingProxyType({place.weight.name: place.weight for place in self._managed()})

    def set_delta(self, key: str, weight: str, delta: Delta) -> None:
        """Apply a change of a weight (a LoRA's, say) while computing, until it is removed.

        Args:
            key: The change's name, such as the LoRA's. Setting it again replaces it; changes of other names stay.
            weight: Name of a managed weight.
            delta: The change.

        Raises:
            Fp8Error: If the weight is not managed, or the change does not fit it.
        """
        place = self._places.get(weight)
        if place is None or not place.layer.managed:
            raise Fp8Error(f"'{weight}' is not held in fp8")
        place.layer.set_delta(place.role, key, delta)

    def remove_delta(self, key: str, weight: str | None = None) -> int:
        """Remove the changes of a name; the base is then computed with exactly as before.

        Args:
            key: Their name.
            weight: The only weight meant; None for all.

        Returns:
            How many were removed.
        """
        places = [place for place in self._managed() if weight in (None, place.weight.name)]
        return sum(place.layer.remove_delta(place.role, key) for place in places)

    def clear_deltas(self) -> None:
        """Remove all changes."""
        for place in self._managed():
            for key in place.layer.delta_keys(place.role):
                place.layer.remove_delta(place.role, key)

    def deltas(self) -> dict[str, tuple[str, ...]]:
        """Names of the changes of each weight that has any, in the order of their application."""
        found = {place.weight.name: place.layer.delta_keys(place.role) for place in self._managed()}
        return {name: keys for name, keys in found.items() if keys}

    def memory(self) -> MemoryTable:
        """Bytes of the model by component: without fp8, and as it is. Changes (LoRA) are not counted."""
        managed = self.weights
        before, after = [], []
        for info in live_tensors(self.model, self._prefix).values():
            weight = managed.get(info.name)
            if weight is not None:
                dtype = from_torch(weight.dtype)
                before.append(Held(info.name, dtype.name, dtype.nbytes(info.count)))
                after.append(Held(info.name, weight.quantised.fmt.tag, info.count))
                after.append(Held(info.name, "F32", scale_bytes(info.shape, weight.scaling)))
            elif not is_bookkeeping(info.name):
                before.append(Held(info.name, info.dtype.name, info.nbytes))
                after.append(before[-1])
        return tabulate(before, after, self._component_of)

    def detach(self, source: Source | None = None) -> None:
        """Make the model ordinary again. All changes (LoRA) are dropped.

        Args:
            source: Gives the original tensor of a name, in any floating type that holds it; read from the model's
                file, it brings every weight back bit for bit. None restores what the codes say, which is what the
                model computed with.

        Raises:
            Fp8Error: If the source gives another shape.
            Exception: Whatever the source raises. Layers are restored one by one: those done are ordinary, the others
                still managed, the model is sound, and ``detach`` can be called again, with a source or without.
        """
        with torch.inference_mode(False), torch.no_grad():
            for layer in self._layers:
                if layer.managed:
                    layer.release(source)
        self._leave()

    def drop(self) -> None:
        """Let go of the codes and give nothing back, for a model whose weights are about to be loaded.

        Managed weights become ordinary parameters without data (meta device): whoever calls this has to bring data,
        from a state dict or by :func:`attach` with ``stored`` codes.
        """
        with torch.inference_mode(False), torch.no_grad():
            for layer in self._layers:
                if layer.managed:
                    layer.drop()
        self._leave()

    @contextmanager
    def without_values(self) -> Iterator[None]:
        """While this lasts, ``state_dict()`` gives managed weights without data, which costs nothing.

        For hosts that ask a whole model for its state dict to see the shape of one tensor.
        """
        layers = list(self._layers)
        for layer in layers:
            layer.gives_values = False
        try:
            yield
        finally:
            for layer in layers:
                layer.gives_values = True

    def _leave(self) -> None:
        """Leave no trace on a model whose layers are ordinary."""
        for layer in self._layers:
            layer.remove_hooks()
        self._layers.clear()
        self._places.clear()
        if self.model.__dict__.get(_ATTRIBUTE) is self:
            del self.model.__dict__[_ATTRIBUTE]

    def convert(self, codes: CodeSource, source: Source | None, progress: Progress) -> None:
        """Convert every weight that the policy wants and that is ordinary; all of them or none. See :func:`attach`."""
        targets, skipped = find_targets(self.model, self.policy, self._prefix, self._component_of, codes.stored)
        exponents = look_at_all(targets, codes, progress)
        install_all(targets, exponents, codes, source, progress)
        modules = {id(target.layer.module) for target in targets}
        for layer in self._layers:
            if id(layer.module) in modules:
                layer.remove_hooks()
        self._layers = [layer for layer in self._layers if id(layer.module) not in modules]
        self._layers += [target.layer for target in targets]
        self._places = {
            weight.name: _Place(layer, role, weight) for layer in self._layers for role, weight in layer.weights.items()
        }
        self.skipped = tuple(skipped)

    def _managed(self) -> list[_Place]:
        # Others may ask for the weights while a thread converts them.
        return [place for place in list(self._places.values()) if place.layer.managed]


def attachment_of(model: nn.Module) -> Attachment | None:
    """The attachment of a model, None if it has none."""
    found = model.__dict__.get(_ATTRIBUTE)
    return found if isinstance(found, Attachment) else None


def attach(
    model: nn.Module,
    policy: Policy,
    *,
    prefix: str = "",
    component_of: ComponentOf | None = None,
    source: Source | None = None,
    stored: Mapping[str, Quantised] | None = None,
    device: torch.device | None = None,
    progress: Progress | None = None,
) -> Attachment:
    """Hold a model's weights in fp8 from now on and compute as before.

    Classes, types and the module tree stay as they are. ``state_dict()`` of a managed model gives decoded numbers under
    the ordinary names; loading a state dict that names a managed weight makes its layer ordinary first.

    Args:
        model: Any module with linear, 2-D convolution or attention layers, on any device.
        policy: What to convert.
        prefix: What precedes the names of this module's parameters in a whole checkpoint, without the last dot.
        component_of: Component of a whole name; by default what the architecture says that the names show.
        source: As for :meth:`Attachment.detach`. Given one, converted originals are freed at once and taken back from
            it should the conversion fail; without one they are held until all is done, so the peak is the model in
            16 bit and in fp8.
        stored: Codes that are at hand for some weights, by whole name, such as
            :attr:`~lib_kohaku.fp8.files.reader.Fp8Checkpoint.stored`. They are taken as they are, in whatever format;
            the model's own parameters for them may be on the meta device.
        device: Where stored codes of parameters on the meta device go; the CPU by default.
        progress: Told of weights as they are converted; may cancel.

    Returns:
        The attachment. Calling again with an equal policy converts what has become ordinary since (a state dict was
        loaded) and returns the same one.

    Raises:
        NotFiniteError: If a weight holds NaN or infinity.
        Fp8Error: If the model is attached with another policy, in fp8 already, or not loaded.
        CancelledError: If ``progress`` said so. After any error the model is as it was before.
    """
    attachment = attachment_of(model)
    if attachment is None:
        attachment = Attachment(model, policy, prefix, component_of or component_finder(model, prefix))
    elif attachment.policy != policy:
        raise Fp8Error("the model is held in fp8 with other settings; detach it first")
    # Tensors made in inference mode could never be used where gradients are recorded, not even once restored.
    codes = CodeSource(policy.fmt, stored or {}, device or torch.device("cpu"))
    with torch.inference_mode(False), torch.no_grad():
        attachment.convert(codes, source, progress or SilentProgress())
    model.__dict__[_ATTRIBUTE] = attachment
    return attachment
