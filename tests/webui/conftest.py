"""One webui for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.webui.minis import write_extension, write_mini
from tests.webui.server import Webui, find_install

REPOSITORY = Path(__file__).parents[2]
HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.webui)


@pytest.fixture(scope="session")
def webui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webui]:
    install = find_install()
    if install is None:
        pytest.skip("no webui here: set KOHAKU_WEBUI_DIR to a stable-diffusion-webui v1.10.1 (make test-webui)")
    data = tmp_path_factory.mktemp("webui")
    models = data / "models" / "Stable-diffusion"
    models.mkdir(parents=True)
    for folder in ("Lora", "VAE"):
        (data / "models" / folder).mkdir()
    for seed, name in enumerate(("mini_a", "mini_b", "mini_c"), start=1):
        write_mini(models / f"{name}.safetensors", seed)
    extensions = data / "extensions"
    write_extension(extensions / "aa-mini-sdxl", install.python)
    (extensions / "sd-webui-kohaku").symlink_to(REPOSITORY)
    running = Webui(install, data, data / "log.txt")
    try:
        running.wait_started()
        running.image(override_settings={"sd_model_checkpoint": "mini_b"})  # the very first model differs by a hair
        yield running
    finally:
        running.stop()
