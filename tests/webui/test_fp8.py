"""Weights in fp8 in the webui's loaded model: images, LoRAs, giving back, and everything that may come between."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from tests.webui.fp8_loras import write_lora
from tests.webui.fp8_models import MODE, choose, comments, make_models, normal_around, other, pixels, weights_of
from tests.webui.server import Webui
from tests.webui.test_grid import FP8, grid

SMALL = {"width": 64, "height": 64}


@pytest.fixture(scope="module")
def models(webui: Webui) -> Path:
    """Where the checkpoints are. There are LoRAs too."""
    folder = webui.data / "models" / "Stable-diffusion"
    for seed, name in ((1, "first"), (2, "second")):
        write_lora(webui.data / "models" / "Lora" / f"{name}.safetensors", folder / "mini_a.safetensors", seed)
    make_models(webui)
    webui.call("POST", "/sdapi/v1/refresh-loras", {})
    return folder


@pytest.fixture(scope="module")
def exact(webui: Webui, models: Path) -> dict[str, str]:
    """Every tensor of mini_a as it is in its file."""
    with normal_around(webui):
        webui.image()
        return all_but_sigmas(webui)


def all_but_sigmas(webui: Webui) -> dict[str, str]:
    """The webui's own fp8 rounds ``denoiser.sigmas`` to 16 bit and never puts it back; nothing there reads it."""
    return {name: digest for name, digest in weights_of(webui).items() if not name.endswith(" denoiser.sigmas")}


@pytest.fixture(autouse=True)
def ordinary(webui: Webui, exact: dict[str, str]) -> Iterator[None]:
    """Each test begins and ends with mini_a as it is in its file, to the last bit of every tensor."""
    with normal_around(webui):
        yield
    webui.image()  # the webui takes LoRAs out at the next image only
    assert all_but_sigmas(webui) == exact


# Steps, images at once, batches: the whole of a request's images is compared.
REQUESTS = [
    *({"steps": steps} for steps in (1, 3, 8)),
    *({"batch_size": size} for size in (2, 3)),
    {"n_iter": 2, "batch_size": 2, "steps": 5},
    {"width": 128, "height": 64, "sampler_name": "DPM++ 2M", "steps": 4},
]


def test_images_are_those_of_the_same_codes_in_float32(webui: Webui):
    before = webui.image()
    expected = [webui.images(**request, **other("a_wide"))[0] for request in REQUESTS]
    answer = choose(webui, MODE)
    assert (answer["held"], answer["weights"], answer["problem"]) == (MODE, 971, "")
    assert [webui.images(**request)[0] for request in REQUESTS] == expected
    assert all(len(set(images)) == len(images) for images in expected)
    assert [len(images) for images in expected] == [1, 1, 1, 2, 3, 4, 1]
    choose(webui, "Off")
    assert webui.image() == before


def test_memory_is_told_as_predicted(webui: Webui):
    predicted = webui.kohaku("GET", "/fp8/predict?choice=UNet")
    answer = choose(webui, "UNet")["memory"]
    assert answer["after"] == predicted["after"] < answer["before"] == predicted["before"]
    unet = next(row for row in answer["components"] if row["component"] == "unet")
    assert unet["after"] < 0.3 * unet["before"]  # float32 on a CPU


@pytest.mark.parametrize(
    "words",
    ["<lora:first:1>", "<lora:first:0.5><lora:second:-0.7>", "<lora:first:te=1:unet=0>", "<lora:first:1:dyn=2>"],
)
def test_loras_have_the_effect_that_they_have_in_float32(webui: Webui, words: str):
    prompt = f"1girl, solo {words}"
    plain, changed = (pixels(webui.image(prompt=text, **other("a_wide"))) for text in ("1girl, solo ", prompt))
    choose(webui, MODE)
    base = webui.image(prompt="1girl, solo ")
    images, _ = webui.images(prompt=prompt)
    wanted, found = changed - plain, pixels(images[0]) - pixels(base)
    assert wanted.norm() > 1000
    assert (found - wanted).norm() < 0.01 * wanted.norm()
    assert comments(webui) == []
    assert webui.image(prompt="1girl, solo ") == base


