"""What a checkpoint file is, as a JSON document: the command line's ``--json`` and the HTTP API."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from lib_kohaku.checkpoint.inspect import Inspection, Share
from lib_kohaku.merge.embed import read_embedded_merge


def inspection_document(inspection: Inspection, *, tensors: bool = True) -> dict[str, Any]:
    """Everything that an inspection says.

    Args:
        inspection: The inspection.
        tensors: Whether to list every tensor.
    """
    header = inspection.header
    merge = read_embedded_merge(header.metadata)
    document: dict[str, Any] = {
        "file": inspection.path.name,
        "bytes": header.file_size,
        "architecture": inspection.architecture.id,
        "prediction": inspection.prediction,
        "components": _shares(inspection.components),
        "dtypes": _shares(inspection.dtypes),
        "blocks": _shares(inspection.blocks),
        "metadata": dict(header.metadata),
        "merge": None if merge is None else {"tool": merge.tool, "recipe": _recipe(merge.text)},
    }
    if tensors:
        document["tensors"] = {
            info.name: {"dtype": info.dtype.name, "shape": list(info.shape), "offset": info.start}
            for info in header.tensors.values()
        }
    return document


def _recipe(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return text


def _shares(shares: Mapping[str, Share]) -> dict[str, Any]:
    return {
        name: {"tensors": share.tensors, "parameters": share.parameters, "bytes": share.nbytes}
        for name, share in shares.items()
    }
