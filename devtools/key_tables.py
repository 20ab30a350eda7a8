"""Keys, element types and shapes of real checkpoints: ``keys/*.tsv``."""

from __future__ import annotations

from pathlib import Path

from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.writer import TensorSpec

KEYS = Path(__file__).parent / "keys"


def key_table(name: str) -> list[TensorSpec]:
    """The tensors of a kind of checkpoint.

    Args:
        name: ``sdxl`` (base, published layout), ``sdxl_mini`` (the same keys, 38 M parameters, shapes that the webui
            accepts) or ``sd1`` (1.x with its schedule buffers).
    """
    lines = (KEYS / f"{name}.tsv").read_text("utf-8").splitlines()[1:]
    specs = []
    for line in lines:
        key, dtype, shape = line.split("\t")
        sizes = tuple(int(size) for size in shape.split(",")) if shape else ()
        specs.append(TensorSpec(key, DTYPES[dtype], sizes))
    return specs


def shrink(specs: list[TensorSpec], width: int) -> list[TensorSpec]:
    """The same tensors with every size above ``width`` cut to it, except token positions and the first convolution."""
    return [
        spec
        if spec.name.endswith("position_ids")
        else TensorSpec(spec.name, spec.dtype, tuple(min(size, width) for size in spec.shape))
        for spec in specs
    ]
