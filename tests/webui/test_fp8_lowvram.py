"""Weights in fp8 with --medvram and --lowvram: the webui's hooks move parts of the model to and fro.

Without a GPU both ends of the way are the CPU. What is seen here: the hooks and ours get along, in every order of
loading, switching and generating; what is not: that nothing wide is ever on the device.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.webui.conftest import start_webui
from tests.webui.fp8_loras import write_lora
from tests.webui.fp8_models import MODE, back_to_normal, choose, make_models, other, pixels, weights_of
from tests.webui.server import Webui

LORA = "1girl, solo <lora:first:1>"


@pytest.fixture(scope="module", params=["--medvram", "--lowvram", "--medvram-sdxl"])
def frugal(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webui]:
    running = start_webui(tmp_path_factory, request.param)
    try:
        running.wait_started()
        running.image(**other("mini_b"))  # the very first model differs by a hair
        folder = running.data / "models"
        write_lora(folder / "Lora" / "first.safetensors", folder / "Stable-diffusion" / "mini_a.safetensors", 1)
        running.call("POST", "/sdapi/v1/refresh-loras", {})
        make_models(running)
        back_to_normal(running)
        yield running
    finally:
        running.stop()


def hooked(weights: dict[str, str]) -> int:
    """Modules with a hook before their forward, of the webui's or ours."""
    return sum(text.split(" [")[1].split(",")[0] != "0" for name, text in weights.items() if name.startswith("module "))


def test_images_loras_and_giving_back_are_as_without(frugal: Webui):
    webui = frugal
    plain, plain_lora = webui.image(), webui.image(prompt=LORA)
    webui.image()
    exact = weights_of(webui)
    assert hooked(exact) >= 3  # the webui has put its own in: this is not an ordinary start
    wide, wide_lora = webui.image(**other("a_wide")), webui.image(prompt=LORA, **other("a_wide"))
    assert webui.image() == plain
    answer = choose(webui, MODE)
    assert (answer["held"], answer["weights"]) == (MODE, 971)
    assert webui.image() == wide
    wanted = pixels(wide_lora) - pixels(wide)
    found = pixels(webui.image(prompt=LORA)) - pixels(wide)
    assert wanted.norm() > 1000
    assert (found - wanted).norm() < 0.01 * wanted.norm()
    webui.image(**other("mini_b"))  # loaded while the switch is on
    assert webui.image() == wide
    choose(webui, "Off")
    assert webui.image(prompt=LORA) == plain_lora
    assert webui.image() == plain
    assert weights_of(webui) == exact


def test_the_same_image_twice(frugal: Webui):
    webui = frugal
    request = {"prompt": "1girl, solo", "seed": 5, "steps": 3, "width": 64, "height": 64}
    job = webui.job("/fp8/compare-images", request)
    assert job["state"] == "done", job["message"]
    assert webui.kohaku("GET", f"/fp8/compare-images/{job['id']}")["psnr_db"] > 10


def test_two_models_in_memory(frugal: Webui):
    webui = frugal
    a, b = webui.image(), webui.image(**other("mini_b"))
    webui.call("POST", "/sdapi/v1/options", {"sd_checkpoints_limit": 2})
    choose(webui, MODE)
    held = webui.image()
    webui.image(**other("mini_b"))
    assert webui.image() == held
    choose(webui, "Off")
    assert webui.image() == a
    assert webui.image(**other("mini_b")) == b
