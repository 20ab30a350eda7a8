"""Checkpoints whose own weights are fp8, of every scheme, in the webui: images, memory, and what is refused."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch

pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Browser, expect

from lib_kohaku.fp8.choice import parse_choice
from lib_kohaku.fp8.files.convert import convert_file, expand_file
from lib_kohaku.fp8.files.plan import Profile
from tests.webui.fp8_schemes import WRITERS, spoil
from tests.webui.mini_sd1 import write_mini_sd1
from tests.webui.server import Webui

MODE = "UNet+TE e4m3fn scaled"
TO_Q = "model.diffusion_model.input_blocks.4.1.transformer_blocks.0.attn1.to_q"


@pytest.fixture(scope="module")
def models(webui: Webui) -> Iterator[Path]:
    folder = webui.data / "models" / "Stable-diffusion"
    for write in WRITERS.values():
        write(folder / "mini_a.safetensors", folder)
    clip = webui.data / "extensions" / "aa-mini-sdxl" / "clip_l"
    write_mini_sd1(folder / "sd1.safetensors", clip, seed=7)
    policy = parse_choice(MODE).policy()
    convert_file(folder / "sd1.safetensors", folder / "sd1_fp8.safetensors", Profile.WEBUI, policy)
    expand_file(folder / "sd1_fp8.safetensors", folder / "sd1_wide.safetensors")
    for name in ("sd1_fp8", "sd1_wide"):
        (folder / f"{name}.yaml").write_bytes((folder / "sd1.yaml").read_bytes())
    refresh(webui)
    yield folder
    for name in (*WRITERS, *(f"{name}_wide" for name in WRITERS)):
        (folder / f"{name}.safetensors").unlink()
    refresh(webui)


@pytest.fixture(autouse=True)
def ordinary(webui: Webui, models: Path) -> Iterator[None]:
    """Each test begins and ends with mini_a as it is in its file."""
    yield
    choose(webui, "Off")
    load(webui, "mini_a")


def refresh(webui: Webui) -> None:
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})


def choose(webui: Webui, text: str) -> dict[str, Any]:
    return webui.kohaku("POST", "/fp8", {"choice": text})


def load(webui: Webui, name: str) -> None:
    """As if chosen in the list at the top of the page."""
    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": name})


def image(webui: Webui, name: str, **changes: Any) -> bytes:
    return webui.image(override_settings={"sd_model_checkpoint": name}, **changes)


@pytest.mark.parametrize("scheme", list(WRITERS))
def test_the_image_is_that_of_the_same_codes_in_float32(webui: Webui, scheme: str):
    expected = image(webui, f"{scheme}_wide")
    assert expected != image(webui, "mini_a")
    assert image(webui, scheme) == expected


@pytest.mark.parametrize("scheme", ["plain", "everything", "mixed"])
def test_with_the_switch_on_the_codes_are_taken_as_they_are(webui: Webui, scheme: str):
    """Convolutions that are 16 bit in the file are converted: there the codes of the file are not all."""
    expected = image(webui, f"{scheme}_wide")
    load(webui, scheme)
    if scheme == "mixed":
        folder = webui.data / "models" / "Stable-diffusion"
        carried = folder / "mixed_carried.safetensors"
        convert_file(folder / "mixed.safetensors", carried, Profile.WEBUI, parse_choice(MODE).policy())
        expand_file(carried, folder / "mixed_carried_wide.safetensors", wide=_f32())
        refresh(webui)
        expected = image(webui, "mixed_carried_wide")
    assert choose(webui, MODE)["held"] == MODE
    on = image(webui, scheme)
    load(webui, "mini_b")  # and converted at load, not in memory
    assert image(webui, scheme) == on == expected


def _f32():
    from lib_kohaku.checkpoint.dtypes import DTYPES

    return DTYPES["F32"]


def test_switching_off_gives_back_what_the_file_says(webui: Webui):
    expected = image(webui, "mixed_wide")
    load(webui, "mini_a")
    choose(webui, MODE)
    load(webui, "mixed")
    assert webui.kohaku("GET", "/fp8")["held"] == MODE
    choose(webui, "Off")
    assert webui.image(override_settings={"sd_model_checkpoint": "mixed"}) == expected


def test_sd1_files_too(webui: Webui):
    wide, ordinary_image = image(webui, "sd1_wide"), image(webui, "sd1")
    assert wide != ordinary_image
    assert image(webui, "sd1_fp8") == wide
    assert choose(webui, MODE)["held"] == MODE
    for name in ("sd1_fp8", "sd1", "mini_b", "sd1"):  # the last one into a model that is made for it
        load(webui, name)
        if name.startswith("sd1"):
            assert webui.image(override_settings={"sd_model_checkpoint": name}) == wide, name
    choose(webui, "Off")
    assert image(webui, "sd1") == ordinary_image


def quant(tensors: dict[str, torch.Tensor]) -> None:
    tensors[TO_Q + ".comfy_quant"] = torch.frombuffer(bytearray(b'{"format": "int8_tensorwise"}'), dtype=torch.uint8)


def two_scales(tensors: dict[str, torch.Tensor]) -> None:
    tensors[TO_Q + ".scale_weight"] = torch.ones(2)


def no_scale(tensors: dict[str, torch.Tensor]) -> None:
    tensors[TO_Q + ".scale_weight"] = torch.tensor(0.0)


def not_a_number(tensors: dict[str, torch.Tensor]) -> None:
    tensors[TO_Q + ".weight"].view(torch.uint8)[1, 2] = 0x7F


def int4(tensors: dict[str, torch.Tensor]) -> None:
    tensors[TO_Q + ".qweight"] = torch.zeros(4, 4, dtype=torch.int32)


BAD = {
    quant: "int8_tensorwise",
    two_scales: "has shape [2]",
    no_scale: "is not a positive number",
    not_a_number: "NaN or infinity",
    int4: "4-bit integers",
}


@pytest.mark.parametrize("mode", ["Off", MODE])
@pytest.mark.parametrize("change", list(BAD), ids=lambda change: change.__name__)
def test_what_cannot_be_read_is_refused_in_words_and_the_model_stays(webui: Webui, models: Path, change, mode: str):
    load(webui, "mini_a")
    choose(webui, mode)
    before = webui.image()
    name = f"bad_{change.__name__}"
    spoil(models / "scaled.safetensors", models / f"{name}.safetensors", change)
    refresh(webui)
    body = {"width": 64, "height": 64, "steps": 1, "override_settings": {"sd_model_checkpoint": name}}
    status, answer = webui.call("POST", "/sdapi/v1/txt2img", body)
    assert (status, BAD[change] in answer["errors"]) == (500, True), answer["errors"]
    webui.image(prompt="something else")  # else the webui would find the prompt encoded already
    assert webui.image() == before
    assert webui.kohaku("GET", "/fp8")["held"] == mode
    (models / f"{name}.safetensors").unlink()
    refresh(webui)


def nvfp4(tensors: dict[str, torch.Tensor]) -> None:
    tensors[TO_Q + ".weight_scale_2"] = torch.ones(1)


@pytest.mark.parametrize(("change", "words"), [(nvfp4, "nvfp4"), (not_a_number, "NaN or infinity")])
def test_who_chooses_such_a_file_in_the_list_is_told_why_it_jumps_back(
    webui: Webui,
    models: Path,
    chromium: Browser,
    change,
    words: str,
):
    """gradio takes its own note away when the list jumps back; one that can be read stays."""
    load(webui, "mini_a")
    name = f"strange_{change.__name__}"
    spoil(models / "scaled.safetensors", models / f"{name}.safetensors", change)
    refresh(webui)
    page = chromium.new_page(viewport={"width": 1280, "height": 900})
    page.goto(f"http://127.0.0.1:{webui.port}/")
    chosen = page.locator("#setting_sd_model_checkpoint input")
    expect(chosen).to_have_value(re.compile("mini_a"), timeout=60_000)
    chosen.click()
    page.locator("#setting_sd_model_checkpoint li", has_text=name).click()
    note = page.locator("#kohaku_note")
    expect(note).to_contain_text(words, timeout=60_000)
    expect(chosen).to_have_value(re.compile("mini_a"), timeout=60_000)
    expect(page.locator(".toast-body")).to_have_count(0)
    expect(note).to_contain_text(f"{name}.safetensors" if change is nvfp4 else TO_Q)
    note.locator("button").click()
    expect(note).to_have_count(0)
    page.close()
    (models / f"{name}.safetensors").unlink()
    refresh(webui)


# -- memory ----------------------------------------------------------------------------------------------------------


def anonymous(webui: Webui) -> int:
    status = Path(f"/proc/{webui._process.pid}/status").read_text()
    return sum(int(re.search(rf"{kind}:\s+(\d+) kB", status)[1]) * 1000 for kind in ("RssAnon", "RssShmem"))


@contextmanager
def watched(webui: Webui) -> Iterator[list[int]]:
    """Growth of anonymous memory at its peak, bytes."""
    growth, stop, start = [0], threading.Event(), anonymous(webui)

    def watch() -> None:
        while not stop.wait(0.003):
            growth[0] = max(growth[0], anonymous(webui) - start)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield growth
    stop.set()
    thread.join()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs Linux")
@pytest.mark.parametrize("mode", ["Off", "UNet"])
def test_no_second_copy_of_a_model_is_in_memory_while_another_is_loaded(webui: Webui, mode: str):
    """One takes 147 MB in float32, 35 MB in fp8."""
    load(webui, "scaled")
    choose(webui, mode)
    names = ("plain", "mini_b", "scaled", "mini_a")
    for name in names:  # hashes are computed, pages of the file are cached
        load(webui, name)
    peaks: dict[str, list[int]] = {name: [] for name in names}
    for name in names * 3:
        with watched(webui) as growth:
            load(webui, name)
        peaks[name] += growth
    # What else goes on in the process, which many tests have used before, can only add.
    assert {name: min(found) for name, found in peaks.items() if min(found) >= 30e6} == {}
