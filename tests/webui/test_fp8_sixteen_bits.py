"""Weights in fp8 in a webui that computes in 16 bits, as on every device but the CPU.

What is compared are the same codes made wide in the file and loaded without fp8: every layer gets the same numbers, so
the images have to be equal as long as every layer computes in the type that the webui would have given it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.webui.conftest import start_webui
from tests.webui.fp8_loras import write_lora
from tests.webui.fp8_models import MODE, back_to_normal, choose, make_models, other
from tests.webui.server import Webui

LORA = "1girl, solo <lora:first:1>"
REQUESTS: tuple[dict[str, Any], ...] = (
    {},
    {"prompt": "(1girl:1.3), solo BREAK x", "batch_size": 2, "steps": 5},
    {"enable_hr": True, "denoising_strength": 0.6, "hr_scale": 2, "hr_upscaler": "Latent"},
)


class WithExtension:
    """Makes the data folder of a webui with our extension in it that is loaded first."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory

    def mktemp(self, name: str) -> Path:
        folder = self._factory.mktemp(name)
        scripts = folder / "extensions" / "00-sixteen-bits" / "scripts"
        scripts.mkdir(parents=True)
        shutil.copy(Path(__file__).parent / "extension" / "sixteen_bits.py", scripts)
        return folder


@pytest.fixture(scope="module", params=["manual", "autocast", "none"])
def narrow(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webui]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KOHAKU_TEST_CAST", request.param)
        running = start_webui(WithExtension(tmp_path_factory))  # type: ignore[arg-type]
    try:
        running.wait_started()
        folder = running.data / "models"
        write_lora(folder / "Lora" / "first.safetensors", folder / "Stable-diffusion" / "mini_a.safetensors", 1)
        running.call("POST", "/sdapi/v1/refresh-loras", {})
        running.cast = request.param
        yield running
    finally:
        running.stop()


def images(webui: Webui, name: str) -> list[list[bytes]]:
    """All images of a checkpoint that is loaded anew: the manual cast changes weights that a LoRA has touched."""
    webui.image(**other("mini_b"))
    return [webui.images(**request, **other(name))[0] for request in REQUESTS]


def test_images_are_those_of_the_same_codes_without_fp8(narrow: Webui):
    # The manual cast computes attention of text encoder 2 in float32 and ours follows the model.
    mode = "UNet e4m3fn scaled" if narrow.cast == "manual" else MODE
    wide = make_models(narrow, mode)
    back_to_normal(narrow)
    expected = images(narrow, wide)
    assert expected != images(narrow, "mini_a")
    answer = choose(narrow, mode)
    assert answer["problem"] == ""
    assert images(narrow, wide.replace("a_wide", "a_fp8")) == expected
    state = narrow.kohaku("GET", "/fp8")
    assert state["held"] == mode
    unet = next(row for row in state["memory"]["components"] if row["component"] == "unet")
    assert set(unet["before_by_dtype"]) == {"BF16"}  # else it was a webui that computes in 32 bits
    base = narrow.image()
    assert narrow.image(prompt=LORA) != base
    assert narrow.image() == base
    back_to_normal(narrow)
