"""The values that the script class is handed: by the page, and by API clients, who leave out what they like."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lib_kohaku.prompt.at_generation import AUTOMATIC, USUAL, WordChoice

SCRIPT_CLASS = "KohakuScript"
_LONGEST = 500


@dataclass(frozen=True)
class Arguments:
    """What was chosen in the section.

    Attributes:
        enabled: Whether words are added.
        choice: Which; of these only the profile counts while it is off.
    """

    enabled: bool = False
    choice: WordChoice = field(default_factory=WordChoice)


def read_arguments(values: Sequence[Any]) -> Arguments:
    """Read the script's values. What is missing, None or of another type is as if nobody had touched it."""
    given = dict(enumerate(values))
    return Arguments(
        given.get(0) is True,
        WordChoice(
            profile=_text(given.get(1), AUTOMATIC),
            quality=_text(given.get(2), USUAL),
            rating=_text(given.get(3), USUAL),
            year=_text(given.get(4), USUAL),
            negative=given.get(5) is True,
            aesthetic=_text(given.get(6), USUAL),
        ),
    )


def chosen_profile(processing: Any) -> str:
    """The profile that is chosen in the section of the page that an image comes from."""
    for script in getattr(processing.scripts, "alwayson_scripts", ()):
        if type(script).__name__ == SCRIPT_CLASS:
            return read_arguments(list(processing.script_args)[script.args_from : script.args_to]).choice.profile
    return AUTOMATIC


def _text(value: Any, default: str) -> str:
    if isinstance(value, list):  # a list of one: how some clients send a choice
        value = value[0] if len(value) == 1 else None
    return value.strip()[:_LONGEST] if isinstance(value, str) and value.strip() else default
