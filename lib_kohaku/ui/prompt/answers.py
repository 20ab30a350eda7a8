"""One event answers everything that the page's scripts ask: JSON in, JSON out."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping

from lib_kohaku.app.prompt.documents import Document
from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.errors import KohakuError, RefusedError
from lib_kohaku.ui.prompt.answers_editing import EDITING
from lib_kohaku.ui.prompt.answers_presets import PRESETS
from lib_kohaku.ui.prompt.answers_sources import SOURCES
from lib_kohaku.ui.prompt.answers_typing import TYPING
from lib_kohaku.ui.prompt.request import Request

_log = logging.getLogger(__name__)
Handler = Callable[[PromptWorkbench, Request], Document]
METHODS: Mapping[str, Handler] = {**TYPING, **EDITING, **PRESETS, **SOURCES}


def answer(workbench: PromptWorkbench, text: object) -> str:
    """Answer one request.

    Args:
        workbench: What it is asked of.
        text: JSON of an object with a ``method`` and its parameters.

    Returns:
        JSON in ASCII, since prompts may hold lone surrogates: what the method gives, or ``{"error": ...}`` with a
        text for the person.
    """
    try:
        request = Request.parse(text)
        handler = METHODS.get(request.method)
        if handler is None:
            raise RefusedError("The page and the server are of different versions; reload the page.")
        document = handler(workbench, request)
    except KohakuError as error:
        document = {"error": str(error)}
    except Exception as error:
        _log.exception("The prompt page's request failed")
        document = {"error": f"Unexpected error: {type(error).__name__}. The details are in the console."}
    return json.dumps(document, allow_nan=False)
