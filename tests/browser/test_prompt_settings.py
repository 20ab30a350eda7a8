"""Sampler, clip skip and hires fix on the prompt page."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")
from playwright.sync_api import Page, expect

from tests.browser.prompt_actions import add_tags, button, open_prompt, show_prompt, write
from tests.browser.site import Opener, Site

pytestmark = pytest.mark.browser
FINDINGS = "#kohaku_prompt_settings_findings"
ANIME6B = "R-ESRGAN 4x+ Anime6B"


def value(page: Page, name: str) -> str:
    return page.locator(f"#kohaku_prompt_{name}").input_value()


@pytest.fixture
def page(opener: Opener, site: Site) -> Page:
    add_tags(site)
    return open_prompt(opener)


def test_one_click_sets_the_hires_fix_and_another_takes_it_back(page: Page) -> None:
    expect(page.locator("#kohaku_prompt_hires_upscaler")).to_be_hidden()
    button(page, ANIME6B)
    assert (value(page, "hires"), value(page, "hires_upscaler")) == ("on", ANIME6B)
    expect(page.locator("#kohaku_prompt_hires_upscaler")).to_be_visible()
    expect(page.locator("#kohaku_prompt_upscalers [aria-pressed=true]")).to_have_text([ANIME6B])
    page.click("#kohaku_prompt_undo")
    assert (value(page, "hires"), value(page, "hires_upscaler")) == ("", "")
    button(page, ANIME6B)
    button(page, ANIME6B)
    assert value(page, "hires") == "off"


def test_the_models_clip_skip_is_there_and_another_one_is_put_right_with_a_click(page: Page) -> None:
    assert value(page, "clip_skip") == "1"
    page.fill("#kohaku_prompt_clip_skip", "2")
    expect(page.locator(FINDINGS)).to_contain_text("Kohaku XL Gamma wants clip skip 1, not 2.")
    button(page, "Set 1")
    assert value(page, "clip_skip") == "1"
    expect(page.locator(FINDINGS)).to_be_empty()
    page.fill("#kohaku_prompt_width", "512")
    page.fill("#kohaku_prompt_height", "512")
    button(page, "Set 896\u00d7896")
    assert (value(page, "width"), value(page, "height")) == ("896", "896")


def test_nothing_of_it_is_lost_on_reload(page: Page) -> None:
    write(page, "1girl")
    button(page, ANIME6B)
    page.fill("#kohaku_prompt_hires_scale", "1.5")
    page.fill("#kohaku_prompt_hires_denoising", "0.4")
    page.fill("#kohaku_prompt_sampler", "Euler a")
    page.fill("#kohaku_prompt_scheduler", "Karras")
    page.wait_for_timeout(500)
    page.reload()
    show_prompt(page)
    names = ("hires", "hires_upscaler", "hires_scale", "hires_denoising", "sampler", "scheduler", "clip_skip")
    assert [value(page, name) for name in names] == ["on", ANIME6B, "1.5", "0.4", "Euler a", "Karras", "1"]


def test_a_preset_keeps_and_sets_all_of_it(page: Page) -> None:
    write(page, "1girl")
    button(page, ANIME6B)
    page.fill("#kohaku_prompt_hires_scale", "2")
    page.fill("#kohaku_prompt_sampler", "Euler a")
    page.fill("#kohaku_prompt_clip_skip", "2")
    page.click("#kohaku_prompt_preset_tools > summary")
    page.fill("#kohaku_prompt_preset_name", "mine")
    button(page, "Save this prompt")
    expect(page.locator(".kohaku-prompt-name", has_text="mine")).to_be_visible()
    page.locator(".kohaku-prompt-use", has_text="Animagine 3.1").click()
    expect(page.locator("#kohaku_prompt_text")).not_to_have_value("1girl")
    for name in ("sampler", "clip_skip", "hires_upscaler", "hires_scale"):
        page.fill(f"#kohaku_prompt_{name}", "")
    page.select_option("#kohaku_prompt_hires", "off")
    page.locator(".kohaku-prompt-use", has_text="mine").click()
    expect(page.locator("#kohaku_prompt_text")).to_have_value("1girl")
    names = ("hires", "hires_upscaler", "hires_scale", "sampler", "clip_skip")
    assert [value(page, name) for name in names] == ["on", ANIME6B, "2", "Euler a", "2"]


@pytest.mark.parametrize("width", [480, 1280])
def test_the_fields_fit(opener: Opener, site: Site, width: int) -> None:
    add_tags(site)
    page = open_prompt(opener, size={"width": width, "height": 900})
    button(page, ANIME6B)
    boxes = [
        page.locator(f"#kohaku_prompt_{name}").bounding_box()
        for name in ("sampler", "scheduler", "clip_skip", "hires", "hires_upscaler", "hires_scale", "hires_denoising")
    ]
    assert all(box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width for box in boxes)
    assert all(box is not None and box["width"] >= 40 for box in boxes)
