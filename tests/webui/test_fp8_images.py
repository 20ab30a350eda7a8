"""The same image twice in the webui: right figures, and a switch that stands afterwards as it stood before."""

from __future__ import annotations

import base64
import io
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.webui.fp8_models import MODE, choose, make_models, normal_around, weights_of
from tests.webui.server import Webui

IMAGE = {"prompt": "1girl, solo", "negative_prompt": "bad", "seed": 5, "steps": 3, "width": 64, "height": 64}
LONG = {**IMAGE, "steps": 60, "width": 128, "height": 128}
ROUTE = "/fp8/compare-images"


@pytest.fixture(autouse=True)
def _normal(webui: Webui) -> Iterator[None]:
    make_models(webui)
    with normal_around(webui):
        yield


def start(webui: Webui, **request: Any) -> str:
    return webui.kohaku("POST", ROUTE, {**IMAGE, "first": "Off", "second": "UNet", **request})["id"]


def compare(webui: Webui, **request: Any) -> dict[str, Any]:
    job = start(webui, **request)
    ended = webui.wait_job(job)
    assert ended["state"] == "done", ended["message"]
    return webui.kohaku("GET", f"{ROUTE}/{job}")


def picture(encoded: str) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))))


def snapshot(webui: Webui) -> dict[str, Any]:
    """The switch, what is saved of it, and the model to the last bit."""
    config = webui.data / "config.json"
    saved = json.loads(config.read_text()).get("kohaku_fp8")
    return {"state": webui.kohaku("GET", "/fp8"), "saved": saved, "weights": weights_of(webui)}


def ssim(first: np.ndarray, second: np.ndarray) -> float:
    """Wang et al. 2004, window by window: no separable filter, no shared code."""
    x, y = (image.astype(float) @ [0.299, 0.587, 0.114] for image in (first, second))
    offsets = np.arange(11) - 5
    window = np.exp(-(offsets[:, None] ** 2 + offsets[None, :] ** 2) / (2 * 1.5**2))
    window /= window.sum()
    values = []
    for row in range(x.shape[0] - 10):
        for column in range(x.shape[1] - 10):
            a, b = (plane[row : row + 11, column : column + 11] for plane in (x, y))
            mean_a, mean_b = (window * a).sum(), (window * b).sum()
            variance_a, variance_b = (window * (a - mean_a) ** 2).sum(), (window * (b - mean_b) ** 2).sum()
            covariance = (window * (a - mean_a) * (b - mean_b)).sum()
            c1, c2 = 6.5025, 58.5225  # (0.01 * 255)^2, (0.03 * 255)^2
            above = (2 * mean_a * mean_b + c1) * (2 * covariance + c2)
            values.append(above / ((mean_a**2 + mean_b**2 + c1) * (variance_a + variance_b + c2)))
    return float(np.mean(values))


def test_the_figures_are_right_and_the_images_those_of_txt2img(webui: Webui):
    before = snapshot(webui)
    answer = compare(webui)
    assert snapshot(webui) == before
    first, second = picture(answer["images"]["first"]), picture(answer["images"]["second"])
    assert first.tobytes() == webui.image()
    choose(webui, "UNet")
    assert second.tobytes() == webui.image()
    error = first.astype(float) - second.astype(float)
    assert answer["psnr_db"] == pytest.approx(10 * np.log10(255**2 / (error**2).mean()), abs=1e-9)
    assert 10 < answer["psnr_db"] < 60
    assert answer["ssim"] == pytest.approx(ssim(first, second), abs=1e-9)
    assert 0 < answer["ssim"] < 1
    assert answer["largest_difference"] == np.abs(error).max()
    assert (picture(answer["images"]["difference"]) == np.minimum(8 * np.abs(error), 255)).all()
    assert (answer["first"], answer["second"], answer["seed"]) == ("Off", "UNet e4m3fn scaled", 5)
    assert answer["equal"] is False


@pytest.mark.parametrize("held", [MODE, "UNet e5m2 plain"])
def test_the_model_is_held_afterwards_as_before(webui: Webui, held: str):
    choose(webui, held)
    before, image = snapshot(webui), webui.image()
    answer = compare(webui, first="UNet+TE e5m2", second=held)
    assert picture(answer["images"]["second"]).tobytes() == image
    assert snapshot(webui) == before
    assert webui.image() == image


def test_the_same_way_twice_is_the_same_image(webui: Webui):
    answer = compare(webui, first="UNet", second="UNet", seed=-1)
    assert (answer["equal"], answer["psnr_db"], answer["largest_difference"]) == (True, None, 0)
    assert answer["ssim"] == pytest.approx(1)
    assert 0 <= answer["seed"] < 2**32
    assert picture(answer["images"]["first"]).tobytes() == webui.image(
        seed=answer["seed"], override_settings={"kohaku_fp8": "UNet"}
    )


