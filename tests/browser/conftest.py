"""Fixtures of the browser tests, where what they need is installed; elsewhere the tests skip themselves."""

from __future__ import annotations

from importlib.util import find_spec

if find_spec("gradio") and find_spec("playwright"):
    from tests.browser.site import (  # noqa: F401
        SCREENSHOTS,
        WIDE,
        Opener,
        Site,
        SlowHost,
        Watch,
        chromium,
        opener,
        page,
        serving,
        shown_models,
        site,
    )
