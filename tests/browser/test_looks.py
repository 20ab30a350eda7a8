"""Light and dark, wide and narrow: nothing sticks out, everything can be read; pictures for the README."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Browser, Page, expect

from tests.browser.actions import JOB, PLAN, expect_state, open_source, type_formula, use_recipe
from tests.browser.site import SCREENSHOTS, WIDE, Opener, Site, Watch, serving

pytestmark = pytest.mark.browser
THEMES = {"light": "?__theme=light", "dark": "?__theme=dark"}
LARGEST_PICTURE = 250_000
# Contrast after WCAG 2 between an element's text and the nearest opaque colour behind it.
CONTRAST = """(elements) => elements
    .filter((element) => element.offsetParent && element.textContent.trim())
    .map((element) => {
    const channels = (text) => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map((value) => value / 255)
        .map((value) => value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
        .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
    let behind = element;
    const colour = (node) => channels(getComputedStyle(node).backgroundColor);
    while (behind.parentElement && (colour(behind)[3] === 0)) behind = behind.parentElement;
    const [one, two] = [light(channels(getComputedStyle(element).color)), light(colour(behind))].sort((a, b) => b - a);
    return [element.className, (one + 0.05) / (two + 0.05)];
})"""


def sticking_out(page: Page) -> list[str]:
    """Elements that are wider than the window, unless something around them scrolls."""
    return page.evaluate(
        """() => {
            const width = document.documentElement.clientWidth;
            const overflow = (element) => getComputedStyle(element).overflowX;
            const scrolls = (element) => element
                && (/auto|scroll|hidden/.test(overflow(element)) || scrolls(element.parentElement));
            return Array.from(document.querySelectorAll('#tab_kohaku *'))
                .filter((element) => element.getClientRects().length)
                .filter((element) => element.getBoundingClientRect().right > width + 1)
                .filter((element) => !scrolls(element.parentElement))
                .map((element) => element.id || element.className);
        }"""
    )


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", [420, 480, 800, 1280])
def test_nothing_sticks_out(opener: Opener, theme: str, width: int) -> None:
    page = opener(THEMES[theme], {"width": width, "height": 900})
    use_recipe(page, "gamma-rev2-mbw")
    page.click("#kohaku_more_options >> text=More options")
    page.click("#kohaku_history_section >> text=History")
    for source in ("Simple", "Block weights", "Recipes"):
        open_source(page, source)
        assert sticking_out(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("theme", THEMES)
def test_everything_can_be_read(opener: Opener, theme: str) -> None:
    page = opener(THEMES[theme])
    use_recipe(page, "gamma-rev2-mbw")
    cards = ".kohaku-card-text, .kohaku-card-name, .kohaku-badge, .kohaku-action"
    selectors = f"{cards}, .kohaku-hint, .kohaku-table th, .kohaku-table td, .kohaku-fact span, .kohaku-title"
    found = page.eval_on_selector_all(f"#tab_kohaku :is({selectors})", CONTRAST)
    type_formula(page, "beta7 + * 2")
    page.wait_for_selector(f"{PLAN} .kohaku-error")
    found += page.eval_on_selector_all("#tab_kohaku :is(.kohaku-notice, .kohaku-marker, .kohaku-place)", CONTRAST)
    assert len(found) > 40
    assert [pair for pair in found if pair[1] < 4.5] == []


def test_the_merge_button_is_in_sight(opener: Opener) -> None:
    page = opener(size={"width": 1280, "height": 720})
    use_recipe(page, "gamma-rev1")
    open_source(page, "Block weights")
    expect(page.locator("#kohaku_weights_picture .kohaku-block")).to_have_count(20)
    page.locator(f"{PLAN} .kohaku-facts").first.scroll_into_view_if_needed()
    expect(page.locator(f"{PLAN} .kohaku-facts").first).to_be_in_viewport()
    expect(page.locator("#kohaku_merge")).to_be_in_viewport()


@pytest.mark.parametrize("width", [420, 800])
def test_the_merge_button_is_in_sight_in_a_narrow_window(opener: Opener, width: int) -> None:
    page = opener(size={"width": width, "height": 800})
    expect(page.locator("#kohaku_merge")).to_be_in_viewport(ratio=1)
    use_recipe(page, "gamma-rev1")
    page.click("#kohaku_merge")
    expect_state(page, "done")
    expect(page.locator(f"{JOB} .kohaku-notice")).to_be_in_viewport(ratio=1)
    buttons = page.locator(f"{JOB} .kohaku-action").last.bounding_box()
    bar = page.locator("#kohaku_actions").bounding_box()
    assert buttons and bar and buttons["y"] + buttons["height"] <= bar["y"]
    # The last thing of the page is not under the bar either.
    page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
    history = page.locator("#kohaku_history_section").bounding_box()
    bar = page.locator("#kohaku_actions").bounding_box()
    assert history and bar and history["y"] + history["height"] <= bar["y"]


def test_pictures_for_the_readme(chromium: Browser, shown_models: Path, tmp_path: Path) -> None:
    if not os.environ.get("KOHAKU_SCREENSHOTS"):
        pytest.skip("set KOHAKU_SCREENSHOTS=1 to take the pictures anew")
    models = tmp_path / "models"
    shutil.copytree(shown_models, models)
    SCREENSHOTS.mkdir(exist_ok=True)
    with serving(models, tmp_path) as site:
        watch = Watch(site.address)
        take_pictures(chromium, site, watch)
    assert watch.errors == []
    sizes = {path.name: path.stat().st_size for path in SCREENSHOTS.glob("*.png")}
    assert [name for name, size in sizes.items() if size > LARGEST_PICTURE] == []


def take_pictures(chromium: Browser, site: Site, watch: Watch) -> None:
    page = chromium.new_page(viewport=WIDE)
    watch.follow(page)
    page.goto(site.address + THEMES["light"])
    page.wait_for_selector(".kohaku-card")
    use_recipe(page, "gamma-rev2-mbw")
    page.click("#kohaku_merge")
    expect_state(page, "done")
    page.click(f'{JOB} [data-kohaku-action="verify"]')
    expect_state(page, "done", "verify")
    page.click("#kohaku_history_section >> text=History")
    page.wait_for_selector(".kohaku-history")
    page.evaluate("window.scrollTo(0, 0)")  # the right column goes along with the window
    page.set_viewport_size({**WIDE, "height": 1220})
    page.screenshot(path=SCREENSHOTS / "merge-recipe.png")
    page.close()

    page = chromium.new_page(viewport={"width": 1280, "height": 1000})
    watch.follow(page)
    page.goto(site.address + THEMES["dark"])
    page.wait_for_selector(".kohaku-card")
    use_recipe(page, "gamma-rev2-mbw")
    open_source(page, "Block weights")
    site.host.rest = 0.02
    page.click("#kohaku_merge")
    expect(page.locator(f"{JOB} .kohaku-job-foot")).to_contain_text("left", timeout=20_000)
    page.screenshot(path=SCREENSHOTS / "merge-block-weights-dark.png")
    site.host.rest = 0
    expect_state(page, "done")
    open_source(page, "Recipes")
    page.click("#kohaku_formula textarea")
    page.keyboard.press("Control+a")
    page.keyboard.type("beta7 + 0.8*(anxl3 * anxl2) + 0.5*bas")
    page.wait_for_selector(f"{PLAN} .kohaku-error")
    page.screenshot(path=SCREENSHOTS / "merge-formula-dark.png", clip={"x": 0, "y": 0, "width": 1280, "height": 760})
    page.close()

    page = chromium.new_page(viewport={"width": 480, "height": 900})
    watch.follow(page)
    page.goto(site.address + THEMES["light"])
    page.wait_for_selector(".kohaku-card")
    open_source(page, "Simple")
    page.screenshot(path=SCREENSHOTS / "merge-narrow.png")
    page.close()


def test_the_buttons_stay_where_they_are_while_a_plan_is_made(page: Page) -> None:
    use_recipe(page, "gamma-rev2-mbw")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    page.evaluate("""() => {
        window.tops = new Set();
        window.pending = 0;
        const merge = document.querySelector('#kohaku_merge');
        const look = () => {
            window.tops.add(merge.getBoundingClientRect().top);
            window.pending += document.querySelectorAll('#kohaku_output_note .pending').length;
            requestAnimationFrame(look);
        };
        look();
    }""")
    page.click("#kohaku_formula textarea")
    page.keyboard.press("End")
    for _ in range(3):
        page.keyboard.type(" ")
        page.wait_for_timeout(700)
    assert page.evaluate("window.pending") > 0, "no plan was made"
    assert page.evaluate("window.tops.size") == 1


def test_everything_folded_opens_by_the_keyboard(page: Page) -> None:
    page.focus("#kohaku_merge")
    for _ in range(6):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent.includes('More options')"):
            break
    page.keyboard.press("Enter")
    expect(page.locator("#kohaku_seed input")).to_be_visible()
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Space")
    expect(page.locator("#kohaku_seed input")).to_be_hidden()
