"""What these parts need of the prompt workbench, which lies in an outer ring."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from lib_kohaku.prompt.at_generation import Adder, WordChoice
    from lib_kohaku.prompt.format import TagClass
    from lib_kohaku.prompt.presets.model import Preset
    from lib_kohaku.prompt.profiles.model import Profile
    from lib_kohaku.prompt.profiles.select import Choice


class PromptDesk(Protocol):
    """Profiles, words and presets. What is asked for by a name raises :class:`~lib_kohaku.errors.RefusedError`."""

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """All profiles."""

    @property
    def chosen(self) -> Choice:
        """The profile of the loaded checkpoint, and why."""

    @property
    def preset_names(self) -> list[str]:
        """Names of all presets."""

    def adder(self, choice: WordChoice, instead: Mapping[TagClass, str] = ...) -> Adder:
        """What adds the chosen words to prompts; ``instead`` takes the place of the prompt's own words of a kind."""

    def preset(self, name: str) -> Preset:
        """A preset by its name."""

    def preset_prompt(self, preset: Preset, profile: str, around: str) -> str:
        """A preset's prompt in the order of a profile. One that is made to go around a prompt is put around it."""
