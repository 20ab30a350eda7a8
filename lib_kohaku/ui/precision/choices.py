"""What the precision page offers, and what it means. Stable plain English: it is translated in the browser."""

from __future__ import annotations

from typing import Any, TypeVar

from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.choice import Fp8Choice, Parts, all_choices
from lib_kohaku.fp8.codecs import E4M3FN, E5M2
from lib_kohaku.fp8.files.profile import Profile

PARTS = {
    "Off: as in the file": Parts.NOTHING,
    "UNet: saves most": Parts.UNET,
    "UNet and text encoders: saves a little more": Parts.UNET_AND_TEXT,
}
PARTS_ON = {label: parts for label, parts in PARTS.items() if parts is not Parts.NOTHING}
FORMATS = {"e4m3fn: more exact": E4M3FN, "e5m2: wider range, less exact": E5M2}
SCALES = {"scaled: small weights survive": True, "plain: as other tools do it": False}
PROFILES = {
    "This extension: smallest and most exact": Profile.WEBUI,
    "ComfyUI: its own markers": Profile.COMFYUI,
    "Any program: no scales, small weights are lost": Profile.PLAIN,
}
EXPANSIONS = {
    "Back to 16 bit (fp16)": "F16",
    "Back to 16 bit (bf16)": "BF16",
    "Back to 32 bit (fp32)": "F32",
}
USUAL = Fp8Choice(Parts.UNET)
WAYS = [choice.text for choice in all_choices()]
WAYS_ON = [choice.text for choice in all_choices() if choice.on]

T = TypeVar("T")


def label_of(table: dict[str, T], value: T) -> str:
    """What a value is called on the page."""
    return next(label for label, known in table.items() if known == value)


def value_of(table: dict[str, T], label: Any) -> T:
    """What a label means.

    Raises:
        RefusedError: If there is no such label: it did not come from our page.
    """
    if not isinstance(label, str) or label not in table:
        raise RefusedError(f"{str(label)[:60]!r} is not among the choices.")
    return table[label]


def chosen(parts: Any, fmt: Any, scales: Any) -> Fp8Choice:
    """The choice that three fields make.

    Raises:
        RefusedError: If one of them holds something else than its labels.
    """
    return Fp8Choice(value_of(PARTS, parts), value_of(FORMATS, fmt), value_of(SCALES, scales))


def fields_of(choice: Fp8Choice) -> tuple[str, str, str]:
    """The three fields that make a choice."""
    return label_of(PARTS, choice.parts), label_of(FORMATS, choice.fmt), label_of(SCALES, choice.scaled)
