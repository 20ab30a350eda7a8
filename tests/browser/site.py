"""The standalone page in a real browser: server, Chromium, and a page that must not report errors of ours."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from playwright.sync_api import Browser, Page

from devtools.key_tables import key_table
from devtools.sample_checkpoints import SampleWeights, write_sample
from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.host.standalone import StandaloneHost
from lib_kohaku.progress import Progress
from lib_kohaku.ui.standalone import LOCAL, build_app, open_socket
from tests.support.samples import Family

SCREENSHOTS = Path(__file__).resolve().parents[2] / "docs" / "screenshots"
WIDE = {"width": 1280, "height": 900}


class SlowProgress:
    """Rests at every question whether to stop; while the host is held it goes no further at all."""

    def __init__(self, inner: Progress, host: SlowHost) -> None:
        self._inner = inner
        self._host = host

    def start(self, label: str, total: int, unit: str) -> None:
        self._inner.start(label, total, unit)

    def advance(self, amount: int) -> None:
        self._inner.advance(amount)

    def cancelled(self) -> bool:
        while self._host.held and not self._inner.cancelled():
            time.sleep(0.01)
        time.sleep(self._host.rest)
        return self._inner.cancelled()


class SlowHost(StandaloneHost):
    """A host whose merges can be made to last: for as long as they are ``held``, or by ``rest`` seconds a step."""

    held = False
    rest = 0.0

    def exclusive(self, task: str, label: str, progress: Progress) -> AbstractContextManager[Progress]:
        return self._slowed(task, label, progress)

    @contextmanager
    def _slowed(self, task: str, label: str, progress: Progress) -> Iterator[Progress]:
        with super().exclusive(task, label, progress) as inner:
            yield SlowProgress(inner, self)


@dataclass
class Site:
    """A running page.

    Attributes:
        address: Where it is.
        workbench: What it works with.
        models: The folder of its checkpoints.
    """

    address: str
    workbench: MergeWorkbench
    models: Path

    @property
    def host(self) -> SlowHost:
        return self.workbench.host  # type: ignore[return-value]

    def output(self, name: str) -> Path:
        return self.models / f"{name}.safetensors"


@pytest.fixture
def site(sdxl: Family, tmp_path: Path) -> Iterator[Site]:
    models = tmp_path / "models"
    shutil.copytree(sdxl.folder, models)
    with serving(models, tmp_path) as running:
        yield running


@contextmanager
def serving(models: Path, folder: Path) -> Iterator[Site]:
    """Serve the page while the block runs."""
    workbench = MergeWorkbench(SlowHost([models], folder / "data", folder / "hashes.json"))
    listening = open_socket(LOCAL, 0)
    server = uvicorn.Server(uvicorn.Config(build_app(workbench), log_level="warning"))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    until = time.monotonic() + 30
    while not server.started:
        assert thread.is_alive() and time.monotonic() < until, "the server does not start"
        time.sleep(0.02)
    yield Site(f"http://{LOCAL}:{listening.getsockname()[1]}/", workbench, models)
    workbench.jobs.stop()
    server.should_exit = True
    thread.join(10)
    listening.close()


@dataclass
class Watch:
    """What a page complained about."""

    address: str
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def follow(self, page: Page) -> None:
        page.on("console", self._console)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", self._request)

    def _console(self, message: Any) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(f"{message.type}: {message.text}")

    def _request(self, request: Any) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.foreign.append(request.url)


Opener = Callable[..., Page]


@pytest.fixture
def opener(chromium: Browser, site: Site) -> Iterator[Opener]:
    """Opens the page in a fresh profile; afterwards nothing may have been complained about."""
    watch = Watch(site.address)
    contexts = []

    def open_page(query: str = "", size: dict[str, int] | None = None, **options: Any) -> Page:
        context = chromium.new_context(viewport=size or WIDE, accept_downloads=True, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(20_000)
        watch.follow(page)
        page.goto(site.address + query)
        page.wait_for_selector(".kohaku-card")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert watch.errors == []
    assert watch.foreign == []


@pytest.fixture
def page(opener: Opener) -> Page:
    return opener()


@pytest.fixture(scope="session")
def shown_models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Larger checkpoints, for screenshots: with shapes of 4 every block would look equally large."""
    folder = tmp_path_factory.mktemp("shown")
    specs = key_table("sdxl_mini")
    for seed, name in enumerate(("beta7", "anxl2", "anxl3", "base7", "base8"), start=1):
        weights = SampleWeights(seed) if seed == 1 else SampleWeights(seed, parent_seed=1, noise=0.05)
        write_sample(folder / f"{name}.safetensors", specs, weights)
    return folder
