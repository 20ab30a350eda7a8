"""Converting many layers: all of them, or none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import nn

from lib_kohaku.fp8.attach.layer import ManagedLayer, Source
from lib_kohaku.fp8.attach.targets import Target
from lib_kohaku.fp8.attach.weight import ManagedWeight
from lib_kohaku.fp8.codecs import Fp8Format, Quantised, Scaling, choose_exponents, quantise_with
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.progress import Progress, raise_if_cancelled

Exponents = int | torch.Tensor


@dataclass(frozen=True)
class CodeSource:
    """Where codes come from: a file that has them already, else the model's own numbers.

    Attributes:
        fmt: The format for what is encoded.
        stored: Codes by name of weight; taken as they are, in the format that they have.
        device: Where stored codes go whose parameter has no data (meta device).
    """

    fmt: Fp8Format
    stored: Mapping[str, Quantised]
    device: torch.device

    def look(self, weight: ManagedWeight, scaling: Scaling) -> Exponents | None:
        """The exponents that :meth:`codes` will need; None for stored weights.

        Raises:
            NotFiniteError: If the weight holds NaN or infinity.
        """
        if weight.name in self.stored:
            return None
        return choose_exponents(weight.parameter, self.fmt, scaling, weight.name)

    def codes(self, weight: ManagedWeight, exponents: Exponents | None) -> Quantised:
        """The codes of a weight, on the device where it belongs.

        Raises:
            Fp8Error: If stored codes are of another shape.
        """
        original = weight.parameter
        if exponents is not None:
            return quantise_with(original, self.fmt, exponents)
        stored = self.stored[weight.name]
        if stored.codes.shape != original.shape:
            found, wanted = tuple(stored.codes.shape), tuple(original.shape)
            raise Fp8Error(f"'{weight.name}' has shape {wanted}, the stored codes {found}")
        device = self.device if original.is_meta else original.device
        scale = stored.scale.to(device) if isinstance(stored.scale, torch.Tensor) else stored.scale
        return Quantised(stored.codes.to(device), stored.fmt, scale)


def look_at_all(targets: list[Target], codes: CodeSource, progress: Progress) -> list[dict[str, Exponents | None]]:
    """Find every scale before anything is changed: a NaN in the last layer must not cost the first its values."""
    progress.start("Looking at the weights", len(targets), "layers")
    found = []
    for target in targets:
        raise_if_cancelled(progress)
        weights = target.layer.weights
        found.append({role: codes.look(weight, target.scaling[role]) for role, weight in weights.items()})
        progress.advance(1)
    return found


def install_all(
    targets: list[Target],
    exponents: list[dict[str, Exponents | None]],
    codes: CodeSource,
    source: Source | None,
    progress: Progress,
) -> None:
    """Put codes into every target, one layer after the other.

    Args:
        targets: Layers to take over.
        exponents: Of the scales of each layer's weights, from :func:`look_at_all`.
        codes: Where codes come from.
        source: Where originals can be taken back from; None keeps them in memory until all is done.
        progress: Told of layers; may cancel.

    Raises:
        BaseException: Whatever stopped it, after every layer was taken back.
    """
    progress.start("Converting to fp8", len(targets), "layers")
    done: list[tuple[ManagedLayer, dict[str, nn.Parameter]]] = []
    try:
        for target, chosen in zip(targets, exponents, strict=True):
            raise_if_cancelled(progress)
            originals = _install(target.layer, chosen, codes)
            # Those without data cost nothing, and a source need not be asked for them.
            kept = source is None or all(parameter.is_meta for parameter in originals.values())
            done.append((target.layer, originals if kept else {}))
            progress.advance(1)
    except BaseException:
        for layer, originals in done:
            _undo(layer, originals, source)
        raise


def _install(layer: ManagedLayer, exponents: dict[str, Exponents | None], codes: CodeSource) -> dict[str, nn.Parameter]:
    """Convert one layer, wholly or not at all, and hand over what it had."""
    originals = {role: weight.parameter for role, weight in layer.weights.items()}
    quantised = {role: codes.codes(weight, exponents[role]) for role, weight in layer.weights.items()}
    try:
        layer.install(quantised)
    except BaseException:
        layer.put_back(originals)
        layer.remove_hooks()
        raise
    return originals


def _undo(layer: ManagedLayer, originals: dict[str, nn.Parameter], source: Source | None) -> None:
    """Take back one layer of a conversion that failed later."""
    if originals:
        layer.put_back(originals)
    else:
        try:
            layer.release(source)
        except Exception:
            # The error that stopped the conversion is the one to tell; a sound layer matters more than exact bits.
            layer.release()
    layer.remove_hooks()
