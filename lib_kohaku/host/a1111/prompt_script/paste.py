"""The section's state out of a pasted infotext."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import gradio as gr

from lib_kohaku.prompt.at_generation import AUTOMATIC, KINDS, LEAVE_OUT, USUAL, WordChoice, chosen_in_infotext
from lib_kohaku.prompt.at_generation.choice import listed_words
from lib_kohaku.prompt.at_generation.infotext import shown_as
from lib_kohaku.prompt.at_generation.profiles import profile_label
from lib_kohaku.prompt.format.pickers import Picker, picker_of

if TYPE_CHECKING:
    from lib_kohaku.host.a1111.prompt_script.desk import PromptDesk
    from lib_kohaku.prompt.format import TagClass
    from lib_kohaku.prompt.profiles.model import Profile

Parameters = Mapping[str, Any]


class PastedWords:
    """Values for the section's components.

    The webui asks once for each of them. An image without our keys was made without added words, so its infotext
    turns them off; a bare prompt is no infotext and leaves them as they are.
    """

    def __init__(self, desk: Callable[[], PromptDesk]) -> None:
        """Ask ``desk`` for the profiles when there is something to look up in them."""
        self._desk = desk
        self._words: dict[TagClass, Callable[[Parameters], Any]] = {kind: partial(self._word, kind) for kind in KINDS}

    def enabled(self, parameters: Parameters) -> bool | None:
        """Whether words are added."""
        if "Steps" not in parameters:
            return None
        return self._profile(chosen_in_infotext(parameters)) is not None

    def negative(self, parameters: Parameters) -> bool | None:
        """Whether the usual negative is added too."""
        choice = chosen_in_infotext(parameters)
        return choice.negative if choice else None

    def profile(self, parameters: Parameters) -> Any:
        """The profile: the automatic choice, if that is the same one now."""
        choice = chosen_in_infotext(parameters)
        profile = self._profile(choice)
        if profile is None:
            return None
        profiles, automatic = self._desk().profiles, self._desk().chosen.profile
        is_automatic = automatic is not None and automatic.id == profile.id
        return gr.update(
            choices=[AUTOMATIC, *(profile_label(known, profiles) for known in profiles)],
            value=AUTOMATIC if is_automatic else profile_label(profile, profiles),
        )

    def word(self, kind: TagClass) -> Callable[[Parameters], Any]:
        """What gives the choice of a kind; the same object every time."""
        return self._words[kind]

    def _word(self, kind: TagClass, parameters: Parameters) -> Any:
        choice = chosen_in_infotext(parameters)
        profile = self._profile(choice)
        if choice is None or profile is None:
            return None
        picker = picker_of(profile, kind)
        chosen = _as_listed(choice.of(kind), picker)
        return gr.update(choices=listed_words(picker, chosen), value=chosen, visible=picker is not None)

    def _profile(self, choice: WordChoice | None) -> Profile | None:
        if choice is None:
            return None
        return next((profile for profile in self._desk().profiles if profile.id == choice.profile), None)


def _as_listed(words: str, picker: Picker | None) -> str:
    if words == LEAVE_OUT and not (picker and picker.usual):
        return USUAL  # which is nothing, too
    return USUAL if picker and words == ", ".join(picker.usual) else shown_as(words, picker)