def stop_job(webui: Webui, job: str) -> None:
    webui.kohaku("POST", f"/jobs/{job}/stop", {})


def interrupt(webui: Webui, _job: str) -> None:
    webui.call("POST", "/sdapi/v1/interrupt", {})


def skip(webui: Webui, _job: str) -> None:
    webui.call("POST", "/sdapi/v1/skip", {})


@pytest.mark.parametrize("stop", [stop_job, interrupt, skip])
@pytest.mark.parametrize("image", ["Image 1 of 2", "Image 2 of 2"])
def test_stopping_in_the_middle_restores(webui: Webui, stop: Callable[[Webui, str], None], image: str):
    choose(webui, "UNet e5m2 scaled")
    before, expected = snapshot(webui), webui.image()
    job = start(webui, **LONG)
    seen = wait_for(webui, job, image)
    assert (seen["total"], seen["unit"]) == (60, "steps")
    stop(webui, job)
    ended = webui.wait_job(job)
    assert ended["state"] == "cancelled", ended
    status, answer = webui.call("GET", f"/kohaku/v1{ROUTE}/{job}")
    assert (status, "made no images" in answer["error"]) == (404, True)
    assert snapshot(webui) == before
    assert webui.image() == expected


def wait_for(webui: Webui, job: str, label: str) -> dict[str, Any]:
    """Wait until a job has done a step of a stage."""
    end = time.monotonic() + 120
    while True:
        answer = webui.kohaku("GET", f"/jobs/{job}")
        assert answer["state"] in ("queued", "running"), answer
        assert time.monotonic() < end
        if answer["label"] == label and answer["done"]:
            return answer
        time.sleep(0.02)


def test_stopping_in_the_queue_changes_nothing(webui: Webui):
    before = snapshot(webui)
    job = start(webui, **LONG)
    stop_job(webui, job)
    assert webui.wait_job(job)["state"] == "cancelled"
    assert snapshot(webui) == before


def test_failing_in_the_middle_restores(webui: Webui):
    choose(webui, "UNet e5m2 scaled")
    before, expected = snapshot(webui), webui.image()
    webui.call("POST", "/test/break-decoder", {})
    ended = webui.wait_job(start(webui))
    assert (ended["state"], "decoder is broken" in ended["message"]) == ("failed", True)
    assert snapshot(webui) == before
    assert webui.image() == expected
    assert compare(webui)["equal"] is False


def test_an_unsaved_merge_is_refused_before_an_image_is_made_and_stays(webui: Webui):
    merge = {"formula": "mini_a + 0.5*(mini_b - mini_c)", "name": "x"}
    assert webui.job("/load-unsaved", merge)["state"] == "done"
    merged = webui.image()
    ended = webui.wait_job(start(webui))
    assert (ended["state"], "unsaved merge" in ended["message"], ended["label"]) == ("failed", True, "Waiting")
    assert webui.kohaku("GET", "/loaded")["unsaved"] is True
    assert webui.image() == merged
    webui.job("/restore", {})


def test_beside_the_webuis_own_fp8_it_is_refused(webui: Webui):
    webui.call("POST", "/sdapi/v1/options", {"fp8_storage": "Enable"})
    try:
        ended = webui.wait_job(start(webui))
        assert (ended["state"], "webui's own FP8" in ended["message"]) == ("failed", True)
    finally:
        webui.call("POST", "/sdapi/v1/options", {"fp8_storage": "Disable"})


@pytest.mark.parametrize(
    ("change", "status", "words"),
    [
        ({"width": 65}, 400, "multiples of 8"),
        ({"steps": 0}, 400, "1 to 150 steps"),
        ({"seed": 2**32}, 400, "largest seed"),
        ({"first": "int4"}, 400, "no fp8 setting"),
        ({"steps": "many"}, 422, "steps"),
    ],
)
def test_wrong_requests_start_nothing(webui: Webui, change: dict[str, Any], status: int, words: str):
    found, answer = webui.call("POST", f"/kohaku/v1{ROUTE}", {**IMAGE, **change})
    assert (found, words in answer["error"]) == (status, True), answer


def test_what_is_not_there_yet_or_not_at_all(webui: Webui):
    assert webui.call("GET", f"/kohaku/v1{ROUTE}/nothing")[0] == 404
    job = start(webui, **LONG)
    status, answer = webui.call("GET", f"/kohaku/v1{ROUTE}/{job}")
    assert (status, "still running" in answer["error"]) == (409, True)
    status, answer = webui.call("POST", f"/kohaku/v1{ROUTE}", IMAGE)
    assert (status, "still running" in answer["error"]) == (409, True)
    stop_job(webui, job)
    webui.wait_job(job)
