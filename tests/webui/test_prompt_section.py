"""The section Kohaku in the real webui's page, in a real browser."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Browser, Page, Route, expect

from tests.webui.server import Webui
from tests.webui.test_prompt_script import GAMMA, NEGATIVE, USUAL, gamma  # noqa: F401

SECTION = "#kohaku_txt2img"
ABOUT = "#kohaku_txt2img_about .kohaku-accordion-about"
OURS = {
    "format": 1,
    "name": "<b>small</b>",
    "parts": {"counts": ["1girl"], "general": ["solo"]},
    "negative": "blurry",
    "size": [64, 128],
    "cfg": 3,
    "steps": 1,
    "sampler": "Euler a",
    "scheduler": "Karras",
}


@pytest.fixture
def page(webui: Webui, chromium: Browser, gamma: None) -> Iterator[Page]:  # noqa: F811
    folder = webui.data / "kohaku" / "presets"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "ours.json").write_text(json.dumps(OURS))
    page = opened(webui, chromium)
    failures: list[str] = []
    page.on("pageerror", lambda error: failures.append(str(error)))
    yield page
    page.close()
    assert failures == []


def opened(webui: Webui, browser: Browser, theme: str = "dark", width: int = 1280) -> Page:
    """The page with the section open and filled, and small pictures."""
    page = browser.new_page(viewport={"width": width, "height": 1400})
    page.set_default_timeout(60_000)
    page.goto(f"http://127.0.0.1:{webui.port}/?__theme={theme}")
    page.wait_for_selector("#txt2img_prompt textarea")
    for name, value in (("steps", 1), ("width", 64), ("height", 64)):
        number(page, name).fill(str(value))
    page.wait_for_selector(f"{SECTION} .label-wrap")
    page.wait_for_function("document.querySelector('#kohaku_txt2img_tools').childElementCount > 0")
    page.click(f"{SECTION} > .label-wrap")
    page.wait_for_selector(f"{SECTION} .kohaku-accordion-preset")
    return page


def number(page: Page, name: str):
    return page.locator(f"#txt2img_{name} input[type=number]").first


def prompt(page: Page, negative: bool = False):
    return page.locator("#txt2img_neg_prompt textarea" if negative else "#txt2img_prompt textarea")


def switch(page: Page, name: str = "enabled"):
    return page.locator(f"#kohaku_txt2img_{name} input")


def listed(page: Page, name: str) -> str:
    return page.locator(f"#kohaku_txt2img_{name} input").input_value()


def choose(page: Page, name: str, option: str) -> None:
    page.click(f"#kohaku_txt2img_{name} input")
    offered(page, option).click()


def offered(page: Page, option: str):
    """A choice of the list that is open."""
    return page.locator("ul.options li", has_text=re.compile(rf"^\W*{re.escape(option)}\s*$"))


def generate(page: Page) -> str:
    """Make an image; its infotext."""
    page.evaluate("document.querySelector('#generation_info_txt2img textarea').value = ''")
    page.click("#txt2img_generate")
    page.wait_for_function("document.querySelector('#generation_info_txt2img textarea').value !== ''")
    page.wait_for_function("getComputedStyle(document.querySelector('#txt2img_interrupt')).display === 'none'")
    text: str = page.evaluate(
        "JSON.parse(document.querySelector('#generation_info_txt2img textarea').value).infotexts[0]"
    )
    return text


def test_words_are_told_added_and_come_back_by_paste_without_being_doubled(page: Page) -> None:
    expect(page.locator(ABOUT)).to_contain_text("Kohaku XL Gamma")
    expect(page.locator(ABOUT)).to_contain_text("says Kohaku XL Gamma")
    prompt(page).fill("1girl, solo")
    expect(page.locator(ABOUT)).to_contain_text("Off. Your prompt would get: newest safe masterpiece")
    switch(page).check()
    expect(page.locator(f"{SECTION} .kohaku-accordion-badge")).to_have_text(f"+ {USUAL}")
    choose(page, "quality", "good quality")
    switch(page, "negative").check()
    expect(page.locator(ABOUT)).to_contain_text(f"and to the negative prompt: {NEGATIVE}")
    text = generate(page)
    assert text.startswith(f"1girl, solo, newest, safe, good quality\nNegative prompt: {NEGATIVE}\n")
    assert prompt(page).input_value() == "1girl, solo"  # what was typed is left alone

    switch(page).uncheck()
    switch(page, "negative").uncheck()
    choose(page, "quality", "Leave out")
    prompt(page).fill(text)
    page.click("#paste")
    expect(switch(page)).to_be_checked()
    expect(switch(page, "negative")).to_be_checked()
    expect(prompt(page)).to_have_value("1girl, solo, newest, safe, good quality")
    expect(page.locator("#kohaku_txt2img_quality input")).to_have_value("good quality")
    assert [listed(page, name) for name in ("profile", "rating", "year")] == ["Automatic", "Usual", "Usual"]
    expect(page.locator(ABOUT)).to_contain_text("Already in it: good quality safe newest")
    again = generate(page)
    assert again.split("\nSteps")[0] == text.split("\nSteps")[0]
    assert "Kohaku quality: good quality" in again

    prompt(page).fill("1girl\nSteps: 1, Sampler: Euler, CFG scale: 7, Seed: 1, Size: 64x64")
    page.click("#paste")
    expect(switch(page)).not_to_be_checked()
    assert "Kohaku" not in generate(page)


def test_a_style_is_found_again_behind_the_words(page: Page) -> None:
    prompt(page).fill("1girl")
    with page.expect_response("**/run/predict"):
        page.evaluate("document.querySelector('#refresh_txt2img_styles').click()")
    page.click("#txt2img_styles input")
    offered(page, "night").click()
    page.keyboard.press("Escape")
    switch(page).check()
    text = generate(page)
    assert text.startswith(f"1girl, night, {USUAL}\n")
    prompt(page).fill(text)
    page.click("#paste")
    expect(prompt(page)).to_have_value("1girl")
    expect(page.locator("#txt2img_styles .token")).to_have_count(1)
    assert generate(page).split("\nSteps")[0] == text.split("\nSteps")[0]


def test_another_format_has_other_words(page: Page) -> None:
    choose(page, "profile", "Animagine XL 3.1")
    expect(page.locator("#kohaku_txt2img_aesthetic input")).to_be_visible()
    expect(page.locator(ABOUT)).to_contain_text("You chose it.")
    page.click("#kohaku_txt2img_quality input")
    expect(offered(page, "great quality")).to_be_visible()
    page.keyboard.press("Escape")
    choose(page, "profile", "Kohaku XL Beta")
    expect(page.locator("#kohaku_txt2img_quality")).not_to_be_visible()
    expect(page.locator(ABOUT)).to_contain_text("no words of its own")


def test_it_follows_the_loaded_checkpoint(page: Page) -> None:
    expect(page.locator(ABOUT)).to_contain_text("says Kohaku XL Gamma")
    page.evaluate("selectCheckpoint('mini_c.safetensors')")
    expect(page.locator(ABOUT)).to_contain_text("Choose it yourself")
    page.evaluate(f"selectCheckpoint('{GAMMA}.safetensors')")
    expect(page.locator(ABOUT)).to_contain_text("says Kohaku XL Gamma")


def test_a_preset_sets_what_it_names_and_undo_brings_back(page: Page) -> None:
    prompt(page).fill("old prompt")
    number(page, "batch_count").fill("2")
    names = page.locator(f"{SECTION} .kohaku-accordion-preset")
    assert names.first.inner_text().startswith("<b>small</b>")
    names.first.click()
    expect(prompt(page)).to_have_value("1girl, solo")
    expect(prompt(page, negative=True)).to_have_value("blurry")
    expect(number(page, "height")).to_have_value("128")
    assert [number(page, name).input_value() for name in ("width", "cfg_scale", "steps")] == ["64", "3", "1"]
    expect(page.locator("#txt2img_sampling input")).to_have_value("Euler a")
    expect(page.locator("#txt2img_scheduler input")).to_have_value("Karras")
    assert number(page, "batch_count").input_value() == "2"
    number(page, "batch_count").fill("1")
    text = generate(page)
    assert text.startswith("1girl, solo\nNegative prompt: blurry\nSteps: 1, Sampler: Euler a, Schedule type: Karras")
    assert "Size: 64x128" in text

    page.get_by_role("button", name="Undo: <b>small</b>").click()
    expect(prompt(page)).to_have_value("old prompt")
    expect(number(page, "height")).to_have_value("64")
    expect(page.locator("#txt2img_sampling input")).to_have_value("DPM++ 2M")
    expect(number(page, "cfg_scale")).to_have_value("7")


def test_undo_and_presets_do_not_overwrite_what_was_typed_since(page: Page) -> None:
    prompt(page).fill("old prompt")
    page.locator(f"{SECTION} .kohaku-accordion-preset").first.click()
    expect(prompt(page)).to_have_value("1girl, solo")
    undo = page.get_by_role("button", name="Undo: <b>small</b>")
    expect(undo).to_be_visible()
    prompt(page).press("End")
    page.keyboard.type("!")
    expect(undo).to_be_hidden()
    page.keyboard.press("Control+z")
    expect(prompt(page)).to_have_value("1girl, solo")
    expect(undo).to_be_visible()

    held: list[Route] = []
    page.route(
        "**/run/kohaku_prompt",
        lambda route: held.append(route) if "use_preset" in (route.request.post_data or "") else route.continue_(),
    )
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Gamma: first portrait").click()
    prompt(page).press("End")
    page.keyboard.type(", hat")
    page.wait_for_timeout(300)
    held[0].continue_()
    expect(page.locator(f"{SECTION} .kohaku-accordion-said")).to_contain_text("changed meanwhile")
    expect(prompt(page)).to_have_value("1girl, solo, hat")


def test_add_takes_only_what_is_missing_and_the_browser_can_undo_it(page: Page) -> None:
    prompt(page).click()
    page.keyboard.type("solo, cat")
    page.get_by_role("button", name="Add", exact=True).click()
    page.locator(f"{SECTION} .kohaku-accordion-preset").first.click()
    expect(prompt(page)).to_have_value("solo, cat, 1girl")
    assert prompt(page, negative=True).input_value() == ""
    prompt(page).focus()
    page.keyboard.press("Control+z")
    expect(prompt(page)).to_have_value("solo, cat")


def test_search_finds_presets(page: Page) -> None:
    names = page.locator(f"{SECTION} .kohaku-accordion-preset")
    assert names.count() > 5
    page.fill(f"{SECTION} input[type=search]", "two people")
    expect(names).to_have_count(1)
    page.fill(f"{SECTION} input[type=search]", "no such thing")
    expect(page.locator(f"{SECTION} .kohaku-accordion-presets")).to_contain_text("No preset has all of these words.")


def test_putting_in_order_shows_the_difference_first(page: Page) -> None:
    prompt(page).click()
    page.keyboard.type("masterpiece, solo, (1girl:1.1)")
    page.get_by_role("button", name="Put the prompt in order").click()
    diff = page.locator(f"{SECTION} .kohaku-prompt-diff")
    expect(diff).to_contain_text("In the order of Kohaku XL Gamma")
    expect(diff.locator(".kohaku-moved").first).to_be_visible()
    assert prompt(page).input_value() == "masterpiece, solo, (1girl:1.1)"
    diff.get_by_role("button", name="Apply").click()
    expect(prompt(page)).to_have_value("(1girl:1.1), solo, masterpiece")
    expect(diff).to_be_hidden()
    page.get_by_role("button", name="Undo: order").click()
    expect(prompt(page)).to_have_value("masterpiece, solo, (1girl:1.1)")
    prompt(page).focus()
    page.keyboard.press("Control+z")
    expect(prompt(page)).to_have_value("(1girl:1.1), solo, masterpiece")


def test_img2img_has_its_own(page: Page) -> None:
    page.click('#tabs > .tab-nav button:has-text("img2img")')
    page.click("#kohaku_img2img > .label-wrap")
    page.wait_for_selector("#kohaku_img2img .kohaku-accordion-preset")
    page.locator("#kohaku_img2img .kohaku-accordion-preset").first.click()
    expect(page.locator("#img2img_prompt textarea")).to_have_value("1girl, solo")
    expect(page.locator("#img2img_steps input[type=number]").first).to_have_value("1")
    assert prompt(page).input_value() == ""


@pytest.mark.parametrize(("theme", "width"), [("dark", 1280), ("light", 1280), ("dark", 420)])
def test_it_fits(webui: Webui, chromium: Browser, gamma: None, theme: str, width: int) -> None:  # noqa: F811
    page = opened(webui, chromium, theme, width)
    prompt(page).fill("solo, blue hair, 1girl, smile, best quality")
    switch(page).check()
    page.get_by_role("button", name="Put the prompt in order").click()
    expect(page.locator(f"{SECTION} .kohaku-accordion-badge")).to_contain_text("newest")
    page.wait_for_selector(f"{SECTION} .kohaku-prompt-diff .kohaku-moved")
    section = page.locator(SECTION)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    edges = section.bounding_box()
    for part in section.locator("button:visible, input:visible, .kohaku-accordion-line:visible").all():
        box = part.bounding_box()
        assert edges["x"] <= box["x"] and box["x"] + box["width"] <= edges["x"] + edges["width"] + 1, part
    page.close()