def test_a_lora_that_is_baked_in_is_taken_out_first(webui: Webui):
    before, prompt = webui.image(), "1girl, solo <lora:first:1>"
    choose(webui, MODE)
    expected = webui.image()
    choose(webui, "Off")
    with_lora = webui.image(prompt=prompt)
    choose(webui, MODE)  # the webui takes LoRAs out at the next image only
    assert webui.image() == expected
    webui.image(prompt=prompt)
    choose(webui, "Off")
    assert webui.image(prompt=prompt) == with_lora
    assert webui.image() == before


def test_every_later_model_is_converted_and_can_be_given_back(webui: Webui):
    a, b = webui.image(), webui.image(**other("mini_b"))
    choose(webui, MODE)
    held = webui.image()
    images, info = webui.images(**other("mini_b"))
    assert "Kohaku fp8: UNet+TE e4m3fn scaled" in info["infotexts"][0]
    assert images[0] != b
    assert webui.image() == held
    choose(webui, "Off")
    assert (webui.image(), webui.image(**other("mini_b"))) == (a, b)


def test_the_setting_of_an_infotext_counts_for_its_image(webui: Webui):
    before = webui.image()
    choose(webui, "UNet e5m2 scaled")
    images, info = webui.images()
    choose(webui, "Off")
    assert webui.image(infotext=info["infotexts"][0]) == images[0] != before
    images, info = webui.images()
    assert images[0] == before
    assert "Kohaku fp8" not in info["infotexts"][0]


def test_fp8_files_are_no_noise_any_more(webui: Webui):
    expected = webui.image(**other("a_wide"))
    assert webui.image(**other("a_fp8")) == expected
    choose(webui, MODE)
    assert webui.image(**other("a_fp8")) == expected


def test_a_file_that_cannot_be_read_leaves_the_model_sound(webui: Webui, models: Path):
    choose(webui, MODE)
    prompt = "(1girl:1.4), BREAK solo"
    before = webui.image(prompt=prompt)
    strange = {"model.diffusion_model.x.weight": torch.zeros(4, 4, dtype=torch.uint8)}
    save_file({**strange, "model.diffusion_model.x.weight_scale_2": torch.ones(1)}, models / "strange.safetensors")
    (models / "cut.safetensors").write_bytes((models / "mini_b.safetensors").read_bytes()[:5_000_000])
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})
    for name, words in (("strange", "nvfp4"), ("cut", "")):
        status, answer = webui.call("POST", "/sdapi/v1/txt2img", {**SMALL, "steps": 1, **other(name)})
        assert (status, words in answer["errors"]) == (500, True)
        webui.image(prompt="something else")  # else the webui would find the prompt encoded already
        assert webui.image(prompt=prompt) == before
    for name in ("strange", "cut"):
        (models / f"{name}.safetensors").unlink()
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})


def test_a_forced_reload_converts_anew(webui: Webui):
    choose(webui, MODE)
    before = webui.image()
    for value in (True, False):
        webui.call("POST", "/sdapi/v1/options", {"cache_fp16_weight": value})
        assert webui.image() == before


def test_the_webuis_own_fp8_goes_first_and_can_be_taken_over(webui: Webui):
    choose(webui, MODE)
    before = webui.image()
    webui.call("POST", "/sdapi/v1/options", {"fp8_storage": "Enable"})
    state = webui.kohaku("GET", "/fp8")
    assert (state["held"], state["host_fp8"]) == ("Off", True)
    assert "webui's own FP8" in state["problem"]
    status, answer = webui.call("POST", "/kohaku/v1/fp8", {"choice": MODE})
    assert (status, "take over" in answer["error"]) == (400, True)
    assert webui.kohaku("POST", "/fp8/take-over", {})["held"] == MODE
    assert webui.call("GET", "/sdapi/v1/options")[1]["fp8_storage"] == "Disable"
    assert webui.image() == before


