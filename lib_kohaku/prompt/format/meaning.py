"""What the webui will make of a prompt, in a form that does not depend on the order of its tags.

Format compares it before and after: whatever it moves, no word may gain or lose a weight, leave its chunk or its part,
or change the step at which it shows.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from lib_kohaku.prompt.syntax import (
    Condition,
    Dialect,
    attention,
    multicond,
    networks,
    schedule,
    strip_comments,
    visible,
)
from lib_kohaku.prompt.syntax.foreign import REGION

# Enough to tell all steps of schedules and alternations in a prompt apart that a person would write by hand.
_STEPS = 12
_DIVIDER = re.compile(r"[,\n]")
_REGION = re.compile(REGION)

Pieces = Counter[tuple[str, float]]


@dataclass(frozen=True)
class Meaning:
    """What the webui makes of a prompt.

    Attributes:
        parts: For every part between ``AND`` its weight, and its chunks up to and including each step at which they
            change. A chunk is the pieces between its commas, with their weights; Regional Prompter's regions count
            as chunks.
        networks: The extra networks, by kind and arguments.
    """

    parts: list[tuple[float, list[tuple[int, list[Pieces]]]]]
    networks: Counter[tuple[str, tuple[str, ...]]]


def meaning(text: str, dialect: Dialect) -> Meaning:
    """Comparable; equal for two prompts that differ only in the order of tags between two ``BREAK``.

    Raises:
        UnreadableWeightError: If the webui would stop with an error on the prompt.
    """
    uncommented = strip_comments(text) if dialect.comments else text
    shown = visible(text, comments=dialect.comments)
    conditions = [Condition(shown, 1.0)] if dialect.negative else multicond(shown)
    parts = [
        (weight, [(step, _chunks(scheduled)) for step, scheduled in schedule(part, _STEPS)])
        for part, weight in conditions
    ]
    return Meaning(parts, Counter((network.kind, network.arguments) for network in networks(uncommented)))


def gains(new: Meaning, old: Meaning, words: Iterable[str]) -> bool:
    """Whether a prompt has gained just these words: in one part, at all of its steps, and with nothing else changed.

    Args:
        new: The prompt's meaning now.
        old: Its meaning before.
        words: Pieces of prompt text.
    """
    wanted = sum((_chunks(word)[0] for word in words), Counter[tuple[str, float]]())
    if new.networks != old.networks or len(new.parts) != len(old.parts):
        return False
    changed = [(now, was) for now, was in zip(new.parts, old.parts, strict=True) if now != was]
    if len(changed) != (1 if wanted else 0):
        return False
    return all(now[0] == was[0] and _gain(now[1], was[1], wanted) for now, was in changed)


def _gain(new: list[tuple[int, list[Pieces]]], old: list[tuple[int, list[Pieces]]], wanted: Pieces) -> bool:
    if [step for step, _ in new] != [step for step, _ in old]:
        return False
    for (_, now), (_, was) in zip(new, old, strict=True):
        if len(now) != len(was) or any(before - after for after, before in zip(now, was, strict=True)):
            return False
        more = (after - before for after, before in zip(now, was, strict=True))
        if sum(more, Counter[tuple[str, float]]()) != wanted:
            return False
    return True


def _chunks(text: str) -> list[Pieces]:
    chunks: list[Pieces] = [Counter()]
    for piece, weight in attention(text):
        if piece == "BREAK" and weight == -1:
            chunks.append(Counter())
            continue
        for number, region in enumerate(_REGION.split(piece)):
            if number:
                chunks.append(Counter())
            for words in _DIVIDER.split(region):
                if words.strip():
                    chunks[-1][(" ".join(words.split()), weight)] += 1
    return chunks
