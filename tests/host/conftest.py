"""The fake webui in place of a real one, for the length of a test."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import lib_kohaku
import lib_kohaku.host
from tests.host.fakes import FakeWebui, installed
from tests.support.samples import Family

if TYPE_CHECKING:
    from lib_kohaku.app.merging import MergeWorkbench
    from lib_kohaku.host.a1111.host import A1111Host

if find_spec("gradio") is None:  # the core's tests run without it
    collect_ignore_glob = ["test_*.py"]

NAMES = ("beta7", "anxl2", "anxl3")


def _forget_ours() -> None:
    """Our modules hold on to the fakes that they were imported with."""
    for name in [name for name in sys.modules if name.startswith(("lib_kohaku.host.a1111", "lib_kohaku.webui"))]:
        del sys.modules[name]
    for package, attribute in ((lib_kohaku, "webui"), (lib_kohaku.host, "a1111")):
        if hasattr(package, attribute):
            delattr(package, attribute)


@pytest.fixture
def fake(tmp_path: Path, sdxl: Family, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeWebui]:
    models = tmp_path / "data" / "models"
    models.mkdir(parents=True)
    for name in NAMES:
        shutil.copy(sdxl.path(name), models)
    webui = FakeWebui(tmp_path / "data", models)
    _forget_ours()
    for name, module in installed(webui):
        monkeypatch.setitem(sys.modules, name, module)
    yield webui
    _forget_ours()


@pytest.fixture
def host(fake: FakeWebui) -> A1111Host:
    from lib_kohaku import webui

    return webui.host()


@pytest.fixture
def workbench(host: A1111Host) -> MergeWorkbench:
    from lib_kohaku import webui

    return webui.workbench()


@pytest.fixture
def finished(workbench: MergeWorkbench) -> Any:
    """Waits for a job."""

    def wait(job: Any) -> Any:
        import time

        while not job.ended:
            time.sleep(0.01)
        return job

    return wait
