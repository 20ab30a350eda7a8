"""The precision page in the real webui, as a person uses it."""

from __future__ import annotations

import io
import json
import os
import re
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser import actions
from tests.browser.precision_actions import JOB, column, ended, show_precision, task, write
from tests.browser.site import SCREENSHOTS
from tests.webui.fp8_models import choose, make_models, normal_around
from tests.webui.server import Webui
from tests.webui.test_grid import FP8, axis_labels

STATE = ".block#kohaku_precision_state"
MEMORY = ".block#kohaku_precision_memory"
LARGEST_PICTURE = 250_000


@pytest.fixture(autouse=True)
def _normal(webui: Webui) -> Iterator[None]:
    make_models(webui)
    with normal_around(webui):
        yield


@pytest.fixture
def page(webui: Webui, chromium: Browser) -> Iterator[Page]:
    """The webui's page at our precision page; our code must not have complained."""
    errors: list[str] = []
    opened = chromium.new_page(viewport={"width": 1280, "height": 900})
    opened.set_default_timeout(30_000)
    opened.on("pageerror", lambda error: errors.append(str(error)))
    opened.goto(f"http://127.0.0.1:{webui.port}/?__theme=dark")
    opened.wait_for_selector("#txt2img_prompt textarea", timeout=60_000)
    opened.click('#tabs > .tab-nav button:has-text("Kohaku")')
    show_precision(opened)
    yield opened
    opened.close()
    assert [error for error in errors if "kohaku" in error] == []


def held(page: Page, text: str) -> None:
    words = re.compile(rf"Held as\s*{re.escape(text)}")
    expect(page.locator(f"{STATE} .kohaku-facts")).to_contain_text(words, timeout=60_000)


def parts_in_fp8(page: Page, count: int) -> None:
    """Wait until so many cells of the table name an fp8 type."""
    expect(page.locator(f"{MEMORY} .kohaku-memory-types span", has_text="fp8 ")).to_have_count(count, timeout=30_000)


def fill_image(page: Page, **numbers: int) -> None:
    task(page, "Compare images")
    write(page, "prompt", "1girl, solo")
    for name, value in {"seed": 5, "steps": 3, "width": 64, "height": 64, **numbers}.items():
        page.fill(f"#kohaku_precision_{name} input", str(value))


def test_the_switch_saves_what_it_says_and_gives_it_back(page: Page, webui: Webui):
    before = webui.image()
    held(page, "Off")
    page.click('#kohaku_precision_choice label:has-text("UNet and text encoders")')
    expect(page.locator(f"{MEMORY} th")).to_have_text(["Component", "Without fp8", "Now", "With this choice"])
    parts_in_fp8(page, 3)
    assert column(page, MEMORY, "Now") == column(page, MEMORY, "Without fp8")
    predicted = column(page, MEMORY, "With this choice")
    page.click("#kohaku_precision_apply")
    held(page, "UNet+TE e4m3fn scaled")
    parts_in_fp8(page, 6)
    assert column(page, MEMORY, "Now") == predicted
    assert webui.kohaku("GET", "/fp8")["held"] == "UNet+TE e4m3fn scaled"
    page.click('#kohaku_precision_choice label:has-text("Off")')
    page.click("#kohaku_precision_apply")
    held(page, "Off")
    assert webui.image() == before


def test_the_format_can_be_chosen(page: Page, webui: Webui):
    page.click('#kohaku_precision_choice label:has-text("UNet: saves most")')
    page.click("#kohaku_precision_format_section > .label-wrap")
    for name, option in (("format", "e5m2"), ("scales", "plain")):
        page.click(f"#kohaku_precision_{name} input")
        page.click(f'#kohaku_precision_{name} li:has-text("{option}") >> nth=0')
    page.click("#kohaku_precision_apply")
    held(page, "UNet e5m2 plain")
    assert webui.kohaku("GET", "/fp8")["wanted"] == "UNet e5m2 plain"


def test_somebody_else_moved_the_switch(page: Page, webui: Webui):
    held(page, "Off")
    choose(webui, "UNet e5m2 scaled")
    page.click('#kohaku_pages > .tab-nav button:has-text("Merge")')
    show_precision(page)
    held(page, "UNet e5m2 scaled")
    expect(page.locator('#kohaku_precision_choice label:has-text("UNet: saves most") input')).to_be_checked()


