"""How the webui splits a prompt at ``AND``, and the weight at the end of each part.

The weight is looked for even in a prompt without ``AND``, so a prompt that ends in the tag ``:3`` loses the tag and
triples its guidance (webui issue 7948).
"""

from __future__ import annotations

import re
from typing import NamedTuple

AND = re.compile(r"\bAND\b")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?|\d*\.\d+)")


class Condition(NamedTuple):
    """One part of a prompt and the weight of its guidance."""

    text: str
    weight: float


class TrailingWeight(NamedTuple):
    """Where a weight at the end of a part stands: its text is ``part[start:]``, blanks included."""

    start: int
    weight: float


def trailing_weight(part: str) -> TrailingWeight | None:
    """Find the ``:number`` at the end of a part, as the webui does.

    Blanks before and after it belong to it. A number that Python's ``float`` reads is required: ``:1e2`` is text.
    """
    head, colon, tail = part.rstrip().rpartition(":")
    number = tail.lstrip()
    if not colon or not _NUMBER.fullmatch(number):
        return None
    return TrailingWeight(len(head.rstrip()), float(number))


def condition(part: str) -> Condition:
    """Text and weight of one part; the blanks at its end are dropped, those at its beginning are not."""
    found = trailing_weight(part)
    if found is None:
        return Condition(part.rstrip(), 1.0)
    return Condition(part[: found.start], found.weight)


def multicond(text: str) -> list[Condition]:
    """The parts of a positive prompt, at least one. Negative prompts are not split by the webui."""
    return [condition(part) for part in AND.split(text)]
