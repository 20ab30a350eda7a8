"""The JSON files that describe architectures and blocks."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from typing import Any


@cache
def load_data(name: str) -> dict[str, Any]:
    """The document ``data/NAME.json``. Treat it as read-only: it is shared."""
    text = (files("lib_kohaku.checkpoint") / "data" / f"{name}.json").read_text("utf-8")
    document = json.loads(text)
    assert isinstance(document, dict)
    return document
