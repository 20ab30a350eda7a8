"""Metadata that others read: the webui's ``sd_merge_*`` and the Stability ModelSpec (``modelspec.*``)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

# https://github.com/Stability-AI/ModelSpec
MODELSPEC = "modelspec."
MODELSPEC_VERSION = "1.0.1"
MODELSPEC_ARCHITECTURES = {
    "sd1": "stable-diffusion-v1",
    "sd2": "stable-diffusion-v2-512",
    "sdxl": "stable-diffusion-xl-v1-base",
    "sdxl-refiner": "stable-diffusion-xl-v1-refiner",
    "sd3": "stable-diffusion-v3-medium",
}
MERGE_RECIPE = "sd_merge_recipe"
MERGE_MODELS = "sd_merge_models"
# Metadata come from strangers; nobody writes a legitimate entry of this size.
MAX_ENTRY_LENGTH = 10_000_000
MAX_NESTING = 100


def json_entry(metadata: Mapping[str, str], key: str) -> Any:
    """A metadata entry that should hold JSON; None if it is missing, too large, too deep or not JSON.

    What is returned can be written as JSON again, so a stranger's file cannot spoil the metadata of its descendants.
    """
    text = metadata.get(key)
    if text is None or len(text) > MAX_ENTRY_LENGTH:
        return None
    try:
        document = json.loads(text)
        if _nesting(document) > MAX_NESTING:
            return None
        json.dumps(document, ensure_ascii=False, allow_nan=False).encode()  # refuses half characters and infinities
    except (ValueError, RecursionError):
        return None
    return document


def _nesting(document: Any) -> int:
    depth, level = 0, [document]
    while level:
        containers = [
            item.values() if isinstance(item, dict) else item for item in level if isinstance(item, (dict, list))
        ]
        depth, level = depth + 1, [child for container in containers for child in container]
    return depth


def licences(metadatas: list[Mapping[str, str]]) -> str:
    """The parents' licences, each once, in their order; empty if none states one."""
    stated = (metadata.get(f"{MODELSPEC}license", "").strip() for metadata in metadatas)
    return ", ".join(dict.fromkeys(licence for licence in stated if licence))
