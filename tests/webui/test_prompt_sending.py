"""Sending to the real txt2img and img2img: which fields change, that no other does, and that images are made so."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Browser, Page, expect

from tests.webui.prompt_page import changed, fields, fresh, generate, load, opened, show_prompt_page
from tests.webui.server import Webui
from tests.webui.test_neighbours import options
from tests.webui.upscaler import write_upscaler

ANIME6B = "R-ESRGAN 4x+ Anime6B"
MODEL = "RealESRGAN_x4plus_anime_6B.pth"
PROMPTS = {"txt2img_prompt 0": "1girl, solo", "txt2img_neg_prompt 0": "text"}
SIZES = {
    "txt2img_width 0": "64",
    "txt2img_width 1": "64",
    "txt2img_height 0": "128",
    "txt2img_height 1": "128",
    "txt2img_cfg_scale 0": "5.5",
    "txt2img_cfg_scale 1": "5.5",
    "txt2img_steps 0": "3",
    "txt2img_steps 1": "3",
}
SAMPLING = {"txt2img_sampling 0": "Euler a", "txt2img_scheduler 0": "Karras"}
HIRES = {
    "txt2img_hr-checkbox 0": True,
    "txt2img_hr 0": True,
    "txt2img_hr_upscaler 0": ANIME6B,
    "txt2img_hr_scale 0": "1.5",
    "txt2img_hr_scale 1": "1.5",
    "txt2img_denoising_strength 0": "0.4",
    "txt2img_denoising_strength 1": "0.4",
}


@pytest.fixture(scope="module")
def browser_page(webui: Webui, chromium: Browser) -> Iterator[Page]:
    with opened(webui, chromium) as page:
        yield page


@pytest.fixture
def page(browser_page: Page, webui: Webui) -> Page:
    """The page as it is after loading."""
    return fresh(browser_page, webui)


def fill(page: Page, **values: str) -> None:
    for name, value in values.items():
        page.fill(f"#kohaku_prompt_{name}", value)


def fill_everything(page: Page) -> None:
    fill(page, text="1girl, solo", negative="text", width="64", height="128", cfg="5.5", steps="3")
    fill(page, sampler="Euler a", scheduler="Karras", clip_skip="2")
    page.get_by_role("button", name=ANIME6B).click()
    fill(page, hires_scale="1.5", hires_denoising="0.4")


def send(page: Page, button: str = "send_txt2img", target: str = "txt2img") -> dict[str, object]:
    """Send, and tell which fields of the target hold something else than before."""
    before = fields(page, target)
    page.click(f"#kohaku_prompt_{button}")
    page.wait_for_selector(f"#tab_{target}", state="visible")
    page.wait_for_timeout(1000)  # whatever follows from it
    return changed(before, fields(page, target))


def test_everything_is_set_and_no_other_field_changes(page: Page) -> None:
    show_prompt_page(page)
    fill_everything(page)
    wanted = {**PROMPTS, **SIZES, **SAMPLING, **HIRES, "txt2img_override_settings": ["Clip skip: 2"]}
    found = send(page)
    tokens = [name for name in found if "override" in name and name not in wanted]  # the list's own input
    assert {name: value for name, value in found.items() if name not in tokens} == wanted


def test_only_the_settings_are_set(page: Page) -> None:
    show_prompt_page(page)
    fill(page, text="1girl, solo", negative="text", width="64", height="128", steps="3", sampler="Euler a")
    fill(page, scheduler="Karras")
    found = send(page, "send_settings")
    assert found == {**SIZES, **SAMPLING}  # clip skip 1 is the webui's own setting


def test_what_is_empty_stays(page: Page) -> None:
    show_prompt_page(page)
    fill(page, text="1girl, solo", width="", height="", cfg="", steps="", clip_skip="", sampler="")
    assert send(page) == {"txt2img_prompt 0": "1girl, solo"}


def test_a_size_for_the_hires_fix_gives_way_to_a_factor(page: Page) -> None:
    page.click("#txt2img_hr-visible-checkbox")
    for name in ("x", "y"):
        page.locator(f"#txt2img_hr_resize_{name} input[type=number]").evaluate(
            "(i) => { i.value = 512; updateInput(i); }"
        )
    show_prompt_page(page)
    page.select_option("#kohaku_prompt_hires", "on")
    fill(page, width="", height="", cfg="", clip_skip="", hires_scale="2")
    found = send(page)
    assert {name: value for name, value in found.items() if name.endswith(" 0")} == {
        "txt2img_hr_resize_x 0": "0",
        "txt2img_hr_resize_y 0": "0",
    }
    show_prompt_page(page)
    page.select_option("#kohaku_prompt_hires", "off")
    assert send(page) == {"txt2img_hr-checkbox 0": False, "txt2img_hr 0": False}


def test_sampler_names_of_older_versions_are_understood(page: Page) -> None:
    show_prompt_page(page)
    fill(page, width="", height="", cfg="", clip_skip="", sampler="DPM++ SDE Exponential")
    assert send(page) == {"txt2img_sampling 0": "DPM++ SDE", "txt2img_scheduler 0": "Exponential"}


def test_what_the_webui_lacks_is_told(page: Page) -> None:
    show_prompt_page(page)
    fill(page, text="1girl", width="", height="", cfg="", clip_skip="", sampler="Ghost")
    before = fields(page, "txt2img")
    page.click("#kohaku_prompt_send_txt2img")
    expect(page.locator("#kohaku_prompt_said")).to_contain_text("There is no sampler 'Ghost' here")
    assert changed(before, fields(page, "txt2img")) == {"txt2img_prompt 0": "1girl"}


def test_img2img_gets_all_but_the_hires_fix(page: Page) -> None:
    show_prompt_page(page)
    fill_everything(page)
    page.select_option("#kohaku_prompt_hires", "")
    found = send(page, "send_img2img", "img2img")
    wanted = {**PROMPTS, **SIZES, **SAMPLING, "txt2img_override_settings": ["Clip skip: 2"]}
    tokens = {name.replace("txt2img", "img2img"): value for name, value in wanted.items()}
    assert {name: value for name, value in found.items() if name in tokens} == tokens
    assert [name for name in found if name not in tokens and "override" not in name] == []


def test_images_are_made_with_what_was_sent(page: Page, webui: Webui) -> None:
    write_upscaler(webui.data / "models" / "RealESRGAN" / MODEL)
    show_prompt_page(page)
    fill_everything(page)
    send(page)
    infotext = generate(page, 3)
    for part in (
        "1girl, solo",
        "Negative prompt: text",
        "Steps: 3, Sampler: Euler a, Schedule type: Karras, CFG scale: 5.5,",
        "Size: 64x128",
        "Clip skip: 2",
        "Denoising strength: 0.4",
        "Hires upscale: 1.5",
        f"Hires upscaler: {ANIME6B}",
    ):
        assert part in infotext, (part, infotext)
    size = page.evaluate(
        "() => { const i = document.querySelector('#txt2img_gallery img'); return [i.naturalWidth, i.naturalHeight]; }"
    )
    assert size == [96, 192]
    assert "Unable to load RealESRGAN" not in webui.log
    assert webui.call("GET", "/sdapi/v1/options")[1]["CLIP_stop_at_last_layers"] == 1


def test_clip_skip_of_the_settings_is_overridden_only_where_it_differs(page: Page, webui: Webui) -> None:
    with options(webui, CLIP_stop_at_last_layers=2):
        load(page, webui)
        show_prompt_page(page)
        findings = page.locator("#kohaku_prompt_settings_findings")
        fill(page, width="", height="", cfg="", clip_skip="2")
        assert send(page) == {}
        show_prompt_page(page)
        fill(page, width="896", height="1152", clip_skip="")
        expect(findings).to_contain_text("clip skip 1, not 2")
        fill(page, width="", height="", clip_skip="1")
        assert send(page)["txt2img_override_settings"] == ["Clip skip: 1"]
        show_prompt_page(page)
        fill(page, clip_skip="2")
        assert send(page)["txt2img_override_settings"] == []
