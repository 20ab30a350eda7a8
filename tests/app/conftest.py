"""A prompt workbench in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib_kohaku.app.prompting import PromptWorkbench
from tests.support.prompting import make_workbench


@pytest.fixture
def prompting(tmp_path: Path) -> PromptWorkbench:
    return make_workbench(tmp_path)
