"""Checkpoints whose own weights are fp8, as the webui should see them.

The webui takes the codes of scaled files for numbers and makes noise of them without a word, and cannot load large
fp8 tensors at all on a CPU with torch 2.1. So for such files it gets a state dict that decodes.
"""

from __future__ import annotations

import weakref
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from modules import shared

from lib_kohaku.checkpoint.datafiles import load_data
from lib_kohaku.checkpoint.header import Header
from lib_kohaku.checkpoint.source import load_header
from lib_kohaku.errors import CheckpointError
from lib_kohaku.fp8.codecs import FORMATS, Fp8Format, Quantised
from lib_kohaku.fp8.files import markers
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.host.a1111.fp8.originals import OriginalReader, stored_name

_TAGS = {fmt.tag for fmt in FORMATS}
_STRANGE_ENDINGS = (*markers.FOREIGN_ENDINGS, *markers.SCALE_ENDINGS, markers.COMFY_QUANT)


class DecodingState(dict[str, Any]):
    """A state dict whose fp8 weights are decoded when they are asked for, one at a time.

    The webui pops weights out as it loads them, or copies the dict; everything that gives values is overridden.
    """

    def __init__(self, file: Fp8Checkpoint) -> None:
        """Read from a file that stays open as long as the dict lives.

        Args:
            file: The checkpoint.
        """
        self._names = {_new_name(name): name for name in file.names}
        super().__init__(dict.fromkeys(self._names))
        self._file = file

    def __getitem__(self, name: str) -> torch.Tensor:
        if name not in self:
            raise KeyError(name)
        stored = self._names[name]
        tensor = self._file.tensor(stored)
        if stored not in self._file.layout.weights:
            return tensor
        return tensor.to(torch.float32 if shared.cmd_opts.no_half else torch.float16)

    def get(self, name: str, default: Any = None) -> Any:
        """As of any dict."""
        try:
            return self[name]
        except KeyError:
            return default

    def pop(self, name: str, *default: Any) -> Any:
        """As of any dict."""
        if name not in self:
            return super().pop(name, *default)
        value = self[name]
        super().pop(name)
        return value

    def items(self) -> Any:
        """As of any dict; each value is made as the loop comes to it."""
        return ((name, self[name]) for name in list(self))

    def values(self) -> Any:
        """As of any dict; each value is made as the loop comes to it."""
        return (self[name] for name in list(self))

    def copy(self) -> DecodingState:
        """Another dict over the same file; emptying one leaves the other."""
        other = DecodingState(self._file)
        for name in other.keys() - self.keys():
            dict.pop(other, name)
        return other


def _new_name(name: str) -> str:
    """The name of today for old names of text encoder weights, as the webui renames them."""
    for old, new in load_data("architectures")["key_aliases"].items():
        if old != "comment" and name.startswith(old):
            return str(new + name[len(old) :])
    return name


def is_quantised(path: Path) -> bool:
    """Whether a file has weights that the webui would take for something else. Reads the header only."""
    if path.suffix.lower() != ".safetensors":
        return False
    try:
        return _is_strange(load_header(path))
    except CheckpointError:
        return False  # the webui says it in its own way


def _is_strange(header: Header) -> bool:
    return any(
        info.dtype.name in _TAGS or info.dtype.name in markers.FOREIGN_DTYPES or name.endswith(_STRANGE_ENDINGS)
        for name, info in header.tensors.items()
    )


def decoding_state(path: Path) -> DecodingState:
    """The state dict of an fp8 checkpoint.

    Raises:
        Fp8FileError: If something in it is quantised in a way that is not supported.
        CheckpointError: If it is damaged.
    """
    file = Fp8Checkpoint(path)
    # Nobody closes a state dict; copies of it share the file.
    weakref.finalize(file, file.checkpoint.reader.close)
    return DecodingState(file)


class StoredCodes(Mapping[str, Quantised]):
    """The codes of a file for the names of the live model, for weights that are in the wanted format already.

    Taken as they are: decoding them and choosing scales anew would lose something for nothing.
    """

    def __init__(self, reader: OriginalReader, fmt: Fp8Format) -> None:
        """Serve those of one format."""
        self._file = reader.file
        self._fmt = fmt

    def __contains__(self, live_name: object) -> bool:
        return self._name(str(live_name)) is not None

    def __getitem__(self, live_name: str) -> Quantised:
        name = self._name(live_name)
        found = None if name is None else self._file.quantised(name)
        if found is None:
            raise KeyError(live_name)
        return found

    def __iter__(self) -> Iterator[str]:
        return (name for name, stored in self._file.layout.weights.items() if stored.fmt == self._fmt)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _name(self, live_name: str) -> str | None:
        name = stored_name(live_name, self._file.checkpoint.tensors)
        stored = None if name is None else self._file.layout.weights.get(name)
        return name if stored is not None and stored.fmt == self._fmt else None
