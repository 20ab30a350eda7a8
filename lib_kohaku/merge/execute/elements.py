"""The values of one model's tensor, block by block, whatever they are stored as."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import torch

from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.source import Checkpoint
from lib_kohaku.checkpoint.tensors import view_elements
from lib_kohaku.fp8.codecs import Scale, refuse_special_codes
from lib_kohaku.fp8.codecs.tables import exact_table
from lib_kohaku.fp8.files.layout import StoredWeight
from lib_kohaku.fp8.files.reader import read_scale
from lib_kohaku.merge.execute.batches import Part
from lib_kohaku.merge.plan.types import MergePlan


class Elements(Protocol):
    """A flat run of values."""

    def block(self, start: int, end: int) -> torch.Tensor:
        """Values ``start`` to ``end``, of any floating type; valid until the same model's next block is asked for."""

    def whole(self) -> torch.Tensor:
        """All values, flat."""

    def check(self) -> None:
        """Look closer, because a result was no number.

        Raises:
            NotFiniteError: If that is because the file is damaged.
        """


class PlainElements:
    """Values that torch computes with as they are stored."""

    def __init__(self, values: torch.Tensor) -> None:
        """Serve a flat tensor."""
        self._values = values

    def block(self, start: int, end: int) -> torch.Tensor:
        """See :class:`Elements`."""
        return self._values[start:end]

    def whole(self) -> torch.Tensor:
        """See :class:`Elements`."""
        return self._values

    def check(self) -> None:
        """See :class:`Elements`."""


class Fp8Elements:
    """Codes with their scale. Values are ``code * scale``, exact in float64: 4 bits times 24."""

    def __init__(
        self, role: str, codes: torch.Tensor, stored: StoredWeight, scale: Scale, first: int, buffers: _Buffers
    ) -> None:
        """Decode.

        Args:
            role: Whose they are, for errors.
            codes: uint8, flat.
            stored: What they belong to.
            scale: Of the whole tensor.
            first: Index of the first code in the tensor.
            buffers: Memory for blocks.
        """
        self._role = role
        self._codes = codes
        self._stored = stored
        self._first = first
        self._buffers = buffers
        table = exact_table(stored.fmt)
        self._scales = scale.to(torch.float64) if isinstance(scale, torch.Tensor) else None
        self._table = table if isinstance(scale, torch.Tensor) else table * scale

    def block(self, start: int, end: int) -> torch.Tensor:
        """See :class:`Elements`."""
        index, values = self._buffers.of(end - start)
        return self._decode(start, end, index, values)

    def whole(self) -> torch.Tensor:
        """See :class:`Elements`."""
        count = len(self._codes)
        index, values = torch.empty(count, dtype=torch.int32), torch.empty(count, dtype=torch.float64)
        return self._decode(0, count, index, values)

    def check(self) -> None:
        """See :class:`Elements`."""
        refuse_special_codes(self._codes, self._stored.fmt, f"{self._stored.info.name}' of model '{self._role}")

    def _decode(self, start: int, end: int, index: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
        torch.index_select(self._table, 0, index.copy_(self._codes[start:end]), out=values)
        if self._scales is not None and end > start:
            width = self._stored.info.count // len(self._scales)
            elements = torch.arange(self._first + start, self._first + end)
            values.mul_(self._scales.index_select(0, elements.div_(width, rounding_mode="floor")))
        return values


class _Buffers:
    """Memory for one model's blocks, used again and again."""

    def __init__(self, block: int) -> None:
        self._index = torch.empty(block, dtype=torch.int32)
        self._values = torch.empty(block, dtype=torch.float64)

    def of(self, count: int) -> tuple[torch.Tensor, torch.Tensor]:
        return self._index[:count], self._values[:count]


class ElementReader:
    """Sees the bytes of inputs as values."""

    def __init__(self, scales: Mapping[tuple[str, str], Scale], block: int) -> None:
        """Prepare.

        Args:
            scales: From :func:`read_scales`.
            block: The most values that are asked for at once.
        """
        self._scales = scales
        self._block = block
        self._buffers: dict[str, _Buffers] = {}

    def of(self, part: Part, role: str, data: memoryview) -> Elements:
        """The values of one input of a part, given its bytes."""
        stored = part.tensor.stored.get(role)
        if stored is None:
            return PlainElements(view_elements(data, part.tensor.inputs[role].dtype))
        if role not in self._buffers:
            self._buffers[role] = _Buffers(self._block)
        scale = self._scales.get((role, stored.info.name), 1.0)
        codes = view_elements(data, DTYPES["U8"])
        return Fp8Elements(role, codes, stored, scale, part.start, self._buffers[role])


def read_scales(plan: MergePlan, inputs: Mapping[str, Checkpoint]) -> dict[tuple[str, str], Scale]:
    """The scales of all fp8 weights that a plan computes with, by role and name of the weight.

    Raises:
        CheckpointError: If a file is truncated.
        Fp8FileError: If a scale is no positive number.
    """
    wanted = {
        (role, stored.info.name): stored
        for tensor in plan.tensors
        for role, stored in tensor.stored.items()
        if stored.scale is not None
    }
    return {(role, name): read_scale(inputs[role], stored) for (role, name), stored in wanted.items()}
