"""What was sent, checked, into the host's fields."""

from __future__ import annotations

import json
import logging
from typing import Any

import gradio as gr

from lib_kohaku.app.prompt.documents import Document
from lib_kohaku.errors import KohakuError
from lib_kohaku.host.sending import SendForm, SentValues
from lib_kohaku.ui.prompt.answers_typing import LARGEST_SIDE
from lib_kohaku.ui.prompt.request import LONGEST_CHOICE, LONGEST_PROMPT, MOST_CLIP_SKIP, Request

_log = logging.getLogger(__name__)


def fill(form: SendForm, text: object, present: tuple[Any, ...]) -> list[Any]:
    """What the event gives: JSON with ``problems`` and ``notes``, or with ``error``; then an update for every field."""
    updates: tuple[Any, ...] = tuple(gr.update() for _ in form.outputs)
    document: Document
    try:
        found = form.fill(_values(Request.parse(text)), present)
        updates, document = found.updates, {"problems": list(found.problems), "notes": list(found.notes)}
    except KohakuError as error:
        document = {"error": str(error)}
    except Exception as error:
        _log.exception("Sending failed")
        document = {"error": f"Unexpected error: {type(error).__name__}. The details are in the console."}
    return [json.dumps(document), *updates]


def _values(request: Request) -> SentValues:
    settings_only = request.flag("settings_only")
    return SentValues(
        prompt=None if settings_only else request.text("text", LONGEST_PROMPT),
        negative=None if settings_only else request.text("negative", LONGEST_PROMPT),
        width=request.whole("width", 1, LARGEST_SIDE),
        height=request.whole("height", 1, LARGEST_SIDE),
        cfg=request.number("cfg", 0, 100),
        steps=request.whole("steps", 1, 10_000),
        sampler=request.text("sampler", LONGEST_CHOICE),
        scheduler=request.text("scheduler", LONGEST_CHOICE),
        clip_skip=request.whole("clip_skip", 1, MOST_CLIP_SKIP),
        hires=request.hires(),
    )
