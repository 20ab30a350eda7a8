"""Element ids and the few kinds of components that every page uses."""

from __future__ import annotations

from typing import Any, TypeVar

import gradio as gr

PREFIX = "kohaku_"
ComponentT = TypeVar("ComponentT")

# For events that only look: no queue, so that they answer while a generation waits, and no flicker.
QUIET: dict[str, Any] = {"queue": False, "show_progress": "hidden", "api_name": False}


def element_id(name: str) -> str:
    """The id of an element of ours; ids share one name space with the webui and every other extension."""
    return PREFIX + name


def unsaved(component: ComponentT) -> ComponentT:
    """Keep the webui from writing a component's value and limits into its ``ui-config.json``."""
    component.do_not_save_to_config = True  # type: ignore[attr-defined]
    return component


def hidden() -> gr.Column:
    """A block whose contents are in the page, for our JavaScript, but not shown."""
    return gr.Column(elem_classes=["kohaku-hidden"])


def hidden_text(name: str) -> gr.Textbox:
    """A text for :func:`hidden` blocks."""
    return unsaved(gr.Textbox("", show_label=False, elem_id=element_id(name)))


def hidden_button(name: str) -> gr.Button:
    """A button for :func:`hidden` blocks."""
    return unsaved(gr.Button(name, elem_id=element_id(name)))


def button(text: str, name: str, variant: str = "secondary", size: str = "sm", visible: bool = True) -> gr.Button:
    """A button that people press."""
    return unsaved(gr.Button(text, elem_id=element_id(name), variant=variant, size=size, visible=visible))


def js(function: str) -> str:
    """A call of a function of ``window.kohaku``, looked up when the event happens."""
    return f"(...values) => window.kohaku.{function}(...values)"
