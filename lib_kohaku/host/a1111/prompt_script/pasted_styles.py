"""Styles in a pasted prompt that got words behind them.

The webui recognises its styles in a pasted prompt by their text at its end, takes them out and chooses them in its list
instead. Words of ours that stand there hide them, and a style that is still chosen would be added a second time. So we
look again without the words, and take what is found only if all of it gives the very same prompts once more.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from modules import shared

from lib_kohaku.errors import KohakuError
from lib_kohaku.host.a1111.prompt_script.desk import PromptDesk
from lib_kohaku.prompt.at_generation import Adder, chosen_in_infotext

_log = logging.getLogger(__name__)
_STYLES = "Styles array"


def find_styles(parameters: dict[str, Any], desk: Callable[[], PromptDesk]) -> None:
    """Find the styles of a prompt that words were added to; nothing is changed if there are none.

    Args:
        parameters: Of the infotext, as the webui read them; changed in place, as the webui's callback wants it.
        desk: Profiles and words.
    """
    wanted = getattr(shared.opts, "infotext_styles", "Ignore")
    choice = chosen_in_infotext(parameters)
    if choice is None or wanted == "Ignore" or parameters.get(_STYLES) or parameters.get("Hires prompt"):
        return
    try:
        found = _styles(parameters["Prompt"], parameters["Negative prompt"], desk().adder(choice))
    except (KohakuError, KeyError, AttributeError) as error:  # a profile of somebody else's; a fork without styles
        _log.debug("No styles were looked for: %s", error)
        return
    if found is not None:
        parameters["Prompt"], parameters["Negative prompt"], styles = found
        if wanted != "Discard":
            parameters[_STYLES] = styles


def _styles(prompt: str, negative: str, adder: Adder) -> tuple[str, str, list[str]] | None:
    database = shared.prompt_styles
    bare, bare_negative = adder.without(prompt), adder.negative_without(negative)
    styles, typed, typed_negative = database.extract_styles_from_prompt(bare, bare_negative)
    if not styles:
        return None
    again = adder.prompt(database.apply_styles_to_prompt(typed, styles))
    again_negative = adder.negative(database.apply_negative_styles_to_prompt(typed_negative, styles))
    return (typed, typed_negative, styles) if (again, again_negative) == (prompt, negative) else None
