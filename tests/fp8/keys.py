"""Key tables of real checkpoints, for tests that need true names and shapes."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest

from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.header import TensorInfo

ROOT = Path(__file__).resolve().parents[2]


def load_keys(name: str) -> dict[str, TensorInfo]:
    """The tensors of ``NAME_keys.tsv``; skips the test where no such table is at hand."""
    folders = [os.environ.get("KOHAKU_TEST_DATA"), ROOT / "devtools" / "keys", ROOT.parent / "shared" / "data"]
    for folder in filter(None, folders):
        for file in (Path(folder) / f"{name}_keys.tsv", Path(folder) / f"{name}.tsv"):
            if file.is_file():
                rows = (line.split("\t") for line in file.read_text("utf-8").splitlines()[1:] if line)
                return {row[0]: _info(*row) for row in rows}
    pytest.skip(f"no key table {name}; set KOHAKU_TEST_DATA to the folder that has {name}_keys.tsv")


def _info(name: str, dtype: str, shape: str) -> TensorInfo:
    sizes = tuple(int(size) for size in shape.split(",")) if shape else ()
    return TensorInfo(name, DTYPES[dtype], sizes, 0, DTYPES[dtype].nbytes(math.prod(sizes)))
