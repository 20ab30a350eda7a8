"""Reload UI with weights in fp8: the switch, the hooks and the page are there once, and work."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from tests.webui.fp8_models import MODE, choose, make_models, normal_around, other, weights_of
from tests.webui.server import Webui
from tests.webui.test_grid import FP8, axis_labels, grid
from tests.webui.test_merging import BROKEN


@pytest.fixture(scope="module")
def webui(unvisited: Webui) -> Webui:
    return unvisited


@pytest.fixture(autouse=True)
def _normal(webui: Webui) -> Iterator[None]:
    make_models(webui)
    with normal_around(webui):
        yield


def reload(webui: Webui) -> None:
    """Reload UI, and wait for it."""
    started = webui.log.count("Startup time:")
    webui.press("settings_reload_script_bodies")
    webui.press("settings_restart_gradio")
    webui.wait_started(started + 1)


def test_the_model_stays_held_and_everything_still_works(webui: Webui):
    webui.image()
    exact, plain, b = weights_of(webui), webui.image(), webui.image(**other("mini_b"))
    choose(webui, MODE)
    held = webui.image()
    codes = weights_of(webui)
    for _ in range(2):
        reload(webui)
    assert webui.kohaku("GET", "/fp8")["held"] == MODE
    assert weights_of(webui) == codes
    images, info = webui.images()
    assert images[0] == held
    assert info["infotexts"][0].count("Kohaku fp8:") == 1
    # A model that is loaded now is converted once, by the hooks of the last reload.
    assert webui.image(**other("mini_b")) != b
    assert webui.kohaku("GET", "/fp8")["held"] == MODE
    assert axis_labels(webui).count(FP8) == 1
    assert grid(webui, (FP8, "Off, UNet+TE")) == [plain, held]
    choose(webui, "Off")
    assert webui.image() == plain
    assert weights_of(webui) == exact
    assert webui.image(**other("mini_b")) == b
    config = webui.call("GET", "/config")[1]
    ids = [item["props"].get("elem_id") for item in config["components"]]
    assert ids.count("kohaku_precision_choice") == 1
    assert not re.findall(BROKEN, webui.log)
