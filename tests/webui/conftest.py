"""One webui for most tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.webui.minis import write_extension, write_mini
from tests.webui.server import Webui, find_install

REPOSITORY = Path(__file__).parents[2]
HERE = Path(__file__).parent
ABSENT = "no webui here: set KOHAKU_WEBUI_DIR to a stable-diffusion-webui v1.10.1 (make test-webui)"
MINIS = ("mini_a", "mini_b", "mini_c")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    try:
        absent = find_install() is None
    except FileNotFoundError as error:
        raise pytest.UsageError(str(error)) from error
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.webui)
            if absent:
                item.add_marker(pytest.mark.skip(reason=ABSENT))  # before any fixture, a browser's too


def start_webui(factory: pytest.TempPathFactory, *flags: str) -> Webui:
    """A webui that is about to start, with three checkpoints, this extension, and a data folder of its own."""
    install = find_install()
    if install is None:
        pytest.skip(ABSENT)
    data = factory.mktemp("webui")
    for folder in ("Stable-diffusion", "Lora", "VAE"):
        (data / "models" / folder).mkdir(parents=True)
    for seed, name in enumerate(MINIS, start=1):
        write_mini(data / "models" / "Stable-diffusion" / f"{name}.safetensors", seed)
    write_extension(data / "extensions" / "aa-mini-sdxl", install.python)
    (data / "extensions" / "sd-webui-kohaku").symlink_to(REPOSITORY)
    return Webui(install, data, data / "log.txt", *flags)


@contextmanager
def _running(factory: pytest.TempPathFactory) -> Iterator[Webui]:
    running = start_webui(factory)
    try:
        running.wait_started()
        running.image(override_settings={"sd_model_checkpoint": "mini_b"})  # the very first model differs by a hair
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="session")
def webui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webui]:
    with _running(tmp_path_factory) as running:
        yield running


@pytest.fixture(scope="module")
def unvisited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webui]:
    """A webui that no browser was at, for Reload UI.

    A page that is closed while one of its events is in gradio's queue leaves a task behind (``join_queue`` waits for
    a disconnection that it never sees), and Reload UI then waits for ever in ``Server.close``. So it is without this
    extension, whose own events do not use that queue.
    """
    with _running(tmp_path_factory) as running:
        yield running
