"""What the parts in the host's own tabs ask of the workbench: words to add when images are made, and presets."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.app.prompt.preset_shelf import preset_prompt
from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.at_generation import AUTOMATIC, Adder, WordChoice
from lib_kohaku.prompt.at_generation.choice import resolve_word, words_of
from lib_kohaku.prompt.at_generation.profiles import find_profile
from lib_kohaku.prompt.format import TagClass, tag_key
from lib_kohaku.prompt.format.pickers import Picker, pickers
from lib_kohaku.prompt.presets.model import Preset
from lib_kohaku.prompt.profiles.model import Profile
from lib_kohaku.prompt.profiles.select import Choice

# Reading the user's tag lists takes a second or two, once; what comes before must not order prompts differently.
_LONGEST_WAIT = 20.0
_NONE: Mapping[TagClass, str] = MappingProxyType({})


class AddedWords:
    """The words and presets of one workbench. Safe to call from several threads."""

    def __init__(self, workbench: PromptWorkbench) -> None:
        """Use the profiles, tags and presets of ``workbench``. Nothing is read yet."""
        self.workbench = workbench

    def adder(self, choice: WordChoice, instead: Mapping[TagClass, str] = _NONE, *, wait: bool = True) -> Adder:
        """What adds the chosen words to prompts.

        Args:
            choice: What is to be added.
            instead: Words that take the place of the prompt's own, by kind.
            wait: Whether to wait for the user's tag lists, which say what the tags between the words are.

        Raises:
            RefusedError: If there is no such profile, or the model has no such word.
        """
        if wait:
            self.workbench.tags.wait(_LONGEST_WAIT)
        known = self.known(choice.profile)
        found = {picker.tag_class: picker for picker in pickers(known.profile)}
        forced = {kind: _forced(word, kind, found.get(kind), known) for kind, word in instead.items()}
        words = words_of(choice, known.profile, known.spec)
        return Adder(known.profile, known.classifier, words, forced, known.dialect)

    def known(self, profile: str) -> Knowledge:
        """What is known for a profile.

        Args:
            profile: Its id or name; empty or :data:`AUTOMATIC` for that of the loaded checkpoint.

        Raises:
            RefusedError: If there is none.
        """
        if tag_key(profile) in ("", tag_key(AUTOMATIC)):
            return self.workbench.knowledge()
        found = find_profile(profile, self.profiles)
        return self.workbench.knowledge(found.id if found else profile)

    @property
    def chosen(self) -> Choice:
        """The profile of the loaded checkpoint, and why."""
        return self.workbench.chosen_profile()

    @property
    def profiles(self) -> tuple[Profile, ...]:
        """All profiles."""
        return self.workbench.profiles.profiles

    @property
    def preset_names(self) -> list[str]:
        """Names of all presets, the user's own first."""
        return list(dict.fromkeys(entry.preset.name for entry in self.workbench.presets.view().entries))

    def preset(self, name: str) -> Preset:
        """A preset by its name; the user's own goes before one that comes with the extension.

        Raises:
            RefusedError: If there is none.
        """
        for entry in self.workbench.presets.view().entries:
            if entry.preset.name == name:
                return entry.preset
        raise RefusedError(f"There is no preset {name[:80]!r}.")

    def preset_prompt(self, preset: Preset, profile: str, around: str) -> str:
        """A preset's prompt in the order of a profile. One that came from a style is put around ``around``."""
        return preset_prompt(preset, self.known(profile), around)


def _forced(word: str, kind: TagClass, picker: Picker | None, known: Knowledge) -> tuple[str, ...]:
    words = resolve_word(word, kind, picker, known.spec)
    if words is None:
        raise RefusedError(f"{known.profile.name} has no {kind.value} {word[:80]!r}.")
    return words
