"""The prompt page in light and dark, wide and narrow; pictures for the README."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")
from playwright.sync_api import Page, expect

from tests.browser.prompt_actions import FINDINGS, POPUP, TEXT, add_tags, open_prompt, write
from tests.browser.site import SCREENSHOTS, Opener, Site
from tests.browser.test_looks import CONTRAST, THEMES, sticking_out

pytestmark = pytest.mark.browser
# Mixed colours come as color(srgb 0.1 0.2 0.3 / 0.4); a tint of a sixth does not count as a background.
READABLE = CONTRAST.replace(
    "text.match(/[\\d.]+/g).map(Number);",
    "text.match(/[\\d.]+/g)"
    ".map((digits, index) => Number(digits) * (text.startsWith('color') && index < 3 ? 255 : 1));",
).replace("(colour(behind)[3] === 0)", "(colour(behind)[3] < 1)")
SECTIONS = ("parts", "captions", "infotext", "tags")
BUSY = "blue hair, hatsune miku, smile, 1girl, saber (fate), high quality, (wlop:1.2), long_long_name_" + "x" * 80


def fill(page: Page) -> None:
    """Everything that can be seen at once."""
    write(page, BUSY)
    for name in SECTIONS:
        page.click(f"#kohaku_prompt_{name}_section > summary")
    page.click("#kohaku_prompt_preset_tools > summary")
    page.click("#kohaku_prompt_format")
    page.wait_for_selector("#kohaku_prompt_diff .kohaku-added")
    page.wait_for_selector(f"{FINDINGS} li")
    page.wait_for_selector(".kohaku-prompt-element")


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [480, 800, 1280])
def test_nothing_sticks_out(opener: Opener, site: Site, theme: str, width: int) -> None:
    add_tags(site)
    page = open_prompt(opener, THEMES[theme], {"width": width, "height": 900})
    fill(page)
    assert sticking_out(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", THEMES)
def test_everything_can_be_read(opener: Opener, site: Site, theme: str) -> None:
    add_tags(site)
    page = open_prompt(opener, THEMES[theme])
    fill(page)
    page.click(TEXT)
    page.keyboard.press("Control+End")
    page.locator(TEXT).press_sequentially(", s", delay=15)
    expect(page.locator(POPUP)).to_be_visible()
    kinds = "label, tag, note, kind, posts, severity, message, tokens, name, facts, preview"
    selectors = ", ".join(f".kohaku-prompt-{kind.strip()}" for kind in kinds.split(","))
    found = page.eval_on_selector_all(f"#tab_kohaku :is({selectors}, .kohaku-moved, .kohaku-added, summary)", READABLE)
    assert len(found) > 40
    assert [pair for pair in found if pair[1] < 4.5] == []


def test_the_main_buttons_are_in_sight(opener: Opener, site: Site) -> None:
    add_tags(site)
    page = open_prompt(opener, size={"width": 1280, "height": 720})
    for name in ("format", "copy"):
        box = page.locator(f"#kohaku_prompt_{name}").bounding_box()
        assert box is not None
        assert box["y"] + box["height"] < 720


@pytest.mark.skipif(not os.environ.get("KOHAKU_SCREENSHOTS"), reason="set KOHAKU_SCREENSHOTS to renew the pictures")
@pytest.mark.parametrize("theme", THEMES)
def test_pictures(opener: Opener, site: Site, theme: str) -> None:
    add_tags(site)
    page = open_prompt(opener, THEMES[theme], {"width": 1280, "height": 860})
    write(page, "blue hair, hatsune miku, smile, 1girl")
    page.click("#kohaku_prompt_format")
    page.wait_for_selector("#kohaku_prompt_diff .kohaku-added")
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"prompt-{theme}.png")
