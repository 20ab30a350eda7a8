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
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.source import load_header
from lib_kohaku.errors import CheckpointError
from lib_kohaku.fp8.choice import Fp8Choice
from lib_kohaku.fp8.codecs import FP8_TAGS, Fp8Format, Quantised, quantise
from lib_kohaku.fp8.files import markers
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.host.a1111.fp8.freed import FreeingCounter
from lib_kohaku.host.a1111.fp8.originals import OriginalReader, file_name, stored_name

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
        self._freeing = FreeingCounter()

    def __getitem__(self, name: str) -> torch.Tensor:
        if name not in self:
            raise KeyError(name)
        stored = self._names[name]
        self._freeing.count(4 * self._file.checkpoint.tensors[stored].count)
        quantised = self._file.quantised(stored)
        return self._file.tensor(stored) if quantised is None else quantised.decode(model_dtype())

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

    def discard(self, name: str) -> None:
        """Take a tensor out without reading it."""
        super().pop(name, None)

    def codes(self, name: str) -> Quantised | None:
        """The codes of a tensor as the file has them, None if it is not fp8."""
        return self._file.quantised(self._names[name])

    def described(self) -> dict[str, torch.Tensor]:
        """An ordinary dict of tensors of the right types and shapes, without data (meta device)."""
        weights, tensors = self._file.layout.weights, self._file.checkpoint.tensors
        stored = {name: tensors[self._names[name]] for name in self}
        return {
            name: torch.empty(
                info.shape, dtype=model_dtype() if info.name in weights else info.dtype.torch, device="meta"
            )
            for name, info in stored.items()
        }


def model_dtype() -> torch.dtype:
    """The type that the webui gives to the weights of a model."""
    return torch.float32 if shared.cmd_opts.no_half else torch.float16


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
        info.dtype.name in FP8_TAGS or info.dtype.name in markers.FOREIGN_DTYPES or name.endswith(_STRANGE_ENDINGS)
        for name, info in header.tensors.items()
    )


def decoding_state(path: Path) -> DecodingState:
    """The state dict of an fp8 checkpoint.

    Raises:
        Fp8FileError: If something in it is quantised in a way that is not supported.
        CheckpointError: If it is damaged.
    """
    # Through the page cache: people change to and fro between models.
    file = Fp8Checkpoint(path, IOMode.BUFFERED)
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


class StateCodes(Mapping[str, Quantised]):
    """Codes for the names of a model that is about to be loaded, made of its state dict one at a time.

    They are those that the loaded model would be converted to: out of the type that the webui gives to weights, except
    for those that the file has as codes of the wanted format already.
    """

    def __init__(self, state: Mapping[str, Any], choice: Fp8Choice) -> None:
        """Convert by a choice.

        Args:
            state: The state dict, with the names of files.
            choice: The format, and whether weights are scaled.
        """
        self._state = state
        self._fmt = choice.fmt
        self._scaling = choice.policy().scaling

    def has(self, live_name: str) -> bool:
        """Whether the state dict has the parameter."""
        return file_name(live_name) in self._state

    def values_of(self, live_name: str) -> torch.Tensor:
        """The parameter as numbers."""
        value: torch.Tensor = self._state[file_name(live_name)]
        return value

    def __contains__(self, live_name: object) -> bool:
        return self.has(str(live_name))

    def __getitem__(self, live_name: str) -> Quantised:
        name = file_name(live_name)
        found = self._state.codes(name) if isinstance(self._state, DecodingState) else None
        if found is not None and found.fmt == self._fmt:
            return found
        values = self.values_of(live_name) if found is None else found.decode(model_dtype())
        if values.is_floating_point() and not shared.cmd_opts.no_half:
            values = values.to(model_dtype())
        return quantise(values.cpu(), self._fmt, self._scaling, name)

    def __iter__(self) -> Iterator[str]:
        return iter(self._state)

    def __len__(self) -> int:
        return len(self._state)
