"""Reloading the page, as often as one likes."""

from __future__ import annotations

import re

from tests.webui.server import Webui
from tests.webui.test_grid import axis_labels
from tests.webui.test_merging import BROKEN, FORMULA


def test_reload_keeps_the_merge_and_doubles_nothing(webui: Webui):
    webui.job("/load-unsaved", {"formula": FORMULA, "name": "kept"})
    merged = webui.image()
    for times in (2, 3):
        webui.press("settings_reload_script_bodies")
        webui.press("settings_restart_gradio")
        webui.wait_started(times)
    assert webui.kohaku("GET", "/loaded")["unsaved"] is True
    text = webui.images()[1]["infotexts"][0]
    assert text.count("Kohaku merge:") == 1
    assert webui.image() == merged
    assert len([label for label in axis_labels(webui) if "Kohaku" in label]) == 4
    config = webui.call("GET", "/config")[1]
    assert len([item for item in config["components"] if item["props"].get("elem_id") == "tab_kohaku"]) == 1
    webui.job("/restore", {})
    assert webui.kohaku("GET", "/loaded")["unsaved"] is False
    assert not re.findall(BROKEN, webui.log)
