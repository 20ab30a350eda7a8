"""Recognising what is fp8 in a file, from its header and a few small tensors, and refusing what would be noise."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from lib_kohaku.checkpoint.header import Header, TensorInfo
from lib_kohaku.fp8.codecs import FORMATS, Fp8Format
from lib_kohaku.fp8.errors import Fp8FileError
from lib_kohaku.fp8.files import markers

# Real ones are 30 bytes. A tensor called comfy_quant that is large is something else.
_MAX_QUANT_JSON = 4096
_FORMATS_BY_TAG = {fmt.tag: fmt for fmt in FORMATS}
_SCALE_DTYPES = ("F32", "F16", "BF16")

PLAIN, SCALED, MIXED = "plain", "scaled", "mixed"


@dataclass(frozen=True)
class StoredWeight:
    """An fp8 tensor of a file.

    Attributes:
        info: Where it lies.
        fmt: What its codes mean.
        scale: Where its scale lies; None if it has none.
        channels: Whether there is one scale per output channel.
    """

    info: TensorInfo
    fmt: Fp8Format
    scale: TensorInfo | None
    channels: bool


@dataclass(frozen=True)
class Fp8Layout:
    """What is fp8 in a file.

    Attributes:
        scheme: ``plain``, ``scaled`` or ``mixed``; empty if nothing is fp8.
        weights: The fp8 tensors by name.
        bookkeeping: Scales and markers: tensors that are not part of the model.
        activation_scales: Those of them that are for fp8 matrix products, which are not used.
    """

    scheme: str
    weights: Mapping[str, StoredWeight]
    bookkeeping: frozenset[str]
    activation_scales: tuple[str, ...]


NOTHING_FP8 = Fp8Layout("", {}, frozenset(), ())


def find_layout(
    header: Header, read: Callable[[str], bytes], label: str, *, may_hold_strange_types: bool = False
) -> Fp8Layout:
    """Recognise the scheme of a file.

    Args:
        header: Its header.
        read: Reads the bytes of a small tensor.
        label: How to name the file in errors.
        may_hold_strange_types: Let tensors of types that nothing here computes with pass, for those who copy them.

    Raises:
        Fp8FileError: If something in it is quantised in a way that is not supported, or scales and weights do not
            belong together.
    """
    _refuse_foreign(header, label, {} if may_hold_strange_types else markers.FOREIGN_DTYPES)
    mixed = _check_declared_formats(header, read, label)
    scales, scaled_scheme = _find_scales(header, label)
    weights = {}
    for name, info in header.tensors.items():
        fmt = _FORMATS_BY_TAG.get(info.dtype.name)
        if fmt is not None and not name.endswith(markers.SCALED_MARKER):
            scale = scales.pop(name, None)
            weights[name] = StoredWeight(info, fmt, scale, _has_channels(info, scale, label))
    for name in scales:
        found = header.tensors[name].dtype.name
        raise Fp8FileError(f"{label}: '{name}' has a scale but is {found}, which is not supported.")
    bookkeeping = frozenset(filter(_is_bookkeeping, header.tensors))
    activations = tuple(name for name in header.tensors if name.endswith(markers.ACTIVATION_ENDINGS))
    scheme = (MIXED if mixed else scaled_scheme or PLAIN) if weights else ""
    return Fp8Layout(scheme, weights, bookkeeping, activations)


def _is_bookkeeping(name: str) -> bool:
    endings = (*markers.SCALE_ENDINGS, *markers.ACTIVATION_ENDINGS, markers.COMFY_QUANT)
    return name.endswith(endings) or name.rpartition(".")[2] == markers.SCALED_MARKER


def _refuse_foreign(header: Header, label: str, dtypes: Mapping[str, str]) -> None:
    for name, info in header.tensors.items():
        foreign = dtypes.get(info.dtype.name)
        for ending, kind in markers.FOREIGN_ENDINGS.items():
            if name.endswith(ending):
                foreign = kind
        if foreign:
            raise Fp8FileError(f"{label}: '{name}' belongs to {foreign}, which is not supported.")


def _find_scales(header: Header, label: str) -> tuple[dict[str, TensorInfo], str]:
    """Scales by the name of their weight, and the scheme that their names belong to."""
    scales: dict[str, TensorInfo] = {}
    scheme = ""
    for name, info in header.tensors.items():
        ending = next((ending for ending in markers.SCALE_ENDINGS if name.endswith(ending)), None)
        if ending is None:
            continue
        layer = name.removesuffix(ending)
        weight = next((weight for weight in (layer + markers.WEIGHT, layer) if weight in header.tensors), None)
        if weight is None:
            raise Fp8FileError(f"{label}: there is a scale '{name}' but no weight for it.")
        if weight in scales:
            raise Fp8FileError(f"{label}: '{weight}' has two scales.")
        if info.dtype.name not in _SCALE_DTYPES:
            raise Fp8FileError(f"{label}: the scale '{name}' is of type {info.dtype.name}, which is not supported.")
        scales[weight] = info
        scheme = SCALED if ending == markers.SCALE_WEIGHT else MIXED
    return scales, scheme


def _has_channels(info: TensorInfo, scale: TensorInfo | None, label: str) -> bool:
    """Whether a scale has one value per output channel; refuses every other shape than that and a single value."""
    if scale is None or scale.count == 1:
        return False
    channels = info.shape[:1]
    if scale.shape[:1] == channels and scale.count == math.prod(channels):
        return True
    raise Fp8FileError(
        f"{label}: the scale '{scale.name}' has shape {list(scale.shape)}; a weight of shape {list(info.shape)} needs "
        f"one number or {list(channels)}."
    )


def _check_declared_formats(header: Header, read: Callable[[str], bytes], label: str) -> bool:
    """Refuse layers that declare a format that is not ours; tells whether any layer declares one."""
    declared = False
    for where, format_name, weight in _declared(header, read, label):
        declared = True
        fmt = markers.FORMAT_NAMES.get(format_name)
        if fmt is None:
            known = ", ".join(markers.FORMAT_NAMES)
            raise Fp8FileError(f"{label}: {where} is {format_name!r}, which is not supported (only {known} are).")
        info = header.tensors.get(weight)
        if info is not None and info.dtype.name != fmt.tag:
            raise Fp8FileError(f"{label}: {where} says {format_name}, but '{weight}' is {info.dtype.name}.")
    return declared


def _declared(header: Header, read: Callable[[str], bytes], label: str) -> Iterator[tuple[str, str, str]]:
    """(where it says so, name of the format, name of the weight) of every layer that declares a format."""
    for name, info in header.tensors.items():
        if name.endswith(markers.COMFY_QUANT):
            if info.nbytes > _MAX_QUANT_JSON:
                raise Fp8FileError(f"{label}: '{name}' has {info.nbytes} bytes, too many for what it should be.")
            entry = _json_object(read(name), name, label)
            yield f"'{name}'", str(entry.get("format")), name.removesuffix(markers.COMFY_QUANT) + markers.WEIGHT
    text = header.metadata.get(markers.HEADER_ENTRY)
    if text is not None:
        layers = _json_object(text.encode(), markers.HEADER_ENTRY, label).get("layers")
        for layer, entry in (layers if isinstance(layers, dict) else {}).items():
            format_name = entry.get("format") if isinstance(entry, dict) else entry
            yield f"layer '{layer}' in the header", str(format_name), layer + markers.WEIGHT


def _json_object(data: bytes, where: str, label: str) -> dict[str, Any]:
    try:
        document = json.loads(data.rstrip(b"\0").decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Fp8FileError(f"{label}: '{where}' cannot be read: {str(error)[:200]}.") from error
    if not isinstance(document, dict):
        raise Fp8FileError(f"{label}: '{where}' is not a JSON object.")
    return document
