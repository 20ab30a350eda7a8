"""The loaded model: how it is held, what each choice would take."""

from __future__ import annotations

from typing import Any

import gradio as gr

from lib_kohaku.app.precision import PrecisionWorkbench
from lib_kohaku.fp8.choice import Fp8Choice, parse_choice
from lib_kohaku.host.fp8_control import Fp8Control, Fp8State
from lib_kohaku.ui.markup import Markup, div, join, notice, span
from lib_kohaku.ui.merge.errors import shows_errors
from lib_kohaku.ui.precision.choices import chosen, fields_of
from lib_kohaku.ui.precision.memory_html import after, before, memory_html
from lib_kohaku.ui.precision.texts import NO_MODEL


class LiveHandlers:
    """What these show is asked for anew whenever the page is seen: others can move the switch."""

    def __init__(self, workbench: PrecisionWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench

    def state(self) -> list[Any]:
        """Nothing -> how the loaded model is held, its bytes, the button to take over, parts, format, scales."""
        control = self._workbench.control
        if control is None:
            return [Markup(""), Markup(""), gr.update(visible=False), *[gr.update()] * 3]
        state = control.state()
        wanted = parse_choice(state.wanted)
        fields = fields_of(wanted)
        # Format and scales of "off" are those that the page shows already.
        updates = [
            gr.update(value=fields[0]),
            *(gr.update(value=text) if wanted.on else gr.update() for text in fields[1:]),
        ]
        return [_state_html(state), _memory_html(control, wanted), gr.update(visible=state.host_fp8), *updates]

    def memory(self, *fields: Any) -> Any:
        """Parts, format, scales -> bytes of the loaded model without fp8, now, and so."""

        @shows_errors(note_at=0, outputs=1)
        def show() -> Any:
            control = self._workbench.control
            return Markup("") if control is None else _memory_html(control, self.choice(*fields))

        return show()

    def choice(self, *fields: Any) -> Fp8Choice:
        """What parts, format and scales mean.

        Raises:
            RefusedError: If one of them is nothing that the page offers.
        """
        return chosen(*fields)


def _memory_html(control: Fp8Control, choice: Fp8Choice) -> Markup:
    now, predicted = control.memory(), control.predicted(choice)
    if now is None or predicted is None:
        return Markup("")
    return memory_html([before(now, "Without fp8"), after(now, "Now"), after(predicted, "With this choice")])


def _state_html(state: Fp8State) -> Markup:
    if not state.model:
        return div("kohaku-hint", NO_MODEL)
    facts = (
        ("Loaded now", span("kohaku-mono", state.model)),
        ("Held as", span("kohaku-mono", state.held)),
        ("Weights in 8 bits", span("kohaku-number", str(state.weights))),
    )
    shown = (span("kohaku-fact", span("kohaku-fact-name", name), value) for name, value in facts)
    return join(div("kohaku-facts", *shown), notice(state.problem, "warning"))
