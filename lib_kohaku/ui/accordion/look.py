"""What the section shows: the model's words as lists, whose format it is and why, and what would be added now."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from lib_kohaku.app.prompt.added_words import AddedWords
from lib_kohaku.errors import KohakuError
from lib_kohaku.prompt.at_generation import AUTOMATIC, KINDS, LEAVE_OUT, USUAL, WordChoice
from lib_kohaku.prompt.at_generation.choice import listed_words, resolve_word
from lib_kohaku.prompt.at_generation.profiles import find_profile, profile_label
from lib_kohaku.prompt.format import OrderSpec, TagClass
from lib_kohaku.prompt.format.pickers import Picker, pickers
from lib_kohaku.ui.accordion.about import about, failure

_log = logging.getLogger(__name__)
_LONGEST_TEXT = 100_000


class Looker:
    """Answers the section's one event. Whatever it is given, it answers."""

    def __init__(self, words: Callable[[], AddedWords]) -> None:
        """Ask ``words`` for the workbench when it is first needed."""
        self._words = words

    def look(self, enabled: Any, negative: Any, profile: Any, *rest: Any) -> list[Any]:
        """Updates for the lists of profiles and words, and the HTML that tells about them.

        Args:
            enabled: Whether words are added.
            negative: Whether the usual negative is added.
            profile: The chosen profile.
            *rest: The chosen words in the order of :data:`KINDS`, the prompt, the negative prompt.
        """
        try:
            *chosen, prompt, negative_prompt = (_text(value) for value in rest)
            return self._look(bool(enabled), bool(negative), _text(profile), chosen, (prompt, negative_prompt))
        except KohakuError as error:
            return [*_unchanged(), failure(str(error))]
        except Exception as error:
            _log.exception("The Kohaku section could not be filled")
            return [*_unchanged(), failure(f"Unexpected error: {type(error).__name__}. The console has the details.")]

    def _look(
        self, enabled: bool, negative: bool, profile: str, chosen: Sequence[str], prompts: tuple[str, str]
    ) -> list[Any]:
        words = self._words()
        named = find_profile(profile, words.profiles)
        profile = profile_label(named, words.profiles) if named else AUTOMATIC
        known = words.known(profile)
        found = {picker.tag_class: picker for picker in pickers(known.profile)}
        choice = WordChoice(profile, negative=negative)
        for kind, word in zip(KINDS, chosen, strict=True):
            choice = choice.having(kind, shown_word(word, kind, found.get(kind), known.spec))
        adder = words.adder(choice, wait=False)
        names = [AUTOMATIC, *(profile_label(found, words.profiles) for found in words.profiles)]
        return [
            gr.update(choices=names, value=profile),
            *(_list(choice.of(kind), found.get(kind)) for kind in KINDS),
            about(known, None if profile != AUTOMATIC else words.chosen, adder, enabled, prompts),
        ]


def shown_word(word: str, kind: TagClass, picker: Picker | None, spec: OrderSpec) -> str:
    """A choice as this model's list shows it; :data:`USUAL` if the model has nothing like it.

    A word of the model before becomes this one's word for the same.
    """
    if picker is None or word in ("", USUAL, LEAVE_OUT):
        return word or USUAL
    words = resolve_word(word, kind, picker, spec)
    if not words:
        return USUAL if words is None else LEAVE_OUT
    return next((option.label for option in picker.options if option.words == words), ", ".join(words))


def _list(value: str, picker: Picker | None) -> Any:
    """A kind that the model has no words for is hidden."""
    return gr.update(choices=listed_words(picker, value), value=value, visible=picker is not None)


def _text(value: Any) -> str:
    return value[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _unchanged() -> list[Any]:
    return [gr.update() for _ in range(1 + len(KINDS))]
