"""Adding words to the prompts of an image, after all that the webui and other extensions make of them.

The webui calls ``process`` when it has made one prompt per image out of the one that was typed, with styles applied,
and before anything is encoded. Extensions that fill in wildcards do that in ``process`` too; ``metadata.ini`` puts us
behind the best known of them. What was typed (``p.prompt``) is never touched: scripts generate from it again and again.
The webui keeps encoded prompts by their text, so that other words are never taken for these.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from lib_kohaku.errors import KohakuError
from lib_kohaku.host.a1111.prompt_script.arguments import Arguments, read_arguments
from lib_kohaku.host.a1111.prompt_script.cell import PromptCell, prompt_cell_of
from lib_kohaku.host.a1111.prompt_script.desk import PromptDesk
from lib_kohaku.prompt.at_generation import KINDS, LEAVE_OUT, Adder, WordChoice, infotext_of

_log = logging.getLogger(__name__)


def add_wanted_words(processing: Any, values: Sequence[Any], desk: Callable[[], PromptDesk]) -> None:
    """Add words if the section or a cell of the plot asks for some; else touch nothing and load nothing.

    Args:
        processing: The webui's, with its prompts made.
        values: The script's values.
        desk: Gives profiles and words.
    """
    arguments, cell = read_arguments(values), prompt_cell_of(processing)
    if arguments.enabled or cell is not None:
        add_words(processing, arguments, cell, desk())


def add_words(processing: Any, arguments: Arguments, cell: PromptCell | None, desk: PromptDesk) -> None:
    """Add words to all prompts of a processing object, and say so in its infotexts.

    Args:
        processing: The webui's, with its prompts made.
        arguments: What is chosen in the section.
        cell: What a cell of the plot asks for.
        desk: Profiles and words.
    """
    try:
        adder = _adder(arguments, cell or PromptCell(), desk)
    except KohakuError as error:
        _log.warning("Kohaku: no words were added. %s", error)
        processing.comment(f"Kohaku: no words were added. {error}")
        if cell is not None:
            processing.n_iter = 0  # an image without the cell's words would be worse than an empty cell
        return
    for note in adder.words.notes:
        processing.comment(f"Kohaku: {note}")
    _change(processing, ("all_prompts", "all_hr_prompts"), "main_prompt", adder.prompt)
    if adder.words.negative:
        _change(processing, ("all_negative_prompts", "all_hr_negative_prompts"), "main_negative_prompt", adder.negative)
    # Copies of one processing object share this table.
    keys = infotext_of(adder.profile.id, adder.effective)
    processing.extra_generation_params = {**processing.extra_generation_params, **keys}


def _adder(arguments: Arguments, cell: PromptCell, desk: PromptDesk) -> Adder:
    choice = replace(arguments.choice, profile=cell.profile or arguments.choice.profile)
    if not arguments.enabled and not cell.profile:  # only what the cell names
        choice = WordChoice(choice.profile)
        for kind in KINDS:
            choice = choice.having(kind, LEAVE_OUT)
    return desk.adder(choice, cell.words)


def _change(processing: Any, lists: tuple[str, ...], main: str, change: Callable[[str], str]) -> None:
    """Change prompts, of which most of a batch are the same. Lists are replaced: others may hold the old ones."""
    changed = cache(change)
    for name in lists:
        texts = getattr(processing, name, None)
        if isinstance(texts, list):
            setattr(processing, name, [changed(text) if isinstance(text, str) else text for text in texts])
    text = getattr(processing, main, None)  # that of grids, and of the file that an empty prompt is pasted from
    if isinstance(text, str):
        setattr(processing, main, changed(text))
