"""What an unsaved merge is called: the truth, and no hash, for there is no file."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

from lib_kohaku.checkpoint.names import safe_file_name
from lib_kohaku.errors import UnsafeNameError

UNSAVED = "(unsaved merge)"


def unsaved_info(current: Any, name: str) -> Any:
    """A checkpoint entry for a merge that lies in no file.

    It is registered nowhere: nobody can choose it, and it is gone when the model is. Its file name is one that does not
    exist, so that the webui never takes it for the checkpoint that it replaces (it compares file names when it looks
    for models that are in memory already, and when it looks for the VAE and the notes that belong to one).

    Args:
        current: The entry of the loaded model, as a pattern.
        name: What the merge is called.
    """
    info = copy.copy(current)
    shown = f"{_plain(name)} {UNSAVED}"
    info.filename = str(Path(current.filename).absolute().parent / f"{shown}.safetensors")
    info.name = info.title = info.short_title = info.name_for_extra = info.model_name = shown
    info.hash = info.sha256 = info.shorthash = None
    info.ids = []
    info.metadata = {}
    info.is_safetensors = True
    # The webui hashes the file of an entry that it is about to load, and lists it under its new title.
    info.calculate_shorthash = _no_hash
    info.register = _no_hash
    return info


def _plain(name: str) -> str:
    """The name if it could be a file's, which is what image file names are made of."""
    try:
        return safe_file_name(name, ".safetensors").removesuffix(".safetensors")
    except UnsafeNameError:
        return "merge"


def _no_hash() -> None:
    """There is no file."""
