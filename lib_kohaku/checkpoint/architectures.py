"""What kind of model a file holds, told from its keys: declared in ``data/architectures.json``, not programmed.

Only the presence of keys and numbers of dimensions count, never sizes: reduced and pruned models are recognised too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from lib_kohaku.checkpoint.datafiles import load_data
from lib_kohaku.checkpoint.header import Header, TensorInfo

OTHER_COMPONENT = "other"


@dataclass(frozen=True)
class Architecture:
    """A family of models whose tensors correspond.

    Attributes:
        id: Short name: ``sd1``, ``sd2``, ``sdxl``, ``sdxl-refiner``, ``sd3`` or ``unknown``.
        label: The name for people.
        blocks: Id of its block map, None if block weights are not defined for it.
        components: Component name to the key prefixes of its tensors.
    """

    id: str
    label: str
    blocks: str | None
    components: Mapping[str, tuple[str, ...]]

    def component_of(self, key: str) -> str:
        """``unet``, ``te1``, ``te2``, ``te3``, ``vae``, ``ema`` or ``other``."""
        for component, prefixes in self.components.items():
            if key.startswith(prefixes):
                return component
        return OTHER_COMPONENT


UNKNOWN = Architecture("unknown", "unknown architecture", None, {})


@dataclass(frozen=True)
class _Rule:
    architecture: Architecture
    required: tuple[str, ...]
    forbidden: tuple[str, ...]
    dimensions: Mapping[str, int]

    def matches(self, tensors: Mapping[str, TensorInfo]) -> bool:
        return (
            all(key in tensors for key in self.required)
            and not any(key in tensors for key in self.forbidden)
            and all(key in tensors and len(tensors[key].shape) == n for key, n in self.dimensions.items())
        )


@cache
def _rules() -> tuple[_Rule, ...]:
    return tuple(
        _Rule(
            Architecture(
                entry["id"],
                entry["label"],
                entry["blocks"],
                {name: tuple(prefixes) for name, prefixes in entry["components"].items()},
            ),
            tuple(entry["all"]),
            tuple(entry.get("none", ())),
            entry.get("dims", {}),
        )
        for entry in load_data("architectures")["architectures"]
    )


def detect_architecture(tensors: Mapping[str, TensorInfo]) -> Architecture:
    """The architecture of a file with these tensors, :data:`UNKNOWN` if none fits."""
    return next((rule.architecture for rule in _rules() if rule.matches(tensors)), UNKNOWN)


def is_never_merged(info: TensorInfo) -> bool:
    """Whether a tensor is copied from the base whatever the formula: integers, schedules, markers."""
    lists = load_data("architectures")["never_merged"]
    return not info.dtype.floating or info.name in lists["exact"] or info.name.endswith(tuple(lists["endings"]))


def is_input_convolution(key: str) -> bool:
    """Whether it is the UNet's first convolution, whose input channels differ in inpainting models (4, 8, 9)."""
    return key in load_data("architectures")["input_convolutions"]


def prediction_type(header: Header) -> str:
    """``"v"``, ``"edm"``, or ``"epsilon"`` (which files do not mark), told from marker tensors and metadata."""
    for marker, kind in load_data("architectures")["prediction_markers"].items():
        if marker in header.tensors:
            return str(kind)
    stated = header.metadata.get("modelspec.prediction_type", "").lower()
    return "v" if stated == "v" else "epsilon"


def key_under_alias(key: str, tensors: Mapping[str, TensorInfo]) -> str | None:
    """The name under which ``tensors`` holds ``key``: itself, or another name of the same tensor; None if neither."""
    if key in tensors:
        return key
    for old, new in load_data("architectures")["key_aliases"].items():
        for ours, theirs in ((new, old), (old, new)):
            if old != "comment" and key.startswith(ours) and theirs + key[len(ours) :] in tensors:
                return str(theirs + key[len(ours) :])
    return None


def key_in_file(key: str, tensors: Mapping[str, TensorInfo]) -> str | None:
    """As :func:`key_under_alias`, and for files that hold a VAE alone: their names have no prefix."""
    found = key_under_alias(key, tensors)
    if found is None:
        bare = key.removeprefix(load_data("architectures")["vae_prefix"])
        return bare if bare in tensors else None
    return found
