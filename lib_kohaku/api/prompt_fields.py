"""A prompt in parts, as clients send and get it."""

from __future__ import annotations

import math
from typing import Any

from lib_kohaku.api.prompt_messages import ComposeRequest
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.format import PromptFields, WeightedTag

_TEXTS = ("networks", "prose", "raw")
_LONGEST_ITEM = 8000
_MOST_ITEMS = 500
_MOST_WEIGHT = 100.0


def requested_fields(request: ComposeRequest) -> PromptFields:
    """The parts that a request holds.

    Raises:
        RefusedError: Naming the part that is wrong.
    """
    found: dict[str, Any] = {}
    for name, _ in PromptFields():
        items: list[Any] = getattr(request, name)
        if len(items) > _MOST_ITEMS:
            raise RefusedError(f"{name} has {len(items):,} entries, more than {_MOST_ITEMS:,}.")
        read = _text if name in _TEXTS else _tag
        found[name] = tuple(read(name, item) for item in items)
    return PromptFields(**found)


def fields_document(fields: PromptFields) -> dict[str, Any]:
    """The parts for a client; it may send them back as they are."""
    return {
        name: [{"name": item.name, "weight": item.weight} if isinstance(item, WeightedTag) else item for item in items]
        for name, items in fields
    }


def _tag(part: str, item: Any) -> WeightedTag:
    if isinstance(item, str):
        return WeightedTag(_text(part, item))
    if not isinstance(item, dict) or not set(item) <= {"name", "weight"}:
        raise RefusedError(f"{part}: every entry has to be a name, or a name with a weight.")
    weight = item.get("weight", 1.0)
    is_number = isinstance(weight, (int, float)) and not isinstance(weight, bool)
    if not is_number or not math.isfinite(weight) or not 0 <= weight <= _MOST_WEIGHT:
        raise RefusedError(f"{part}: a weight has to be a number from 0 to {_MOST_WEIGHT:g}.")
    return WeightedTag(_text(part, item.get("name")), float(weight))


def _text(part: str, item: Any) -> str:
    if not isinstance(item, str) or not item.strip() or len(item) > _LONGEST_ITEM:
        raise RefusedError(f"{part}: every entry has to be a text of at most {_LONGEST_ITEM:,} characters.")
    return item
