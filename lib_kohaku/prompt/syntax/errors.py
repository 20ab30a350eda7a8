"""What can be wrong with a prompt or with a request about one."""

from __future__ import annotations

from lib_kohaku.errors import RefusedError


class PromptError(RefusedError):
    """A prompt, or something that should become part of one, cannot be used."""


class UnreadableWeightError(PromptError):
    """The webui stops with an error on this weight, e.g. ``(hair:1.2.3)``.

    Attributes:
        number: The text that should have been a number.
        start: Where it begins in the text that was read.
    """

    def __init__(self, number: str, start: int) -> None:
        self.number = number
        self.start = start
        super().__init__(
            f"the webui cannot read {number!r} (character {start + 1}) as a weight and stops with an error; "
            "write a number such as 1.2"
        )


class UnwritableTagError(PromptError):
    """No text exists that the webui reads as this tag.

    Attributes:
        name: The tag.
        reason: Why, in plain words.
    """

    def __init__(self, name: str, reason: str) -> None:
        self.name = name
        self.reason = reason
        super().__init__(f"the tag {name!r} cannot be written in a prompt: {reason}")


class EditError(PromptError):
    """Edits overlap or lie outside of the text that they are for."""
