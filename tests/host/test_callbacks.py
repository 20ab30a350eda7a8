"""Registering callbacks: as the webui would, but without its looks at the call stack."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lib_kohaku.host.callbacks import hang_in

OURS, THEIRS = "/extensions/kohaku/scripts/kohaku.py", "/extensions/other/scripts/other.py"


class Told:
    """A webui whose ``add_callback`` can be told the file, as v1.10.1's."""

    def __init__(self) -> None:
        self.callback_map: dict[str, list] = {"callbacks_ui_tabs": [], "callbacks_before_ui": []}
        self.ordered_callbacks_map: dict[str, list] = {}

    def add_callback(self, callbacks, fun, *, name=None, category="unknown", filename=None):
        callbacks.append(SimpleNamespace(script=filename, callback=fun, category=category))

    def owners(self, kind: str) -> list[str]:
        return [entry.script for entry in self.callback_map[f"callbacks_{kind}"]]


class Looking:
    """An older one that finds out by itself."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str):
        if not name.startswith(("on_", "remove_")):
            raise AttributeError(name)
        return lambda *functions: self.calls.append(name)


def test_the_file_is_told_and_registered_once():
    webui = Told()
    webui.add_callback(webui.callback_map["callbacks_ui_tabs"], print, filename=THEIRS)
    for _ in range(3):
        hang_in(webui, OURS, {"ui_tabs": len, "before_ui": max})
        webui.ordered_callbacks_map = {"ui_tabs": list(webui.callback_map["callbacks_ui_tabs"])}
    assert webui.owners("ui_tabs") == [THEIRS, OURS]
    assert webui.owners("before_ui") == [OURS]
    assert webui.callback_map["callbacks_ui_tabs"][1].callback is len
    assert webui.callback_map["callbacks_ui_tabs"][1].category == "ui_tabs"


def test_what_was_sorted_before_does_not_keep_the_old_one():
    webui = Told()
    hang_in(webui, OURS, {"ui_tabs": len})
    webui.ordered_callbacks_map = {"ui_tabs": list(webui.callback_map["callbacks_ui_tabs"])}
    hang_in(webui, OURS, {"before_ui": max})
    assert webui.ordered_callbacks_map == {"ui_tabs": []}
    assert webui.owners("ui_tabs") == []


@pytest.mark.parametrize("kind", ["ui_tabs", "unknown_kind"])
def test_a_webui_that_cannot_be_told_is_asked_the_usual_way(kind):
    webui = Looking()
    if kind == "unknown_kind":  # it has the means, but not for every kind
        webui = Told()
        with pytest.raises(AttributeError):
            hang_in(webui, OURS, {kind: len})
        return
    hang_in(webui, OURS, {kind: len, "before_ui": max})
    assert webui.calls == ["remove_current_script_callbacks", "on_ui_tabs", "on_before_ui"]
