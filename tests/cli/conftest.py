"""Two small models, and the command line inside the test's process."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from lib_kohaku.cli.main import main
from tests.support.files import save
from tests.support.processes import Finished

Run = Callable[..., Finished]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """``run("merge", ...)`` gives exit code and output."""

    def call(*words: object) -> Finished:
        capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as error:
            assert isinstance(error.code, int)
            code = error.code
        captured = capsys.readouterr()
        return Finished(code, captured.out, captured.err)

    return call


@pytest.fixture
def models(tmp_path: Path) -> Path:
    """A folder with ``a`` (ones) and ``b`` (threes)."""
    folder = tmp_path / "models"
    folder.mkdir()
    save(folder / "a.safetensors", {"w": torch.ones(4), "v": torch.ones(2, 2).half()}, {"modelspec.license": "x"})
    save(folder / "b.safetensors", {"w": torch.full((4,), 3.0), "v": torch.full((2, 2), 3.0).half()})
    return folder
