"""Short notes in the corner of the webui's page."""

from __future__ import annotations

import contextlib
import re
import warnings

# What the page's script keeps in sight (javascript/kohaku_note.js).
_MARK = "Kohaku: "
# Names in files come from strangers, and some gradio takes what it shows for HTML.
_ANGLES = re.compile("[<>&]")


def tell_in_page(text: str) -> None:
    """Show a note to whoever pressed something in the page; nothing for requests by HTTP, which get errors as answers.

    When a checkpoint is chosen in the webui's list and cannot be loaded, the list jumps back and the console says why;
    people look at the page.
    """
    import gradio

    with contextlib.suppress(Exception), warnings.catch_warnings():
        # Outside of an event of the page gradio says it on the console instead.
        warnings.simplefilter("ignore")
        gradio.Warning(_MARK + _ANGLES.sub("?", text))
