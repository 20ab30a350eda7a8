"""Converting many layers: all of them, or none."""

from __future__ import annotations

import torch
from torch import nn

from lib_kohaku.fp8.attach.layer import ManagedLayer, Source
from lib_kohaku.fp8.attach.targets import Target
from lib_kohaku.fp8.codecs import Quantised, choose_exponents, quantise_with
from lib_kohaku.fp8.policy import Policy
from lib_kohaku.progress import Progress, raise_if_cancelled

Exponents = int | torch.Tensor


def look_at_all(targets: list[Target], policy: Policy, progress: Progress) -> list[dict[str, Exponents]]:
    """Find every scale before anything is changed: a NaN in the last layer must not cost the first its values."""
    progress.start("Looking at the weights", len(targets), "layers")
    found = []
    for target in targets:
        raise_if_cancelled(progress)
        weights = target.layer.weights
        found.append(
            {
                role: choose_exponents(weight.parameter, policy.fmt, target.scaling[role], weight.name)
                for role, weight in weights.items()
            }
        )
        progress.advance(1)
    return found


def install_all(
    targets: list[Target],
    exponents: list[dict[str, Exponents]],
    policy: Policy,
    source: Source | None,
    progress: Progress,
) -> None:
    """Put codes into every target, one layer after the other.

    Args:
        targets: Layers to take over.
        exponents: Of the scales of each layer's weights, from :func:`look_at_all`.
        policy: Gives the format.
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
            originals = _install(target.layer, chosen, policy)
            done.append((target.layer, originals if source is None else {}))
            progress.advance(1)
    except BaseException:
        for layer, originals in done:
            _undo(layer, originals, source)
        raise


def _install(layer: ManagedLayer, exponents: dict[str, Exponents], policy: Policy) -> dict[str, nn.Parameter]:
    """Convert one layer, wholly or not at all, and hand over what it had."""
    originals = {role: weight.parameter for role, weight in layer.weights.items()}
    codes: dict[str, Quantised] = {
        role: quantise_with(original, policy.fmt, exponents[role]) for role, original in originals.items()
    }
    try:
        layer.install(codes)
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
