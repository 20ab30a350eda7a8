"""What a user chooses about a model's weights, in one line of text: for settings, infotexts, axes of a grid."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from lib_kohaku.fp8.codecs import E4M3FN, E5M2, Fp8Format, Scaling
from lib_kohaku.fp8.errors import Fp8Error

if TYPE_CHECKING:
    from lib_kohaku.fp8.policy import Policy

_FORMATS = {fmt.name: fmt for fmt in (E4M3FN, E5M2)}
_SCALINGS = {"scaled": True, "plain": False}


class Parts(str, Enum):
    """Which parts of a model are held in fp8."""

    NOTHING = "Off"
    UNET = "UNet"
    UNET_AND_TEXT = "UNet+TE"


@dataclass(frozen=True)
class Fp8Choice:
    """A choice.

    Attributes:
        parts: What is held in fp8.
        fmt: In which format.
        scaled: Whether every weight has a scale; without one small weights are lost.
    """

    parts: Parts = Parts.NOTHING
    fmt: Fp8Format = E4M3FN
    scaled: bool = True

    @property
    def on(self) -> bool:
        """Whether anything is held in fp8."""
        return self.parts is not Parts.NOTHING

    @property
    def text(self) -> str:
        """``Off`` or, say, ``UNet e4m3fn scaled``."""
        if not self.on:
            return self.parts.value
        return f"{self.parts.value} {self.fmt.name} {'scaled' if self.scaled else 'plain'}"

    def policy(self, keep: tuple[str, ...] = ()) -> Policy:
        """The policy that does it.

        Args:
            keep: Patterns of weights that stay as they are.
        """
        from lib_kohaku.fp8.policy import Policy  # not for those who only name a choice: the webui's start

        return Policy(
            fmt=self.fmt,
            scaling=Scaling.TENSOR if self.scaled else Scaling.NONE,
            text_encoders=self.parts is Parts.UNET_AND_TEXT,
            keep=keep,
        )


OFF = Fp8Choice()


def all_choices() -> list[Fp8Choice]:
    """Every choice, ``Off`` first."""
    return [OFF] + [
        Fp8Choice(parts, fmt, scaled)
        for parts in (Parts.UNET, Parts.UNET_AND_TEXT)
        for fmt in _FORMATS.values()
        for scaled in _SCALINGS.values()
    ]


def parse_choice(text: str) -> Fp8Choice:
    """Read a choice, in any case; what is left out is as usual, so ``unet`` and ``UNet+TE e5m2`` will do.

    Raises:
        Fp8Error: If it is none.
    """
    words = text.split()
    parts = {part.value.lower(): part for part in Parts}.get(words[0].lower()) if words else None
    if parts is None or (parts is Parts.NOTHING and len(words) > 1):
        raise Fp8Error(f"{text[:80]!r} is no fp8 setting; try one of: {', '.join(c.text for c in all_choices())}")
    if parts is Parts.NOTHING:
        return OFF
    fmt, scaled = E4M3FN, True
    for word in words[1:]:
        if word.lower() in _FORMATS:
            fmt = _FORMATS[word.lower()]
        elif word.lower() in _SCALINGS:
            scaled = _SCALINGS[word.lower()]
        else:
            raise Fp8Error(f"{word[:40]!r} is no fp8 format; there are e4m3fn and e5m2, scaled and plain")
    return Fp8Choice(parts, fmt, scaled)
