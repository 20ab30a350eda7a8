"""Key tables of real checkpoints as headers have them."""

from __future__ import annotations

from devtools.key_tables import key_table
from lib_kohaku.checkpoint.header import TensorInfo


def load_keys(name: str) -> dict[str, TensorInfo]:
    """The tensors of a kind of checkpoint by name."""
    return {spec.name: TensorInfo(spec.name, spec.dtype, spec.shape, 0, spec.nbytes) for spec in key_table(name)}
