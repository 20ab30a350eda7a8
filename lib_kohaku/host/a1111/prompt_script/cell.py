"""What a cell of the X/Y/Z plot asks for, kept on the object that describes its image."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from lib_kohaku.prompt.format import TagClass

_ATTRIBUTE = "_kohaku_words"


@dataclass(frozen=True)
class PromptCell:
    """The words of a cell.

    Attributes:
        profile: Id or name of the profile; empty for the one that is chosen in the section.
        words: Words that take the place of the prompt's own, by kind.
    """

    profile: str = ""
    words: Mapping[TagClass, str] = field(default_factory=dict)

    def having(self, kind: TagClass, word: str) -> PromptCell:
        """The same with a word of a kind."""
        return replace(self, words={**self.words, kind: word})


def prompt_cell_of(processing: Any) -> PromptCell | None:
    """The cell of an image, None for an ordinary image."""
    found = getattr(processing, _ATTRIBUTE, None)
    return found if isinstance(found, PromptCell) else None


def set_prompt_cell(processing: Any, cell: PromptCell) -> None:
    """Make an image one of a cell. The host copies the object shallowly, so that what is set here is its own."""
    setattr(processing, _ATTRIBUTE, cell)
