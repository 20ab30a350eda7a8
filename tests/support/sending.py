"""A txt2img of the test's own inside of our page: real gradio fields with values that must survive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gradio as gr

from lib_kohaku.host.sending import SendResult, SendTarget, SentValues

START = {"prompt": "old", "neg_prompt": "old", "width": 512, "height": 512, "cfg_scale": 12, "steps": 33, "seed": 4}
SAMPLERS = ["DPM++ 2M", "Euler a"]


class PageForm:
    """Fields with the webui's ids. Knows the sampler names above, and no hires fix."""

    def __init__(self, target: SendTarget) -> None:
        """Make the fields in the block that is being built."""
        self._fields: dict[str, Any] = {}
        for name, value in START.items():
            kind = gr.Textbox if isinstance(value, str) else gr.Number
            self._fields[name] = kind(value, label=f"{target.value} {name}", elem_id=f"{target.value}_{name}")
        self._fields["sampling"] = gr.Dropdown(
            SAMPLERS, value=SAMPLERS[0], label=f"{target.value} sampling", elem_id=f"{target.value}_sampling"
        )

    @property
    def inputs(self) -> Sequence[Any]:
        return [self._fields["seed"]]

    @property
    def outputs(self) -> Sequence[Any]:
        return list(self._fields.values())

    def fill(self, values: SentValues, present: Sequence[Any]) -> SendResult:
        wanted: dict[str, Any] = {"prompt": values.prompt, "neg_prompt": values.negative, "cfg_scale": values.cfg}
        wanted |= {name: getattr(values, name) for name in ("width", "height", "steps")}
        problems = []
        if values.sampler in SAMPLERS:
            wanted["sampling"] = values.sampler
        elif values.sampler:
            problems.append(f"There is no sampler {values.sampler!r} here; it was left as it is.")
        updates = [gr.update() if wanted.get(name) is None else gr.update(value=wanted[name]) for name in self._fields]
        return SendResult(tuple(updates), tuple(problems), (f"The seed is {present[0]:g}.",))
