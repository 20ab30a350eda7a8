"""Sending: one event for each page of the host, which sets the host's own fields and leaves all others alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lib_kohaku.host.sending import SendForm, SendTarget, send_form_of
from lib_kohaku.ui.ids import QUIET, hidden_button, hidden_text, js

if TYPE_CHECKING:
    from lib_kohaku.host.base import Host


def build_sending(host: Host) -> None:
    """Add the events; a host without such fields gets none. The scripts see from the buttons what there is."""
    for target in SendTarget:
        form = send_form_of(host, target)
        if form is not None:
            _build(target, form)


def _build(target: SendTarget, form: SendForm) -> None:
    question, answered = hidden_text(f"prompt_{target.value}_values"), hidden_text(f"prompt_{target.value}_sent")
    go = hidden_button(f"prompt_{target.value}_go")

    def send(text: object, *present: Any) -> list[Any]:
        from lib_kohaku.ui.prompt.sent_values import fill  # not at the webui's start

        return fill(form, text, present)

    sent = go.click(
        send, inputs=[question, *form.inputs], outputs=[answered, *form.outputs], _js=js("prompt.sending"), **QUIET
    )
    sent.then(None, inputs=[answered], outputs=[], _js=js("prompt.sent"), **QUIET)