def test_unsaved_merges_stay_ordinary(webui: Webui):
    before = webui.image()
    merge = {"formula": "mini_a + 0.5*(mini_b - mini_c)", "name": "x"}
    assert webui.job("/load-unsaved", merge)["state"] == "done"
    expected = webui.image()
    webui.job("/restore", {})
    choose(webui, MODE)
    held = webui.image()
    assert webui.job("/load-unsaved", merge)["state"] == "done"
    assert webui.image() == expected
    status, answer = webui.call("POST", "/kohaku/v1/fp8", {"choice": "UNet"})
    assert (status, "unsaved merge" in answer["error"]) == (400, True)
    webui.job("/restore", {})
    choose(webui, MODE)
    assert webui.image() == held
    choose(webui, "Off")
    assert webui.image() == before


def test_two_models_in_memory(webui: Webui):
    a, b = webui.image(), webui.image(**other("mini_b"))
    webui.call("POST", "/sdapi/v1/options", {"sd_checkpoints_limit": 2})
    choose(webui, MODE)
    held = webui.image()
    webui.image(**other("mini_b"))
    assert webui.image() == held
    choose(webui, "Off")  # the other one is still held, and out of sight
    assert webui.image() == a
    assert webui.image(**other("mini_b")) == b
    webui.call("POST", "/sdapi/v1/options", {"sd_checkpoints_limit": 1})


def test_a_refiner_that_is_in_memory_already_follows_the_switch(webui: Webui):
    """The webui puts it in place in the middle of an image, and tells nobody."""
    refined = {"steps": 4, "refiner_checkpoint": "mini_b", "refiner_switch_at": 0.5}
    webui.call("POST", "/sdapi/v1/options", {"sd_checkpoints_limit": 2})
    exact, unrefined = webui.image(**refined), webui.image(steps=4)
    assert exact != unrefined
    choose(webui, MODE)
    held = webui.image(**refined)
    assert webui.kohaku("GET", "/fp8")["held"] == MODE  # of the refiner, which is the loaded model now
    webui.image()
    choose(webui, "Off")
    assert webui.image(**refined) == exact
    assert webui.kohaku("GET", "/fp8")["held"] == "Off"
    # Loaded anew, both are converted: that has to give the same image.
    webui.call("POST", "/sdapi/v1/options", {"sd_checkpoints_limit": 1})
    webui.image(**other("mini_c"))
    choose(webui, MODE)
    assert webui.image(**refined) == held
    webui.image()


def test_nothing_leaks(webui: Webui):
    before = webui.image()
    for rounds in range(2):
        for turn in range(20):
            choose(webui, MODE if turn % 2 == 0 else "Off")
            webui.image(prompt="<lora:first:1>", steps=1)
        choose(webui, MODE)
        for name in ("mini_b", "mini_a", "mini_c", "mini_b", "mini_a"):
            webui.image(steps=1, **other(name))
        choose(webui, "Off")
        webui.image(steps=1)
        if rounds == 0:
            first, held = resident(webui), tensors(webui)
    assert resident(webui) - first < 60e6  # a model takes 153 MB
    assert tensors(webui) == held  # not one tensor more, not one byte more
    assert webui.image() == before


def tensors(webui: Webui) -> dict[str, int]:
    return webui.call("GET", "/test/tensors")[1]


def test_an_interrupted_generation_leaves_a_sound_model(webui: Webui):
    prompt = "1girl, solo <lora:first:1>"
    choose(webui, MODE)
    before, with_lora = webui.image(), webui.image(prompt=prompt)
    long = {"prompt": prompt, "seed": 5, "steps": 100, "width": 128, "height": 128}
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(webui.call, "POST", "/sdapi/v1/txt2img", long)
        while not webui.call("GET", "/sdapi/v1/progress?skip_current_image=true")[1]["state"]["sampling_step"]:
            time.sleep(0.01)
        webui.call("POST", "/sdapi/v1/interrupt", {})
        assert running.result()[0] == 200
    assert webui.kohaku("GET", "/fp8")["held"] == MODE
    assert webui.image(prompt=prompt) == with_lora
    assert webui.image() == before


def resident(webui: Webui) -> int:
    status = Path(f"/proc/{webui._process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1000


def test_the_grid_has_an_axis(webui: Webui):
    before = webui.image()
    choose(webui, "UNet e5m2 scaled")
    held = webui.image()
    choose(webui, "Off")
    assert grid(webui, (FP8, "Off, UNet e5m2 scaled")) == [before, held]
    assert webui.image() == before
