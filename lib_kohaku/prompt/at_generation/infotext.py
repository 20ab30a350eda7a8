"""The choice in an image's infotext, and back out of it.

The host writes ``Key: value``, in quotes of JSON if the value has a comma, a colon or a line end. Reading, it splits a
value such as ``512x768`` in two and takes quotes away, whoever wrote them. The values here come back as they were.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from lib_kohaku.prompt.at_generation.choice import KINDS, LEAVE_OUT, ModelWords, WordChoice
from lib_kohaku.prompt.format import TagClass
from lib_kohaku.prompt.format.pickers import Picker

PROFILE_KEY = "Kohaku profile"
NEGATIVE_KEY = "Kohaku negative"
NEGATIVE_USUAL = "usual"
_CHANGED_BY_HOST = re.compile(r'\d+x\d+|".*"', re.DOTALL)


def key_of(kind: TagClass) -> str:
    """The key of a kind: ``Kohaku quality``."""
    return f"Kohaku {kind.value}"


def infotext_of(profile_id: str, words: ModelWords) -> dict[str, str]:
    """Keys and values for an image whose prompt got the words. Kinds that were left out have no key."""
    found = {PROFILE_KEY: profile_id}
    found.update((key_of(kind), _safe(", ".join(chosen))) for kind, chosen in words.words)
    if words.negative:
        found[NEGATIVE_KEY] = NEGATIVE_USUAL
    return found


def chosen_in_infotext(parameters: Mapping[str, object]) -> WordChoice | None:
    """The choice that an image was made with; None if nothing was added to its prompt.

    Args:
        parameters: Values of an infotext by key, as the host reads them.
    """
    profile = parameters.get(PROFILE_KEY)
    if not isinstance(profile, str) or not profile:
        return None
    choice = WordChoice(profile, negative=parameters.get(NEGATIVE_KEY) == NEGATIVE_USUAL)
    for kind in KINDS:
        value = parameters.get(key_of(kind))
        choice = choice.having(kind, value.rstrip(" ,") if isinstance(value, str) else LEAVE_OUT)
    return choice


def shown_as(words: str, picker: Picker | None) -> str:
    """The choice among a picker's that writes these words, by its label; the words if there is none."""
    for option in picker.options if picker else ():
        if ", ".join(option.words) == words:
            return option.label
    return words


def _safe(value: str) -> str:
    """A comma at the end makes the host put the value in quotes, in which nothing is changed."""
    return f"{value}," if _CHANGED_BY_HOST.fullmatch(value) else value