def test_the_page_of_settings_does_not_take_the_choice_back(page: Page, webui: Webui):
    """It sends everything that it shows, and shows what was so when the page was opened."""
    page.click('#kohaku_precision_choice label:has-text("UNet: saves most")')
    page.click("#kohaku_precision_apply")
    held(page, "UNet e4m3fn scaled")
    page.click('#tabs > .tab-nav button:has-text("Settings")')
    page.click("#settings_submit")
    expect(page.locator(".block#settings_result")).to_contain_text(re.compile(r"\d+ settings changed"), timeout=60_000)
    assert webui.kohaku("GET", "/fp8")["wanted"] == "UNet e4m3fn scaled"


def test_the_webuis_own_fp8_is_taken_over(page: Page, webui: Webui):
    expect(page.locator("#kohaku_precision_take_over")).to_be_hidden()
    page.click('#kohaku_precision_choice label:has-text("UNet: saves most")')
    webui.call("POST", "/sdapi/v1/options", {"fp8_storage": "Enable"})
    page.click("#kohaku_precision_apply")
    expect(page.locator(f"{JOB} .kohaku-error")).to_contain_text("webui's own FP8", timeout=60_000)
    expect(page.locator(f"{STATE} .kohaku-warning")).to_contain_text("webui's own FP8")
    page.click("#kohaku_precision_take_over")
    held(page, "UNet e4m3fn scaled")
    expect(page.locator("#kohaku_precision_take_over")).to_be_hidden()
    assert webui.call("GET", "/sdapi/v1/options")[1]["fp8_storage"] == "Disable"


def test_the_same_image_twice_is_shown_with_figures_and_a_slider(page: Page, webui: Webui):
    choose(webui, "UNet e5m2 scaled")
    fill_image(page)
    page.click("#kohaku_precision_pair")
    pair = page.locator(f"{JOB} .kohaku-pair")
    expect(pair).to_be_visible(timeout=60_000)
    expect(pair.locator(".kohaku-facts")).to_contain_text(re.compile(r"PSNR\s*\d\d\.\d dB"))
    expect(pair.locator(".kohaku-facts")).to_contain_text(re.compile(r"SSIM\s*0\.\d{4}"))
    expect(pair.locator("img")).to_have_count(3)
    assert all(pair.locator("img").evaluate_all("(images) => images.map((image) => image.naturalWidth === 64)"))
    cut = "(image) => getComputedStyle(image).clipPath"
    before = pair.locator(".kohaku-compare img").nth(1).evaluate(cut)
    pair.locator("input[type=range]").focus()
    page.keyboard.press("Home")
    after = pair.locator(".kohaku-compare img").nth(1).evaluate(cut)
    assert before != after
    assert "100%" in after
    task(page, "The loaded model")
    held(page, "UNet e5m2 scaled")  # as before
    assert webui.kohaku("GET", "/fp8")["wanted"] == "UNet e5m2 scaled"


def test_stop_gives_up_both_images(page: Page, webui: Webui):
    fill_image(page, steps=120, width=128, height=128)
    page.click("#kohaku_precision_pair")
    expect(page.locator(f"{JOB} .kohaku-job-foot")).to_contain_text(re.compile(r"Image 1 of 2 . \d+ of 120 steps"))
    page.click("#kohaku_precision_stop")
    ended(page, "cancelled")
    expect(page.locator(f"{JOB} .kohaku-pair")).to_have_count(0)
    assert webui.kohaku("GET", "/fp8")["held"] == "Off"


def test_prompt_seed_and_size_come_from_txt2img(page: Page):
    page.click('#tabs > .tab-nav button:has-text("txt2img")')
    page.fill("#txt2img_prompt textarea", "1girl, (smile:1.2)")
    page.fill("#txt2img_neg_prompt textarea", "lowres")
    page.fill("#txt2img_seed input", "1234")
    page.click('#tabs > .tab-nav button:has-text("Kohaku")')
    task(page, "Compare images")
    page.click("#kohaku_precision_take")
    expect(page.locator("#kohaku_precision_prompt textarea")).to_have_value("1girl, (smile:1.2)")
    expect(page.locator("#kohaku_precision_negative textarea")).to_have_value("lowres")
    expect(page.locator("#kohaku_precision_seed input")).to_have_value("1234")
    expect(page.locator("#kohaku_precision_width input")).to_have_value("512")


