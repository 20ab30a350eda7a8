"""Building the section. Nothing is read here: it asks for its lists when somebody opens it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gradio as gr

from lib_kohaku.later import LaterHandlers
from lib_kohaku.prompt.kinds import AUTOMATIC, KINDS, LEAVE_OUT, USUAL, TagClass
from lib_kohaku.ui.ids import QUIET, element_id, hidden, hidden_button, hidden_text, js, unsaved
from lib_kohaku.ui.markup import div

if TYPE_CHECKING:
    from lib_kohaku.app.prompt.added_words import AddedWords
    from lib_kohaku.ui.accordion.look import Looker

TITLE = "Kohaku"
LABELS = {
    TagClass.QUALITY: "Quality",
    TagClass.RATING: "Rating",
    TagClass.YEAR: "Year",
    TagClass.AESTHETIC: "Aesthetic",
}


@dataclass(frozen=True)
class Accordion:
    """The components whose values an image is made with.

    Attributes:
        enabled: Whether words are added.
        profile: Id of a profile, or :data:`AUTOMATIC`.
        words: What is chosen of each kind.
        negative: Whether the usual negative is added too.
    """

    enabled: gr.Checkbox
    profile: gr.Dropdown
    words: dict[TagClass, gr.Dropdown]
    negative: gr.Checkbox

    @property
    def arguments(self) -> list[Any]:
        """In the order in which API clients give them. New ones go to the end."""
        first = [self.words[kind] for kind in (TagClass.QUALITY, TagClass.RATING, TagClass.YEAR)]
        return [self.enabled, self.profile, *first, self.negative, self.words[TagClass.AESTHETIC]]


def build_accordion(words: Callable[[], AddedWords], page: str, *, visible: bool = True) -> Accordion:
    """Build the section inside the current gradio block.

    Args:
        words: What it works with; first called when it is opened.
        page: The host's page: ``txt2img`` or ``img2img``.
        visible: Whether it is shown; API clients can use it either way.
    """
    with gr.Accordion(TITLE, open=False, elem_id=element_id(page), visible=visible) as whole:
        unsaved(whole)
        with gr.Row(elem_classes=["kohaku-accordion-switches"]):
            # Its value is kept by the webui's defaults, for those who want it on from the start.
            enabled = gr.Checkbox(
                False, label="Add quality, rating and year when generating", elem_id=element_id(f"{page}_enabled")
            )
            negative = gr.Checkbox(
                False, label="Add the usual negative prompt too", elem_id=element_id(f"{page}_negative")
            )
        with gr.Row(elem_classes=["kohaku-accordion-words"]):
            profile = _dropdown(page, "profile", "Prompt format", AUTOMATIC, [AUTOMATIC])
            chosen = {kind: _dropdown(page, kind.value, LABELS[kind], USUAL, [USUAL, LEAVE_OUT]) for kind in KINDS}
        about = gr.HTML("", elem_id=element_id(f"{page}_about"))
        gr.HTML(div("kohaku-accordion-tools", id=element_id(f"{page}_tools")), elem_id=element_id(f"{page}_frame"))
        accordion = Accordion(enabled, profile, chosen, negative)
        _wire(accordion, about, words, page)
    return accordion


def _dropdown(page: str, name: str, label: str, value: str, choices: list[str]) -> gr.Dropdown:
    """A list whose choices depend on the loaded model, so that the webui must not keep them."""
    return unsaved(gr.Dropdown(choices, value=value, label=label, elem_id=element_id(f"{page}_{name}"), min_width=90))


def _looker(words: Callable[[], AddedWords]) -> Looker:
    from lib_kohaku.ui.accordion.look import Looker

    return Looker(words)


def _wire(accordion: Accordion, about: gr.HTML, words: Callable[[], AddedWords], page: str) -> None:
    with hidden():
        seen = [hidden_text(f"{page}_seen_prompt"), hidden_text(f"{page}_seen_negative")]
        look = hidden_button(f"{page}_look")
    lists = [accordion.profile, *accordion.words.values()]
    inputs = [accordion.enabled, accordion.negative, *lists, *seen]
    looker = LaterHandlers(lambda: _looker(words))
    changes = (component.change for component in (accordion.enabled, accordion.negative, *lists))
    for event in (look.click, *changes):
        event(looker.look, inputs=inputs, outputs=[*lists, about], _js=js(f"accordion.{page}.seen"), **QUIET)
