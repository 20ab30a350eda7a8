"""Hanging functions into the webui's callbacks without what it costs there.

For every ``on_...`` the webui inspects the whole call stack to learn whose function it is, source lines and all: with
torch loaded that takes some 30 ms each, ten times over at every start. It can also be told.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any


def hang_in(script_callbacks: Any, file: str, functions: Mapping[str, Callable[..., Any]]) -> None:
    """Register functions as a script file's, in the place of all that it registered before.

    Args:
        script_callbacks: The webui's module of that name.
        file: Path of the script file.
        functions: Kind of callback, such as ``ui_tabs``, to the function.
    """
    lists: Any = getattr(script_callbacks, "callback_map", {})
    can_be_told = "filename" in inspect.signature(
        getattr(script_callbacks, "add_callback", _nothing)
    ).parameters and all(f"callbacks_{kind}" in lists for kind in functions)
    if not can_be_told:
        script_callbacks.remove_current_script_callbacks()
        for kind, function in functions.items():
            getattr(script_callbacks, f"on_{kind}")(function)
        return
    ordered = getattr(script_callbacks, "ordered_callbacks_map", {})
    for entries in (*lists.values(), *ordered.values()):
        entries[:] = [entry for entry in entries if entry.script != file]
    for kind, function in functions.items():
        script_callbacks.add_callback(lists[f"callbacks_{kind}"], function, category=kind, filename=file)


def _nothing() -> None:
    """In the place of a function that a webui does not have."""
