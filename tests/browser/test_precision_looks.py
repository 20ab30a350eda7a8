"""The precision page in light and dark, wide and narrow; a picture for the README."""

from __future__ import annotations

import os
import shutil
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from PIL import Image
from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import choose
from tests.browser.precision_actions import JOB, ended, show_precision, task
from tests.browser.site import SCREENSHOTS, Opener, Site, Watch, serving
from tests.browser.test_looks import CONTRAST, LARGEST_PICTURE, THEMES, sticking_out

pytestmark = pytest.mark.browser
TASKS = ("Convert a file", "Measure a file", "Import from a zip")


def fill(page: Page) -> None:
    """A conversion and all that it shows."""
    choose(page, "precision_source", "beta7")
    page.click('#kohaku_precision_file_parts label:has-text("text encoders")')
    page.click("#kohaku_precision_convert")
    ended(page)
    expect(page.locator(f"{JOB} svg.kohaku-plot")).to_be_visible()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [480, 800, 1280])
def test_nothing_sticks_out(opener: Opener, site: Site, theme: str, width: int) -> None:
    with zipfile.ZipFile(site.models / "x.zip", "w") as file:
        file.writestr("a/very/long/path/" + "x" * 150 + ".safetensors", b"")
    page = show_precision(opener(THEMES[theme], {"width": width, "height": 900}))
    fill(page)
    for title in TASKS:
        task(page, title)
        if title == "Import from a zip":
            choose(page, "precision_zip", "x.zip")
            page.wait_for_selector("#kohaku_precision_zip_entries table")
        assert sticking_out(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", THEMES)
def test_everything_can_be_read(opener: Opener, theme: str) -> None:
    page = show_precision(opener(THEMES[theme]))
    fill(page)
    kinds = ".kohaku-hint, .kohaku-table th, .kohaku-table td, .kohaku-number, .kohaku-fact-name, .kohaku-notice"
    found = page.eval_on_selector_all(f"#tab_kohaku :is({kinds}, .kohaku-memory-legend span)", CONTRAST)
    assert len(found) > 60
    assert [pair for pair in found if pair[1] < 4.5] == []


def test_one_task_has_one_main_button_and_it_is_in_sight(opener: Opener) -> None:
    page = show_precision(opener(size={"width": 1280, "height": 720}))
    for title, name in zip(TASKS, ("convert", "measure", "import"), strict=True):
        task(page, title)
        shown = [
            button for button in page.locator("#kohaku_precision_tasks button.primary").all() if button.is_visible()
        ]
        assert [button.get_attribute("id") for button in shown] == [f"kohaku_precision_{name}"]
        box = shown[0].bounding_box()
        assert box is not None and box["y"] + box["height"] < 720


def test_the_keyboard_reaches_everything(opener: Opener) -> None:
    page = show_precision(opener())
    page.locator('#kohaku_precision_tasks > .tab-nav button:has-text("Convert a file")').focus()
    reached = set()
    for _ in range(14):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "(document.activeElement.closest('[id^=kohaku_precision_]:not(#kohaku_precision_tasks)') || {}).id"
            )
        )
    names = {
        f"kohaku_precision_{name}" for name in ("source", "profile", "file_parts", "output", "overwrite", "convert")
    }
    assert names <= reached


@pytest.mark.skipif(not os.environ.get("KOHAKU_SCREENSHOTS"), reason="set KOHAKU_SCREENSHOTS to renew the pictures")
def test_pictures(chromium: Browser, shown_models: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    shutil.copytree(shown_models, models)
    with serving(models, tmp_path) as site:
        watch = Watch(site.address)
        page = chromium.new_page(viewport={"width": 1280, "height": 900})
        watch.follow(page)
        page.goto(site.address + THEMES["light"])
        page.wait_for_selector(".kohaku-card")
        fill(show_precision(page))
        picture = SCREENSHOTS / "precision-file.png"
        page.screenshot(path=picture, full_page=True)
        Image.open(picture).quantize(128).save(picture, optimize=True)
        page.close()
    assert watch.errors == []
    assert picture.stat().st_size < LARGEST_PICTURE
