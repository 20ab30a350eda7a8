"""What was typed while an answer was on its way is neither overwritten nor mixed with it."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")
from playwright.sync_api import Page, Route, expect

from tests.browser.prompt_actions import POPUP, SAID, TEXT, add_tags, button, open_prompt, prompt_is, write
from tests.browser.site import Opener, Site

pytestmark = pytest.mark.browser


@pytest.fixture
def page(opener: Opener, site: Site) -> Page:
    add_tags(site)
    return open_prompt(opener)


class Held:
    """Keeps the answers to some questions back."""

    def __init__(self, page: Page, method: str) -> None:
        self.method = method
        self.routes: list[Route] = []
        page.route("**/run/kohaku_prompt", self._hold)

    def _hold(self, route: Route) -> None:
        question = json.loads(json.loads(route.request.post_data or "{}")["data"][0])
        if question["method"] == self.method:
            self.routes.append(route)
        else:
            route.continue_()

    def release(self, page: Page) -> None:
        page.wait_for_timeout(200)
        assert self.routes
        for route in self.routes:
            route.continue_()


def listed(page: Page, typed: str, first: str) -> None:
    page.click(TEXT)
    page.locator(TEXT).press_sequentially(typed, delay=15)
    expect(page.locator(f"{POPUP} [role=option] >> nth=0")).to_contain_text(first)


@pytest.mark.parametrize("key", ["Tab", "Enter"])
def test_a_list_for_fewer_letters_is_not_what_gets_written(page: Page, key: str) -> None:
    listed(page, "blue", "blue eyes")
    held = Held(page, "complete")
    page.keyboard.type(" ha")
    page.keyboard.press(key)
    prompt_is(page, "blue ha")  # the list is still the one for "blue"
    held.release(page)
    prompt_is(page, "blue hair, ")
    expect(page.locator(TEXT)).to_be_focused()


def test_a_list_closes_when_the_caret_goes_elsewhere(page: Page) -> None:
    write(page, "solo, ")
    listed(page, "blue", "blue eyes")
    for _ in range(6):
        page.keyboard.press("ArrowLeft")
    expect(page.locator(POPUP)).to_be_hidden()
    page.keyboard.press("Enter")
    prompt_is(page, "solo\n, blue")
    page.keyboard.press("Control+End")
    page.keyboard.press("Control+Space")
    expect(page.locator(POPUP)).to_be_visible()
    page.locator(TEXT).click(position={"x": 12, "y": 12})
    expect(page.locator(POPUP)).to_be_hidden()


@pytest.mark.parametrize(
    ("method", "act"),
    [
        ("pick", lambda page: button(page, "best quality")),
        ("fix_all", lambda page: page.click("#kohaku_prompt_fix")),
        ("use_preset", lambda page: page.locator("#kohaku_prompt_presets .kohaku-prompt-tools button").first.click()),
    ],
)
def test_what_is_typed_after_a_click_stays(page: Page, method: str, act) -> None:
    write(page, "saber (fate), :3")
    expect(page.locator("#kohaku_prompt_fix")).to_be_visible()
    held = Held(page, method)
    page.locator(".kohaku-prompt-card").first.hover()
    act(page)
    page.click(TEXT)
    page.keyboard.press("Home")
    page.keyboard.type("solo, ")
    held.release(page)
    expect(page.locator(SAID)).to_contain_text("changed meanwhile")
    prompt_is(page, "solo, saber (fate), :3")


def test_an_order_that_was_shown_for_another_text_is_not_applied(page: Page) -> None:
    write(page, "solo, 1girl")
    page.click("#kohaku_prompt_format")
    expect(page.locator("#kohaku_prompt_apply")).to_be_visible()
    held = Held(page, "format")
    page.click(TEXT)
    page.keyboard.press("End")
    page.keyboard.type(", smile")
    page.locator("#kohaku_prompt_apply").click()
    prompt_is(page, "solo, 1girl, smile")
    held.release(page)
    expect(page.locator("#kohaku_prompt_diff")).to_contain_text("smile")


def test_faces_that_change_places_stay_whole(page: Page) -> None:
    """These two share the first half of what JavaScript counts as two characters."""
    write(page, "\U0001f600, 1girl, \U0001f601, long hair")
    box = page.locator(TEXT)
    box.evaluate("(box) => window.kohaku.prompt.text.put(box, '\\u{1f601}, 1girl, \\u{1f600}, long hair')")
    prompt_is(page, "\U0001f601, 1girl, \U0001f600, long hair")
    box.evaluate("(box) => window.kohaku.prompt.text.put(box, '\\u{1f601}, 1girl, \\u{1f200}, long hair')")
    prompt_is(page, "\U0001f601, 1girl, \U0001f200, long hair")
