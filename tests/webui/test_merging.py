"""Merging, loading and restoring in the real webui, judged by its own images."""

from __future__ import annotations

import json
import re
import threading
import time

import pytest

from lib_kohaku.merge.infotext import recipe_from_infotext
from tests.webui.server import Webui

FORMULA = "mini_a + 0.5*(mini_b - mini_c)"
BROKEN = r"Error (?:executing callback|loading script|running \w+)[^\n]*kohaku"


@pytest.fixture(autouse=True)
def leave_clean(webui: Webui):
    yield
    webui.job("/restore", {})
    assert webui.kohaku("GET", "/loaded")["unsaved"] is False


def test_the_start_has_no_complaint_of_ours(webui: Webui):
    assert not re.findall(BROKEN, webui.log)


def test_saved_and_unsaved_merge_give_the_same_image(webui: Webui):
    before = webui.image()
    job = webui.job("/merge", {"formula": FORMULA, "name": "saved"})
    assert job["state"] == "done", job["message"]
    saved = webui.image(override_settings={"sd_model_checkpoint": "saved"})
    assert webui.image() == before != saved
    job = webui.job("/load-unsaved", {"formula": FORMULA, "name": "unsaved"})
    assert job["state"] == "done", job["message"]
    assert webui.image() == saved
    assert webui.image(seed=6, prompt="other") != saved
    webui.job("/restore", {})
    assert webui.image() == before


def test_an_unsaved_merge_has_an_honest_name_and_no_hash(webui: Webui):
    webui.job("/load-unsaved", {"formula": FORMULA, "name": "gamma"})
    loaded = webui.kohaku("GET", "/loaded")
    assert loaded["unsaved"] and loaded["name"] == "gamma (unsaved merge)"
    assert loaded["previous"].startswith("mini_a.safetensors")
    text = webui.images()[1]["infotexts"][0]
    assert "Model: gamma (unsaved merge)" in text
    assert "Model hash" not in text
    assert "unsaved" not in json.dumps(webui.call("GET", "/sdapi/v1/sd-models")[1])


def test_the_infotext_holds_the_recipe(webui: Webui):
    webui.job("/load-unsaved", {"formula": FORMULA, "name": "gamma"})
    text = webui.images()[1]["infotexts"][0]
    # The webui's own way: a quoted value, unquoted as JSON.
    quoted = re.search(r'Kohaku merge: ("(?:\\.|[^\\"])+")', text)
    assert quoted is not None, text
    recipe = recipe_from_infotext(json.loads(quoted[1]))
    assert recipe.formula == FORMULA
    assert recipe.models["mini_b"].file == "mini_b.safetensors"
    webui.job("/restore", {})
    assert "Kohaku" not in webui.images()[1]["infotexts"][0]


def test_pasting_the_infotext_brings_the_recipe_back(webui: Webui):
    webui.job("/load-unsaved", {"formula": FORMULA, "name": "gamma"})
    text = webui.images()[1]["infotexts"][0]
    assert webui.call("GET", "/test/pending")[1] == {"formula": ""}
    webui.press("paste", text)
    assert webui.call("GET", "/test/pending")[1] == {"formula": FORMULA}


def test_choosing_another_checkpoint_ends_an_unsaved_merge(webui: Webui):
    expected = webui.image(override_settings={"sd_model_checkpoint": "mini_b"})
    webui.job("/load-unsaved", {"formula": FORMULA, "name": "gamma"})
    assert webui.image(override_settings={"sd_model_checkpoint": "mini_b"}) == expected
    assert webui.kohaku("GET", "/loaded")["unsaved"] is False


def test_a_second_merge_is_refused_while_one_runs(webui: Webui):
    first = webui.kohaku("POST", "/merge", {"formula": FORMULA, "name": "one"})
    status, answer = webui.call("POST", "/kohaku/v1/merge", {"formula": FORMULA, "name": "two"})
    assert status == 409
    assert "still running" in answer["error"]
    assert webui.wait_job(first["id"])["state"] == "done"


def test_a_merge_waits_for_images_and_they_for_it(webui: Webui):
    alone = webui.image(steps=20)
    found = []
    painter = threading.Thread(target=lambda: found.extend(webui.image(steps=20) for _ in range(2)))
    painter.start()
    job = webui.job("/load-unsaved", {"formula": FORMULA, "name": "between"})
    webui.job("/restore", {})
    painter.join()
    assert job["state"] == "done", job["message"]
    merged = webui.job("/load-unsaved", {"formula": FORMULA, "name": "after"})
    assert merged["state"] == "done"
    assert all(image in (alone, webui.image(steps=20)) for image in found)


def test_stop_while_waiting_in_the_queue_acts_at_once(webui: Webui):
    painter = threading.Thread(target=lambda: webui.image(steps=60, width=128, height=128))
    painter.start()
    time.sleep(0.3)
    job = webui.kohaku("POST", "/merge", {"formula": FORMULA, "name": "never"})
    began = time.monotonic()
    webui.kohaku("POST", f"/jobs/{job['id']}/stop", {})
    ended = webui.wait_job(job["id"])
    assert time.monotonic() - began < 1
    assert ended["state"] == "cancelled"
    painter.join()
    assert webui.job("/merge", {"formula": FORMULA, "name": "after-stop"})["state"] == "done"


@pytest.mark.parametrize("stop", ["ours", "the webui's"])
def test_a_stopped_load_brings_the_checkpoint_back(webui: Webui, stop: str):
    before = webui.image()
    job = webui.kohaku("POST", "/load-unsaved", {"formula": FORMULA, "name": "half"})
    while webui.kohaku("GET", f"/jobs/{job['id']}")["done"] == 0:
        time.sleep(0.005)
    if stop == "ours":
        webui.kohaku("POST", f"/jobs/{job['id']}/stop", {})
    else:
        webui.call("POST", "/sdapi/v1/interrupt", {})
    assert webui.wait_job(job["id"])["state"] == "cancelled"
    assert webui.kohaku("GET", "/loaded")["unsaved"] is False
    assert webui.image() == before


def test_the_webuis_progress_shows_the_merge(webui: Webui):
    job = webui.kohaku("POST", "/merge", {"formula": FORMULA, "name": "shown", "overwrite": True})
    seen = []
    while webui.kohaku("GET", f"/jobs/{job['id']}")["state"] in ("queued", "running"):
        seen.append(webui.call("POST", "/internal/progress", {"id_task": job["id"], "live_preview": False})[1])
    active = [answer for answer in seen if answer["active"]]
    assert active
    assert any("MB of" in (answer["textinfo"] or "") for answer in active)
    last = webui.call("POST", "/internal/progress", {"id_task": job["id"]})[1]
    assert last["completed"] and not last["active"]
