"""Reading the generation parameters that the webui writes into its images and that people paste.

The format is that of ``modules/infotext_utils.py`` of v1.10.1: the prompt, ``Negative prompt:`` and its lines, and a
last line of at least three ``Key: value``, values with commas in quotes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass

from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.sizes.hires import Hires
from lib_kohaku.prompt.sizes.legal import Size

LONGEST_TEXT = 200_000
_FEWEST_PAIRS = 3
_NEGATIVE = "Negative prompt:"
_PAIR = re.compile(r'\s*(\w[\w \-/]+):\s*("(?:\\.|[^\\"])+"|[^,]*)(?:,|$)')
_SIZE = re.compile(r"(\d{1,5})x(\d{1,5})")
_LARGEST_SIDE = 16_384
_MOST_CLIP_SKIP = 12
_LARGEST_SCALE = 8
# The webui writes one of these whenever the hires fix was on.
_HIRES_KEYS = ("Hires upscale", "Hires upscaler", "Hires resize")


@dataclass(frozen=True)
class Infotext:
    """What an infotext says; None and empty where it says nothing."""

    prompt: str
    negative: str
    size: Size | None = None
    cfg: float | None = None
    steps: int | None = None
    sampler: str = ""
    scheduler: str = ""
    clip_skip: int | None = None
    hires: Hires | None = None
    model: str = ""


def looks_like_infotext(text: str) -> bool:
    """Whether a text has a last line of parameters."""
    lines = text.strip().split("\n")
    return len(text) <= LONGEST_TEXT and len(_PAIR.findall(lines[-1])) >= _FEWEST_PAIRS and len(lines) > 1


def read_infotext(text: str) -> Infotext:
    """Take an infotext apart as the host does. A text without parameters is all prompt.

    Raises:
        RefusedError: If it is longer than any that the host writes.
    """
    if len(text) > LONGEST_TEXT:
        raise RefusedError(f"Generation parameters of {len(text):,} characters are not the webui's.")
    lines = text.strip().split("\n")
    pairs: dict[str, str] = {}
    if len(_PAIR.findall(lines[-1])) >= _FEWEST_PAIRS:
        pairs = {key: _unquoted(value.strip()) for key, value in _PAIR.findall(lines.pop())}
    prompt: list[str] = []
    negative: list[str] = []
    target = prompt
    for line in lines:
        if line.strip().startswith(_NEGATIVE):
            target = negative
            line = line.strip().removeprefix(_NEGATIVE)
        target.append(line.strip())
    return Infotext(
        prompt="\n".join(prompt).strip(),
        negative="\n".join(negative).strip(),
        size=_size(pairs.get("Size", "")),
        cfg=_number(pairs, "CFG scale", 100),
        steps=_whole(pairs, "Steps", 1000),
        sampler=pairs.get("Sampler", "")[:100],
        scheduler=pairs.get("Schedule type", "")[:100],
        clip_skip=_clip_skip(pairs) if pairs else None,
        hires=_hires(pairs) if pairs else None,
        model=pairs.get("Model", "")[:200],
    )


def _clip_skip(pairs: Mapping[str, str]) -> int | None:
    """The webui writes it only if it is not 1."""
    return _whole(pairs, "Clip skip", _MOST_CLIP_SKIP) if "Clip skip" in pairs else 1


def _hires(pairs: Mapping[str, str]) -> Hires:
    if not any(key in pairs for key in _HIRES_KEYS):
        return Hires(enabled=False)
    return Hires(
        upscaler=pairs.get("Hires upscaler", "")[:100],
        scale=_number(pairs, "Hires upscale", _LARGEST_SCALE),
        denoising=_number(pairs, "Denoising strength", 1),
    )


def _unquoted(value: str) -> str:
    if len(value) < 2 or not value.startswith('"'):
        return value
    try:
        return str(json.loads(value))
    except ValueError:
        return value


def _size(text: str) -> Size | None:
    match = _SIZE.fullmatch(text)
    if match is None:
        return None
    width, height = int(match.group(1)), int(match.group(2))
    return Size(width, height) if min(width, height) > 0 and max(width, height) <= _LARGEST_SIDE else None


def _number(pairs: Mapping[str, str], key: str, most: float) -> float | None:
    try:
        value = float(pairs.get(key, ""))
    except ValueError:
        return None
    return value if 0 < value <= most else None


def _whole(pairs: Mapping[str, str], key: str, most: int) -> int | None:
    value = _number(pairs, key, most)
    return None if value is None else int(value)
