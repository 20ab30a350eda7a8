"""Checkpoints with true keys and random weights, for tests, the demo and benchmarks."""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import torch

from lib_kohaku.checkpoint.tensors import view_elements
from lib_kohaku.checkpoint.writer import CheckpointWriter, TensorSpec, storage_order

_POOL = (1 << 20) + 7
_SLICE = 1 << 20


class SampleWeights:
    """Weights of a family of models: relatives share a parent and differ by noise, as fine-tunes do.

    Values come from a pool of normal numbers that is read from different places, so that files of real size are made at
    the speed of the disk.
    """

    def __init__(self, seed: int, parent_seed: int | None = None, noise: float = 0.05) -> None:
        """Choose the model.

        Args:
            seed: Of this model's own numbers.
            parent_seed: Of the model that it was "trained" from; None for a model of its own.
            noise: Standard deviation of what it learnt, as a share of the weights' own.
        """
        self._pools = [_pool(seed)] if parent_seed is None else [_pool(parent_seed), _pool(seed)]
        self._scales = [1.0] if parent_seed is None else [1.0, noise]

    def fill(self, spec: TensorSpec, start: int, out: torch.Tensor) -> None:
        """Write elements ``start`` to ``start + len(out)`` of a tensor into the flat tensor ``out``."""
        if not spec.dtype.floating:
            out.copy_(torch.arange(start, start + len(out)))
            return
        place = zlib.crc32(spec.name.encode())
        std = 0.02 + 0.03 * (place % 997) / 997
        values = torch.full((len(out),), 1.0 if _is_norm_weight(spec) else 0.0)
        for pool, scale in zip(self._pools, self._scales, strict=True):
            index = (place * 31 + start) % _POOL
            while index + len(out) > len(pool):
                pool = torch.cat((pool, pool))
            values.add_(pool[index : index + len(out)], alpha=std * scale)
        out.copy_(values)


def _pool(seed: int) -> torch.Tensor:
    return torch.randn(_POOL, generator=torch.Generator().manual_seed(seed)).repeat(2)


def _is_norm_weight(spec: TensorSpec) -> bool:
    return spec.name.endswith(".weight") and len(spec.shape) == 1


def write_sample(
    path: Path,
    specs: Sequence[TensorSpec],
    weights: SampleWeights,
    metadata: Mapping[str, str] | None = None,
    *,
    overwrite: bool = False,
) -> Path:
    """Write one checkpoint.

    Args:
        path: The file.
        specs: Its tensors.
        weights: Where the values come from.
        metadata: Text for its header.
        overwrite: Whether to replace an existing file.
    """
    ordered = storage_order(specs)
    with CheckpointWriter(path, ordered, metadata or {"format": "pt"}, overwrite=overwrite) as writer:
        for spec in ordered:
            size = spec.dtype.bits // 8
            done = 0
            while done < spec.count:
                memory = writer.reserve(min(_SLICE, spec.count - done) * size)
                count = len(memory) // size
                weights.fill(spec, done, view_elements(memory[: count * size], spec.dtype))
                writer.commit(count * size)
                done += count
        writer.finish()
    return path