def test_a_converted_file_is_in_the_webuis_own_list_at_once(page: Page, webui: Webui):
    task(page, "Convert a file")
    actions.choose(page, "precision_source", "mini_b")
    write(page, "output", "from_page")
    page.click("#kohaku_precision_convert")
    ended(page)
    chosen = page.locator("#setting_sd_model_checkpoint input")
    listed = page.locator("#setting_sd_model_checkpoint li", has_text="from_page")
    # The list is read anew by the webui's own button, a moment after the end.
    for _ in range(20):
        chosen.click()
        page.wait_for_timeout(250)
        if listed.count():
            break
        page.keyboard.press("Escape")
    listed.click()
    expect(chosen).to_have_value(re.compile("from_page"), timeout=60_000)
    for _ in range(120):  # the value in the list comes before the model
        if webui.call("GET", "/sdapi/v1/options")[1]["sd_model_checkpoint"].startswith("from_page"):
            break
        page.wait_for_timeout(500)
    _, infos = webui.images()
    assert "Model: from_page" in json.dumps(infos)
    webui.call("POST", "/sdapi/v1/options", {"sd_model_checkpoint": "mini_a"})
    (webui.data / "models" / "Stable-diffusion" / "from_page.safetensors").unlink()
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})


def test_pasting_an_infotext_brings_the_setting_back_for_its_image(page: Page, webui: Webui):
    images, info = webui.images(override_settings={"kohaku_fp8": "UNet e5m2 scaled"})
    infotext = info["infotexts"][0]
    assert "Kohaku fp8: UNet e5m2 scaled" in infotext
    assert webui.image() != images[0]
    page.click('#tabs > .tab-nav button:has-text("txt2img")')
    page.fill("#txt2img_prompt textarea", infotext)
    page.click("#txt2img_tools #paste")
    override = page.locator("#txt2img_override_settings")
    expect(override).to_contain_text("Kohaku fp8: UNet e5m2 scaled")
    expect(page.locator("#txt2img_prompt textarea")).to_have_value("1girl, solo")
    page.click("#txt2img_generate")
    expect(page.locator("#html_info_txt2img").first).to_contain_text("Kohaku fp8: UNet e5m2 scaled", timeout=60_000)
    picture = page.locator("#txt2img_gallery img").first.get_attribute("src")
    made = Image.open(io.BytesIO(page.request.get(picture).body()))
    assert made.tobytes() == images[0]
    # It was for that image alone.
    assert webui.kohaku("GET", "/fp8")["wanted"] == "Off"
    assert webui.image() != images[0]
    # An image without fp8 takes the override away again.
    page.fill("#txt2img_prompt textarea", webui.images()[1]["infotexts"][0])
    page.click("#txt2img_tools #paste")
    expect(override).not_to_contain_text("Kohaku fp8")


def test_cells_of_a_grid_say_how_their_model_was_held(webui: Webui):
    labels = axis_labels(webui)
    axes = [labels.index(FP8), "Off, unet e5m2, UNet+TE", [], 0, "", [], 0, "", []]
    flags = [False, True, False, True, False, False, False, 0, True]
    images, info = webui.images(script_name="x/y/z plot", script_args=[*axes, *flags])
    found = [re.search(r"Kohaku fp8: ([^,\n]+)", text) for text in info["infotexts"][1:]]
    assert [match and match[1] for match in found] == [None, "UNet e5m2 scaled", "UNet+TE e4m3fn scaled"]
    assert len(set(images[1:])) == 3
    assert webui.kohaku("GET", "/fp8")["wanted"] == "Off"


@pytest.mark.skipif(not os.environ.get("KOHAKU_SCREENSHOTS"), reason="set KOHAKU_SCREENSHOTS to renew the pictures")
def test_pictures(page: Page, webui: Webui):
    page.set_viewport_size({"width": 1280, "height": 720})
    choose(webui, "UNet")
    page.reload()
    page.wait_for_selector("#txt2img_prompt textarea", timeout=60_000)
    page.click('#tabs > .tab-nav button:has-text("Kohaku")')
    show_precision(page)
    held(page, "UNet e4m3fn scaled")
    page.click('#kohaku_precision_choice label:has-text("UNet and text encoders")')
    parts_in_fp8(page, 4)
    picture = SCREENSHOTS / "webui-precision-dark.png"
    page.screenshot(path=picture)
    assert picture.stat().st_size < LARGEST_PICTURE
