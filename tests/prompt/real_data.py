"""Other people's tag lists, for tests on machines that have them; they are not part of this repository."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[2]


def real_file(name: str) -> Path:
    """The file, or skip the test."""
    folder = Path(os.environ.get("KOHAKU_TEST_DATA") or _ROOT.parent / "shared" / "data")
    path = folder / name
    if not path.is_file():
        pytest.skip(f"needs {name}; set KOHAKU_TEST_DATA to the folder that holds it")
    return path
