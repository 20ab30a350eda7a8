"""Pictures, styles and the webui's own boxes: what the prompt page exchanges with the real webui."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Browser, Page, expect

from tests.webui.prompt_page import fresh, generate, opened, show_prompt_page
from tests.webui.server import Webui

DROP = """([text, kind]) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    const data = new DataTransfer();
    data.items.add(new File([bytes], 'x', {type: kind}));
    const options = {dataTransfer: data, bubbles: true, cancelable: true};
    document.querySelector('#kohaku_prompt_pickers').dispatchEvent(new DragEvent('drop', options));
}"""
SETTINGS = {"width": "64", "height": "128", "steps": "2", "cfg": "6", "sampler": "Euler a", "clip_skip": "1"}


@pytest.fixture(scope="module")
def browser_page(webui: Webui, chromium: Browser) -> Iterator[Page]:
    with opened(webui, chromium) as page:
        yield page


@pytest.fixture
def page(browser_page: Page, webui: Webui) -> Page:
    """The page as it is after loading."""
    return fresh(browser_page, webui)


def make_image(page: Page) -> None:
    """An image of txt2img, by way of the prompt page."""
    show_prompt_page(page)
    page.fill("#kohaku_prompt_text", "1girl, saber \\(fate\\), (smile:1.2)")
    page.fill("#kohaku_prompt_negative", "text")
    for name, value in SETTINGS.items():
        page.fill(f"#kohaku_prompt_{name}", value)
    page.click("#kohaku_prompt_send_txt2img")
    page.wait_for_selector("#tab_txt2img", state="visible")
    generate(page, 2)


def save_preset(page: Page, name: str) -> None:
    if not page.locator("#kohaku_prompt_preset_name").is_visible():
        page.click("#kohaku_prompt_preset_tools > summary")
    page.fill("#kohaku_prompt_preset_name", name)
    page.locator("#kohaku_prompt_preset_replace").check()
    page.click("#kohaku_prompt_preset_save")
    expect(page.locator(".kohaku-prompt-name", has_text=name)).to_be_visible()


def test_the_last_image_becomes_a_presets_picture(page: Page, webui: Webui) -> None:
    show_prompt_page(page)
    save_preset(page, "pictured")
    card = page.locator(".kohaku-prompt-card", has_text="pictured").first
    card.hover()
    card.get_by_role("button", name="Use the last image").click()
    expect(page.locator("#kohaku_prompt_said")).to_contain_text("No picture was made yet")
    make_image(page)
    show_prompt_page(page)
    card.hover()
    card.get_by_role("button", name="Use the last image").click()
    page.wait_for_function("() => document.querySelector('.kohaku-prompt-picture')?.naturalHeight === 128")
    stored = webui.data / "kohaku" / "presets" / "pictured.jpg"
    assert stored.read_bytes().startswith(b"\xff\xd8\xff")
    assert stored.stat().st_size < 20_000
    assert b"Steps:" not in stored.read_bytes()
    # The picture comes with our event, and never as a file by its address.
    assert page.locator(".kohaku-prompt-picture").first.get_attribute("src").startswith("data:image/jpeg;base64,")


def test_the_webuis_own_pictures_give_back_what_they_were_made_with(page: Page) -> None:
    make_image(page)
    address = page.locator("#txt2img_gallery img").first.get_attribute("src")
    picture = page.request.get(address).body()
    assert picture.startswith(b"\x89PNG")
    fresh_values = {"text": "", "negative": "", **dict.fromkeys(SETTINGS, "")}
    show_prompt_page(page)
    for name, value in fresh_values.items():
        page.fill(f"#kohaku_prompt_{name}", value)
    page.evaluate(DROP, [base64.b64encode(picture).decode(), "image/png"])
    expect(page.locator("#kohaku_prompt_text")).to_have_value("1girl, saber \\(fate\\), (smile:1.2)")
    expect(page.locator("#kohaku_prompt_negative")).to_have_value("text")
    found = {name: page.locator(f"#kohaku_prompt_{name}").input_value() for name in SETTINGS}
    assert found == SETTINGS
    assert page.locator("#kohaku_prompt_hires").input_value() == "off"
    # The webui takes a file that is dropped near a prompt for a picture of its own: not so on our page.
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("1girl, saber \\(fate\\), (smile:1.2)")
    expect(page.locator("#kohaku_prompt_said")).to_contain_text("It was made with mini_")


def test_presets_and_styles_both_ways(page: Page, webui: Webui) -> None:
    styles = webui.data / "styles.csv"
    styles.write_text('name,prompt,negative_prompt\nframe,"best, {prompt}",bad\n', encoding="utf-8-sig")
    show_prompt_page(page)
    page.fill("#kohaku_prompt_text", "1girl, masterpiece")
    save_preset(page, "for styles")
    page.get_by_role("button", name="Import the webui's styles").click()
    expect(page.locator(".kohaku-prompt-name", has_text="frame")).to_be_visible()
    card = page.locator(".kohaku-prompt-card", has_text="for styles").first
    card.hover()
    card.get_by_role("button", name="To styles").click()
    expect(page.locator("#kohaku_prompt_preset_said")).to_contain_text("one of the webui's styles now")
    known = {style["name"]: style for style in webui.call("GET", "/sdapi/v1/prompt-styles")[1]}
    assert known["for styles"]["prompt"] == "1girl, masterpiece"
    assert known["frame"]["prompt"] == "best, {prompt}"
    card.hover()
    card.get_by_role("button", name="To styles").click()
    expect(page.locator("#kohaku_prompt_preset_said")).to_contain_text("already")
    page.get_by_role("button", name="Replace the style").click()
    expect(page.locator("#kohaku_prompt_preset_said")).to_contain_text("one of the webui's styles now")
    page.locator(".kohaku-prompt-use", has_text="frame").first.click()
    expect(page.locator("#kohaku_prompt_text")).to_have_value("best, 1girl, masterpiece")


BOX = "#txt2img_prompt textarea"
POPUP = "#kohaku_prompt_popup"


def set_option(webui: Webui, on: bool) -> None:
    webui.call("POST", "/sdapi/v1/options", {"kohaku_complete_prompts": on})


def test_the_webuis_boxes_complete_when_the_option_is_on(page: Page, webui: Webui) -> None:
    page.click(BOX)
    page.keyboard.type("masterp", delay=30)
    page.wait_for_timeout(500)
    assert page.locator(POPUP).count() == 0  # it is off unless somebody wants it
    set_option(webui, True)
    try:
        fresh(page, webui)
        page.click(BOX)
        page.keyboard.type("masterp", delay=30)
        expect(page.locator(f"{POPUP} [aria-selected=true]")).to_contain_text("masterpiece")
        page.keyboard.press("Tab")
        expect(page.locator(BOX)).to_have_value("masterpiece, ")
        # Python has heard of it: the webui's own counter counts it.
        expect(page.locator("#txt2img_token_counter").first).to_contain_text("2/75")
        page.keyboard.press("Control+z")
        expect(page.locator(BOX)).to_have_value("masterp")
        page.keyboard.press("Control+ArrowUp")  # the webui's own keys go on working, with the list open or closed
        expect(page.locator(BOX)).to_have_value("(masterp:1.1)")
        page.fill(BOX, "")
        page.keyboard.type("solo", delay=30)
        expect(page.locator(POPUP)).to_be_visible()
        page.fill("#txt2img_steps input[type=number]", "2")
        page.fill("#txt2img_width input[type=number]", "64")
        page.fill("#txt2img_height input[type=number]", "64")
        page.click(BOX)
        page.keyboard.press("Control+Enter")
        infotext = page.locator("#html_info_txt2img").first
        expect(infotext).to_contain_text("Steps: 2,", timeout=240_000)
        assert infotext.inner_text().startswith("solo\n")
    finally:
        set_option(webui, False)


def test_it_never_completes_beside_tagcomplete(page: Page, webui: Webui) -> None:
    set_option(webui, True)
    other = page.context.new_page()
    try:
        other.add_init_script("window.TAC_CFG = null;")  # what tagcomplete's first script makes
        fresh(other, webui)
        other.click(BOX)
        other.keyboard.type("masterp", delay=30)
        other.wait_for_timeout(500)
        assert other.locator(POPUP).count() == 0
    finally:
        other.close()
        set_option(webui, False)


def test_strangers_get_no_answer_they_could_use(webui: Webui) -> None:
    for body in ("{}", '{"method": "set_preset_picture", "name": "../../x", "file": "AAAA"}', "[" * 10_000):
        status, answer = webui.call("POST", "/run/kohaku_prompt", {"data": [body]})
        assert status == 200
        assert "error" in json.loads(answer["data"][0])
