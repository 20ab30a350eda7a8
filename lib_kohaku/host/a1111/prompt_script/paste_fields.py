"""Letting the webui fill the section from a pasted infotext; what to fill it with, :mod:`.paste` tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from lib_kohaku.later import Once

if TYPE_CHECKING:
    from lib_kohaku.host.a1111.prompt_script.paste import PastedWords
    from lib_kohaku.prompt.format import TagClass

Parameters = Mapping[str, Any]
Fill = Callable[[Parameters], Any]


class LaterPasted:
    """Functions that give values, the same objects every time; what they do is imported when one of them is called."""

    def __init__(self, make: Callable[[], PastedWords]) -> None:
        """Ask what ``make`` makes."""
        pasted = Once(make)
        self._pasted = pasted
        self._words: dict[TagClass, Fill] = {}
        self.enabled: Fill = lambda parameters: pasted().enabled(parameters)
        self.profile: Fill = lambda parameters: pasted().profile(parameters)
        self.negative: Fill = lambda parameters: pasted().negative(parameters)

    def word(self, kind: TagClass) -> Fill:
        """What gives the choice of a kind."""
        return self._words.setdefault(kind, lambda parameters: self._pasted().word(kind)(parameters))


def bind_paste(
    script: Any, pasted: LaterPasted, enabled: Any, profile: Any, words: Mapping[TagClass, Any], negative: Any
) -> None:
    """Let the webui fill the section when an infotext is pasted, or sent along from another page or by an API client.

    Args:
        script: The script object, in whose ``ui`` the components were made.
        pasted: Gives the values; the same object for both pages.
        enabled: The component for whether words are added.
        profile: That of the profile.
        words: Those of the words, by kind.
        negative: That of the usual negative.
    """
    # Pairs, which the webui and all forks make their own fields of.
    script.infotext_fields = [
        (enabled, pasted.enabled),
        (profile, pasted.profile),
        *((component, pasted.word(kind)) for kind, component in words.items()),
        (negative, pasted.negative),
    ]
    # What "Send to img2img" takes along. The webui finds the fields of both pages by what they are filled with.
    script.paste_field_names = [fill for _, fill in script.infotext_fields]
