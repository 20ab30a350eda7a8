"""The loaded model: how it is held, what each choice would take."""

from __future__ import annotations

import contextlib
from typing import Any

import gradio as gr

from lib_kohaku.app.precision import PrecisionWorkbench
from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.choice import Fp8Choice, parse_choice
from lib_kohaku.host.fp8_control import Fp8Control, Fp8State
from lib_kohaku.ui.markup import Markup, div, join, notice, span
from lib_kohaku.ui.merge.errors import shows_errors
from lib_kohaku.ui.precision.choices import chosen, fields_of
from lib_kohaku.ui.precision.memory_html import FP8_TYPES, after, before, memory_html
from lib_kohaku.ui.precision.texts import NO_MODEL


class LiveHandlers:
    """What these show is asked for anew whenever the page is seen: others can move the switch."""

    def __init__(self, workbench: PrecisionWorkbench) -> None:
        """Serve a workbench."""
        self._workbench = workbench

    def state(self, seen: Any, *fields: Any) -> list[Any]:
        """The setting as last seen, parts, format, scales -> state, bytes, button to take over, setting, the three.

        The fields follow the setting when that has changed; else they are what the user is about to choose.
        """
        control = self._workbench.control
        if control is None:
            return [Markup(""), Markup(""), gr.update(visible=False), seen, *[gr.update()] * 3]
        state = control.state()
        wanted = parse_choice(state.wanted)
        shown, updates = wanted, [gr.update()] * 3
        if state.wanted != seen:
            # Format and scales of "off" are those that the page shows already.
            new = fields_of(wanted)
            updates = [
                gr.update(value=text) if wanted.on or not place else gr.update() for place, text in enumerate(new)
            ]
        else:
            with contextlib.suppress(RefusedError):
                shown = chosen(*fields)
        memory = _memory_html(control, shown)
        return [_state_html(state), memory, gr.update(visible=state.host_fp8), state.wanted, *updates]

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
    if any(dtype in FP8_TYPES for row in now.rows for dtype, _ in row.before_by_dtype):
        # The host's own fp8: what there would be without it cannot be told.
        return memory_html([before(now, "Now")])
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
