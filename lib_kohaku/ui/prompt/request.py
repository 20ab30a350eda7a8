"""What the page asks, checked: a method's name and its parameters. It may come from anybody who reaches the server."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

from lib_kohaku.app.prompt.pictures import decoded
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.schema import SchemaError, parse_json
from lib_kohaku.prompt.sizes.hires import Hires

LONGEST_REQUEST = 48 * 1024 * 1024  # a picture of 32 MB in base 64
LONGEST_PROMPT = 100_000
LONGEST_CHOICE = 100
LARGEST_SCALE = 8
MOST_CLIP_SKIP = 12
_LONGEST_NAME = 500


class Request:
    """A method and its parameters. Reading a parameter of a wrong type or size raises :class:`RefusedError`.

    Attributes:
        method: What is asked for.
    """

    def __init__(self, method: str, parameters: Mapping[str, Any]) -> None:
        self.method = method
        self._parameters = parameters

    @classmethod
    def parse(cls, text: object) -> Request:
        """Read a request: a JSON object whose ``method`` is a text.

        Raises:
            RefusedError: If it is anything else.
        """
        if not isinstance(text, str) or len(text) > LONGEST_REQUEST:
            raise RefusedError("The page sent something that cannot be understood; reload it.")
        try:
            document = parse_json(text)
        except SchemaError as error:
            raise RefusedError(f"The page sent something that cannot be understood ({error}).") from error
        if not isinstance(document, dict) or not isinstance(document.get("method"), str):
            raise RefusedError("The page sent something that cannot be understood; reload it.")
        return cls(document["method"], document)

    def text(self, name: str, longest: int = _LONGEST_NAME) -> str:
        """A text; empty if it is not given."""
        value = self._parameters.get(name, "")
        if not isinstance(value, str):
            raise RefusedError(f"{name} has to be a text.")
        if len(value) > longest:
            raise RefusedError(f"{name} has {len(value):,} characters, more than {longest:,}.")
        return value

    def prompt(self, name: str = "prompt") -> str:
        """A prompt."""
        return self.text(name, LONGEST_PROMPT)

    def flag(self, name: str) -> bool:
        """Whether something is to be so."""
        return self._parameters.get(name) is True

    def number(self, name: str, low: float, high: float) -> float | None:
        """A number from ``low`` to ``high``; None if it is not given."""
        value = self._parameters.get(name)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not math.isfinite(value):
            raise RefusedError(f"{name} has to be a number.")
        if not low <= value <= high:
            raise RefusedError(f"{name} has to be from {low:g} to {high:g}.")
        return value

    def whole(self, name: str, low: int, high: int) -> int | None:
        """A whole number from ``low`` to ``high``; None if it is not given."""
        value = self.number(name, low, high)
        if value is not None and value != int(value):
            raise RefusedError(f"{name} has to be a whole number.")
        return None if value is None else int(value)

    def texts(self, name: str, most: int, longest: int = _LONGEST_NAME) -> list[str]:
        """A list of texts."""
        values = self._parameters.get(name, [])
        if not isinstance(values, list) or len(values) > most:
            raise RefusedError(f"{name} has to be a list of at most {most} texts.")
        if not all(isinstance(value, str) and len(value) <= longest for value in values):
            raise RefusedError(f"{name} has to be a list of texts of at most {longest:,} characters.")
        return list(values)

    def file(self, name: str, most: int) -> bytes:
        """A file of at most ``most`` bytes, which travels in base 64."""
        text = self.text(name, LONGEST_REQUEST)
        if not text:
            raise RefusedError("Which file?")
        return decoded(text, most)

    def part(self, name: str) -> Request | None:
        """Parameters within a parameter; None if there are none."""
        value = self._parameters.get(name)
        if value is None:
            return None
        if not isinstance(value, dict):
            raise RefusedError(f"{name} has to be an object.")
        return Request(self.method, value)

    def hires(self) -> Hires | None:
        """The hires fix; None if nothing is said of it."""
        given = self.part("hires")
        if given is None:
            return None
        return Hires(
            enabled=given.flag("enabled"),
            upscaler=given.text("upscaler", LONGEST_CHOICE),
            scale=given.number("scale", 1, LARGEST_SCALE),
            denoising=given.number("denoising", 0, 1),
        )

    def choice(self, name: str, choices: Collection[str]) -> str:
        """One of some texts."""
        value = self.text(name)
        if value not in choices:
            raise RefusedError(f"{name} has to be one of: {', '.join(sorted(choices))}.")
        return value
