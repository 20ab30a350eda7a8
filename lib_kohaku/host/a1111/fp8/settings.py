"""The setting. It is the switch: what it says goes for the loaded model and for every later one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import gradio as gr
from modules import shared

from lib_kohaku.errors import KohakuError
from lib_kohaku.fp8.choice import OFF, all_choices
from lib_kohaku.host.a1111.fp8.names import INFOTEXT_KEY, OPTION

_log = logging.getLogger(__name__)


def add_setting(follow: Callable[[], None]) -> None:
    """Add it to the section of the others.

    Args:
        follow: Makes the loaded model what the setting says.
    """

    def changed() -> None:
        try:
            follow()
        except KohakuError as error:
            # Raised, it would take the setting back, which is meant for later models too.
            _log.warning("Kohaku: the model stays as it is. %s", error)

    option = shared.OptionInfo(
        OFF.text,
        "Hold weights in fp8 (8 bits), compute as usual",
        gr.Dropdown,
        {"choices": [choice.text for choice in all_choices()]},
        onchange=changed,
        section=("kohaku", "Kohaku"),
        category_id="sd",
        infotext=INFOTEXT_KEY,  # so that pasting an image brings it back
    ).info("about half the memory of what is held; scaled e4m3fn loses least; not beside the webui's own FP8 weight")
    shared.opts.add_option(OPTION, option)


def setting_field() -> Any:
    """Its field on the page of settings, None if there is none (a quick setting has its field elsewhere)."""
    return (getattr(shared, "settings_components", None) or {}).get(OPTION)
