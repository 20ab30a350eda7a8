"""The events that set the webui's fields, with fields of the test's own."""

from __future__ import annotations

import json

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")

import gradio as gr

from lib_kohaku.host.sending import SendResult, SentValues
from lib_kohaku.prompt.sizes.hires import Hires
from lib_kohaku.ui.prompt.sent_values import fill


class Form:
    """Two fields that keep what they are asked to hold."""

    def __init__(self) -> None:
        self.inputs = ["overrides"]
        self.outputs = ["a", "b"]
        self.asked: list[tuple[SentValues, tuple]] = []
        self.error: Exception | None = None

    def fill(self, values: SentValues, present: tuple) -> SendResult:
        if self.error:
            raise self.error
        self.asked.append((values, present))
        return SendResult((gr.update(value=1), gr.update()), ("a problem",), ("a note",))


def sent(form: Form, **values: object) -> tuple[dict, list]:
    answer, *updates = fill(form, json.dumps({"method": "send", **values}), (["ENSD: 1"],))
    return json.loads(answer), updates


def test_everything_arrives():
    form = Form()
    hires = {"enabled": True, "upscaler": "Latent", "scale": 1.5, "denoising": 0.4}
    values = {"width": 896, "height": 1152, "cfg": 5.5, "steps": 28, "sampler": "Euler a", "scheduler": "Karras"}
    document, updates = sent(form, text="1girl", negative="", clip_skip=2, hires=hires, **values)
    assert document == {"problems": ["a problem"], "notes": ["a note"]}
    assert updates == [gr.update(value=1), gr.update()]
    wanted = SentValues("1girl", "", 896, 1152, 5.5, 28, "Euler a", "Karras", 2, Hires(True, "Latent", 1.5, 0.4))
    assert form.asked == [(wanted, (["ENSD: 1"],))]


def test_only_the_settings_leave_the_prompts_alone():
    form = Form()
    sent(form, text="1girl", negative="text", settings_only=True, width=512)
    assert form.asked[0][0] == SentValues(width=512)


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "[]",
        json.dumps({"method": "send", "text": 7}),
        json.dumps({"method": "send", "text": "x" * 100_001}),
        json.dumps({"method": "send", "width": 1e9}),
        json.dumps({"method": "send", "width": 1.5}),
        json.dumps({"method": "send", "cfg": "5"}),
        json.dumps({"method": "send", "sampler": "x" * 101}),
        json.dumps({"method": "send", "hires": []}),
        json.dumps({"method": "send", "hires": {"enabled": True, "scale": 99}}),
        json.dumps({"method": "send", "clip_skip": 0}),
    ],
)
def test_nonsense_changes_nothing_and_is_told(text):
    form = Form()
    answer, *updates = fill(form, text, ())
    assert "Unexpected" not in json.loads(answer)["error"]
    assert updates == [gr.update(), gr.update()]
    assert form.asked == []


def test_a_bug_changes_nothing_and_does_not_tell_its_insides(caplog):
    form = Form()
    form.error = KeyError("secret")
    document, updates = sent(form)
    assert document == {"error": "Unexpected error: KeyError. The details are in the console."}
    assert updates == [gr.update(), gr.update()]
