"""Cutting the work into batches: what is read together, in which order, into how much memory.

Output tensors are taken in storage order, large ones in slices, and gathered into batches. For every batch and input
file, the byte ranges are merged into as few and as large reads as possible: where files hold their tensors in the same
order, as files of one family do, that is one read.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from lib_kohaku.checkpoint.io.aligned import ALIGNMENT, align_up
from lib_kohaku.merge.methods.base import TensorMethod
from lib_kohaku.merge.methods.registry import METHODS
from lib_kohaku.merge.plan.types import PlannedTensor

# What all read buffers together may take. More makes nothing faster; see benchmarks/.
READ_BUDGET = 96 << 20
# Batches that are read ahead while one is computed.
READ_AHEAD = 3
MAX_BATCH_BYTES = 8 << 20
# A gap up to this is read over rather than making two reads of it.
MAX_GAP = 64 << 10
_MAX_PARTS = 512


@dataclass(frozen=True)
class Part:
    """A slice of one output tensor: elements ``start`` to ``start + count`` of the flattened tensor.

    Attributes:
        tensor: What it belongs to.
        start: First element.
        count: Number of elements.
        whole: Whether the tensor can only be computed as a whole (then it is not cut).
    """

    tensor: PlannedTensor
    start: int
    count: int
    whole: bool

    def byte_range(self, role: str) -> tuple[int, int]:
        """First and end byte in an input's file."""
        info = self.tensor.inputs[role]
        if self.whole:
            return info.start, info.end
        size = info.dtype.bits // 8
        return info.start + self.start * size, info.start + (self.start + self.count) * size


@dataclass(frozen=True)
class Read:
    """One read of one file: ``length`` bytes at ``offset``, into the buffer at ``position``."""

    offset: int
    length: int
    position: int


@dataclass(frozen=True)
class Batch:
    """Work that is read, computed and written together.

    Attributes:
        parts: In output order.
        reads: For every input that is needed, its reads.
        buffer_bytes: For every such input, the size of the buffer that the reads need.
    """

    parts: tuple[Part, ...]
    reads: Mapping[str, tuple[Read, ...]]
    buffer_bytes: Mapping[str, int]

    @property
    def bytes_read(self) -> int:
        """Bytes of tensors among what is read."""
        return sum(end - first for part in self.parts for first, end in map(part.byte_range, part.tensor.inputs))


def batch_limit(models: int) -> int:
    """Bytes of one input that a batch may hold, so that all buffers stay within the budget."""
    return min(MAX_BATCH_BYTES, READ_BUDGET // (READ_AHEAD * max(1, models)))


def make_batches(tensors: Sequence[PlannedTensor], limit: int) -> Iterator[Batch]:
    """Cut the output into batches.

    Args:
        tensors: In storage order.
        limit: Most bytes per input and batch; tensors that have to be whole may exceed it, alone in a batch.
    """
    pending: list[Part] = []
    filled = 0
    for tensor in tensors:
        for part in _cut(tensor, limit):
            size = _largest_input(part)
            if pending and (filled + size > limit or part.whole or pending[-1].whole or len(pending) == _MAX_PARTS):
                yield _batch(pending)
                pending, filled = [], 0
            pending.append(part)
            filled += size
    if pending:
        yield _batch(pending)


def needs_whole(tensor: PlannedTensor) -> bool:
    """Whether a tensor cannot be computed in slices."""
    methods = [METHODS[name] for name in tensor.form.methods]  # those inside of others included
    sliceable = all(isinstance(method, TensorMethod) and method.elementwise for method in methods)
    return bool(tensor.regions) or not sliceable


def _cut(tensor: PlannedTensor, limit: int) -> Iterator[Part]:
    count = tensor.spec.count
    if count == 0 or tensor.raw or not tensor.inputs or needs_whole(tensor):
        yield Part(tensor, 0, count, whole=True)
        return
    widest = max(info.dtype.bits for info in tensor.inputs.values()) // 8
    # Slices of whole blocks of 4,096 elements keep reads aligned where tensors are.
    step = max(4096, limit // widest // 4096 * 4096)
    for start in range(0, count, step):
        yield Part(tensor, start, min(step, count - start), whole=False)


def _largest_input(part: Part) -> int:
    return max((end - first for first, end in map(part.byte_range, part.tensor.inputs)), default=0)


def _batch(parts: Sequence[Part]) -> Batch:
    roles = dict.fromkeys(role for part in parts for role in part.tensor.inputs)
    reads = {role: _reads([part.byte_range(role) for part in parts if role in part.tensor.inputs]) for role in roles}
    sizes = {role: runs[-1].position + _room(runs[-1].length) for role, runs in reads.items() if runs}
    return Batch(tuple(parts), {role: reads[role] for role in sizes}, sizes)


def _reads(ranges: Sequence[tuple[int, int]]) -> tuple[Read, ...]:
    merged: list[list[int]] = []
    for first, end in sorted(ranges):
        if first == end:
            continue
        if merged and first - merged[-1][1] <= MAX_GAP:
            merged[-1][1] = max(end, merged[-1][1])
        else:
            merged.append([first, end])
    reads = []
    position = 0
    for first, end in merged:
        reads.append(Read(first, end - first, position))
        position += _room(end - first)
    return tuple(reads)


def _room(length: int) -> int:
    """Buffer space for a read at any offset: aligned, with room for both ends."""
    return align_up(length) + ALIGNMENT
