"""Typing on the prompt page as people with other keyboards do: input methods that compose words."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")
from playwright.sync_api import expect

from tests.browser.prompt_actions import POPUP, TEXT, add_tags, open_prompt, prompt_is
from tests.browser.site import Opener, Site

pytestmark = pytest.mark.browser


def test_a_word_from_an_input_method_is_completed_when_it_is_there(opener: Opener, site: Site) -> None:
    add_tags(site)
    (site.host.data_folder() / "tags" / "translations.csv").write_text("smile,笑顔\nblue_hair,青髪\n", encoding="utf-8")
    page = open_prompt(opener)
    page.click(TEXT)
    keyboard = page.context.new_cdp_session(page)
    for composed in ("え", "えが", "えがお", "笑顔"):
        keyboard.send("Input.imeSetComposition", {"text": composed, "selectionStart": 2, "selectionEnd": 2})
        page.wait_for_timeout(100)
        expect(page.locator(POPUP)).to_be_hidden()  # Enter and the arrows are the input method's
    keyboard.send("Input.insertText", {"text": "笑顔"})
    expect(page.locator(f"{POPUP} [role=option] >> nth=0")).to_contain_text("smile")
    page.keyboard.press("Tab")
    prompt_is(page, "smile, ")
    page.keyboard.press("Control+z")
    prompt_is(page, "笑顔")
