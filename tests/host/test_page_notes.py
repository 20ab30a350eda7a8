"""Notes in the webui's page."""

from __future__ import annotations

import warnings

import pytest

gradio = pytest.importorskip("gradio")


def test_names_of_strangers_are_no_html(fake, monkeypatch):
    from lib_kohaku.host.a1111.page_notes import tell_in_page

    shown = []
    monkeypatch.setattr(gradio, "Warning", shown.append)
    tell_in_page("'<img src=x onerror=alert(1)>' & more cannot be read")
    assert shown == ["Kohaku: '?img src=x onerror=alert(1)?' ? more cannot be read"]


def test_outside_of_a_page_nothing_happens(fake):
    from lib_kohaku.host.a1111.page_notes import tell_in_page

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        tell_in_page("nobody looks")
