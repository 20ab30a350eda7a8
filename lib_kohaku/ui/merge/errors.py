"""What handlers do with errors: a sentence in the page, never a stack trace."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import wraps
from typing import Any

import gradio as gr

from lib_kohaku.errors import KohakuError
from lib_kohaku.ui.markup import notice

_log = logging.getLogger(__name__)


def shows_errors(note_at: int, outputs: int) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Turn errors of a handler into a notice; its other outputs stay as they are.

    Args:
        note_at: Which output is the notice.
        outputs: How many outputs there are.
    """

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handler)
        def guarded(*values: Any) -> Any:
            try:
                return handler(*values)
            except KohakuError as error:
                text = str(error)
            except Exception as error:
                _log.exception("%s failed", handler.__name__)
                text = f"Unexpected error: {type(error).__name__}. The details are in the console."
            updates: list[Any] = [gr.update() for _ in range(outputs)]
            updates[note_at] = notice(text)
            return updates if outputs > 1 else updates[0]

        return guarded

    return decorate
