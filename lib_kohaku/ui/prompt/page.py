"""The prompt page of the tab: one piece of HTML, and one event that answers what its scripts ask.

The page lives in the browser (``javascript/kohaku_prompt*.js``), so that no key has to wait for the server. The event
has a name, and with it the address ``/run/kohaku_prompt``, which gradio guards like every other event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import gradio as gr

from lib_kohaku.ui.ids import QUIET, element_id, hidden, hidden_button, hidden_text
from lib_kohaku.ui.markup import Markup, div
from lib_kohaku.ui.prompt.layout_sections import sections
from lib_kohaku.ui.prompt.layout_side import side
from lib_kohaku.ui.prompt.layout_writing import head, writing
from lib_kohaku.ui.prompt.sending import build_sending

if TYPE_CHECKING:
    from lib_kohaku.app.prompting import PromptWorkbench

EVENT = "kohaku_prompt"


def build(workbench: PromptWorkbench) -> None:
    """Build the page inside the current gradio block. Reads no file: the page asks when it is first seen."""
    gr.HTML(page_markup(), elem_id=element_id("prompt_frame"))
    with hidden():
        question, answered = hidden_text("prompt_question"), hidden_text("prompt_answer")
        ask = hidden_button("prompt_ask")

    def answer(text: str) -> str:
        from lib_kohaku.ui.prompt.answers import answer as answer_with  # not at the webui's start

        return answer_with(workbench, text)

    ask.click(answer, inputs=[question], outputs=[answered], **{**QUIET, "api_name": EVENT})
    with hidden():
        build_sending(workbench.host)


def page_markup() -> Markup:
    """The page before anything is known."""
    columns = div("kohaku-prompt-columns", writing(), side(), sections())
    return div("kohaku-prompt", head(), columns, id=element_id("prompt"))
