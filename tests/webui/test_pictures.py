"""The README's pictures of the real webui, with checkpoints that are named like those of the Kohaku XL Gamma card."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

if not os.environ.get("KOHAKU_SCREENSHOTS"):
    pytest.skip("set KOHAKU_SCREENSHOTS=1 to take the pictures anew", allow_module_level=True)

from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import expect_state, use_recipe
from tests.browser.site import SCREENSHOTS
from tests.webui.minis import write_mini
from tests.webui.server import Webui

NAMES = ("kohaku-xl-beta7", "animagine-xl-2.0", "animagine-xl-3.0", "kohaku-xl-base8", "kohaku-xl-gamma-rev2")
GAMMA = f"{NAMES[-1]}.safetensors"
LARGEST = 250_000


@pytest.fixture(scope="module", autouse=True)
def card(webui: Webui) -> Iterator[None]:
    folder = webui.data / "models" / "Stable-diffusion"
    for seed, name in enumerate(NAMES, 1):
        write_mini(folder / f"{name}.safetensors", seed)
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})
    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": GAMMA})
    yield
    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": "mini_a.safetensors"})
    for name in NAMES:
        (folder / f"{name}.safetensors").unlink()
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})


@pytest.fixture
def page(webui: Webui, chromium: Browser) -> Iterator[Page]:
    page = chromium.new_page(viewport={"width": 1280, "height": 960})
    page.set_default_timeout(60_000)
    page.goto(f"http://127.0.0.1:{webui.port}/?__theme=dark")
    page.wait_for_selector("#txt2img_prompt textarea")
    page.wait_for_function("() => Object.keys(window.opts || {}).length > 0")
    yield page
    page.close()


def picture(page: Page, name: str) -> None:
    path = SCREENSHOTS / f"{name}.png"
    page.mouse.move(0, 0)
    page.wait_for_timeout(500)  # what is fading in or out
    page.screenshot(path=path)
    assert path.stat().st_size < LARGEST


def test_a_merge_in_the_loaded_model(page: Page, webui: Webui) -> None:
    page.click('#tabs > .tab-nav button:has-text("Kohaku")')
    use_recipe(page, "gamma-rev2-mbw")
    page.click("#kohaku_load_unsaved")
    expect_state(page, "done", "load")
    picture(page, "webui-merge-dark")
    page.click("#kohaku_restore")
    expect_state(page, "done", "restore")


def test_a_prompt_in_order(page: Page) -> None:
    page.click('#tabs > .tab-nav button:has-text("Kohaku")')
    page.click('#kohaku_pages > .tab-nav button:has-text("Prompt")')
    page.wait_for_selector("#kohaku_prompt_presets .kohaku-prompt-card")
    page.click("#kohaku_prompt_text")
    page.keyboard.type("blue hair, smile, window, 1girl")
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Use the usual negative").click()
    page.click("#kohaku_prompt_format")
    page.wait_for_selector("#kohaku_prompt_diff .kohaku-added")
    expect(page.locator("#tab_kohaku")).not_to_contain_text("Reading your tag lists")
    expect(page.get_by_text("of 75 tokens").first).to_be_visible()
    page.set_viewport_size({"width": 1280, "height": 1120})
    picture(page, "webui-prompt-dark")


def test_the_section_in_txt2img(page: Page) -> None:
    section = page.locator("#kohaku_txt2img")
    page.fill("#txt2img_prompt textarea", "solo, blue hair, 1girl, smile, best quality")
    page.click("#kohaku_txt2img > .label-wrap")
    section.locator("input[type=checkbox]").first.check()
    page.get_by_role("button", name="Put the prompt in order").click()
    expect(section.locator(".kohaku-accordion-badge")).to_contain_text("newest")
    page.wait_for_selector("#kohaku_txt2img .kohaku-prompt-diff .kohaku-moved")
    section.scroll_into_view_if_needed()
    path = SCREENSHOTS / "webui-section-dark.png"
    section.screenshot(path=path)
    assert path.stat().st_size < LARGEST
