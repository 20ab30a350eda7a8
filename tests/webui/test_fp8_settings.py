"""The fp8 switch and the webui's own page of settings, in a webui of its own.

After "Apply settings" in a page that is closed, the next "Reload UI" of a webui can wait for ever inside gradio's
``Server.close``; without this extension too.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Page, expect

from tests.webui.conftest import start_webui
from tests.webui.server import Webui
from tests.webui.test_fp8_page import _normal, held, page  # noqa: F401


@pytest.fixture(scope="module")
def webui(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Webui]:
    running = start_webui(tmp_path_factory)
    try:
        running.wait_started()
        yield running
    finally:
        running.stop()


def test_the_page_of_settings_does_not_take_the_choice_back(page: Page, webui: Webui):  # noqa: F811
    """It sends everything that it shows, and shows what was so when the page was opened."""
    page.click('#kohaku_precision_choice label:has-text("UNet: saves most")')
    page.click("#kohaku_precision_apply")
    held(page, "UNet e4m3fn scaled")
    page.click('#tabs > .tab-nav button:has-text("Settings")')
    page.click("#settings_submit")
    expect(page.locator(".block#settings_result")).to_contain_text(re.compile(r"\d+ settings changed"), timeout=60_000)
    assert webui.kohaku("GET", "/fp8")["wanted"] == "UNet e4m3fn scaled"
