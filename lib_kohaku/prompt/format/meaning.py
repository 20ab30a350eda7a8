"""What the webui will make of a prompt, in a form that does not depend on the order of its tags.

Format compares it before and after: whatever it moves, no word may gain or lose a weight, leave its chunk or its part,
or change the step at which it shows.
"""

from __future__ import annotations

import re
from collections import Counter

from lib_kohaku.prompt.syntax import Dialect, attention, multicond, networks, schedule, strip_comments, visible

# Enough to tell all steps of schedules and alternations in a prompt apart that a person would write by hand.
_STEPS = 12
_DIVIDER = re.compile(r"[,\n]")

Pieces = Counter[tuple[str, float]]


def meaning(text: str, dialect: Dialect) -> tuple[object, ...]:
    """Comparable; equal for two prompts that differ only in the order of tags between two ``BREAK``.

    Raises:
        UnreadableWeightError: If the webui would stop with an error on the prompt.
    """
    uncommented = strip_comments(text) if dialect.comments else text
    shown = visible(text, comments=dialect.comments)
    conditions = [(shown, 1.0)] if dialect.negative else [tuple(condition) for condition in multicond(shown)]
    parts = [
        (weight, [(step, _chunks(scheduled)) for step, scheduled in schedule(str(part), _STEPS)])
        for part, weight in conditions
    ]
    return parts, Counter((network.kind, network.arguments) for network in networks(uncommented))


def _chunks(text: str) -> list[Pieces]:
    chunks: list[Pieces] = [Counter()]
    for piece, weight in attention(text):
        if piece == "BREAK" and weight == -1:
            chunks.append(Counter())
            continue
        for words in _DIVIDER.split(piece):
            if words.strip():
                chunks[-1][(" ".join(words.split()), weight)] += 1
    return chunks
