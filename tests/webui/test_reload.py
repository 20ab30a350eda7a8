"""Reloading the page, as often as one likes."""

from __future__ import annotations

import re

import pytest

from tests.webui.server import Webui
from tests.webui.test_grid import axis_labels
from tests.webui.test_merging import BROKEN, FORMULA


@pytest.fixture(scope="module")
def webui(unvisited: Webui) -> Webui:
    return unvisited


def test_reload_keeps_the_merge_and_doubles_nothing(webui: Webui):
    webui.job("/load-unsaved", {"formula": FORMULA, "name": "kept"})
    merged = webui.image()
    started = webui.log.count("Startup time:")
    for times in (1, 2):
        webui.press("settings_reload_script_bodies")
        webui.press("settings_restart_gradio")
        webui.wait_started(started + times)
    assert webui.kohaku("GET", "/loaded")["unsaved"] is True
    text = webui.images()[1]["infotexts"][0]
    assert text.count("Kohaku merge:") == 1
    assert webui.image() == merged
    labels = [label for label in axis_labels(webui) if "Kohaku" in label]
    assert len(labels) == len(set(labels)) == 9
    config = webui.call("GET", "/config")[1]
    assert len([item for item in config["components"] if item["props"].get("elem_id") == "tab_kohaku"]) == 1
    webui.job("/restore", {})
    assert webui.kohaku("GET", "/loaded")["unsaved"] is False
    assert not re.findall(BROKEN, webui.log)


def installed(webui: Webui) -> dict:
    webui.kohaku("GET", "/recipes")  # our routes are added at the first request for one of them
    return webui.call("GET", "/test/installed")[1]


def test_five_reloads_of_either_kind_leave_one_of_each_and_no_patch(webui: Webui):
    before = installed(webui)
    assert before["callbacks"]["callbacks_ui_tabs"] == 1
    assert max(before["callbacks"].values()) == 1
    assert before["scripts"] == [1, 1]
    assert before["routes"] and len(before["routes"]) == len(set(before["routes"]))
    assert before["patched"], "the test looks for something"
    assert before["left"] == []
    axes = axis_labels(webui)
    image = webui.image()
    for _ in range(5):
        webui.press("settings_reload_script_bodies")
    assert installed(webui) == before
    started = webui.log.count("Startup time:")
    for times in range(1, 6):
        webui.press("settings_restart_gradio")
        webui.wait_started(started + times)
    assert installed(webui) == before
    assert axis_labels(webui) == axes
    assert webui.image() == image
    assert not re.findall(BROKEN, webui.log)
