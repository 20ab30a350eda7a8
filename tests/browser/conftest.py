"""Fixtures of the browser tests, where what they need is installed; elsewhere the tests skip themselves."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

if find_spec("gradio") and find_spec("playwright"):
    from tests.browser.site import (  # noqa: F401
        SCREENSHOTS,
        WIDE,
        Opener,
        Site,
        SlowHost,
        Watch,
        opener,
        page,
        serving,
        shown_models,
        site,
    )


@pytest.fixture
def precision(page: Page) -> Page:
    """The standalone page, open at its precision page."""
    from tests.browser.precision_actions import show_precision

    return show_precision(page)
