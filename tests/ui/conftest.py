"""A workbench over the mini checkpoints, with an output folder of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.host.standalone import StandaloneHost
from tests.support.samples import Family


@pytest.fixture
def models(sdxl: Family, tmp_path: Path) -> Path:
    """A folder with the five checkpoints; results may be written into it."""
    folder = tmp_path / "models"
    shutil.copytree(sdxl.folder, folder)
    return folder


@pytest.fixture
def workbench(models: Path, tmp_path: Path) -> MergeWorkbench:
    return MergeWorkbench(StandaloneHost([models], tmp_path / "data", tmp_path / "hashes.json"))
