"""Named lists of block weights: ``data/block_presets.json``."""

from __future__ import annotations

import difflib
import json
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from importlib.resources import files

from lib_kohaku.errors import RefusedError


@dataclass(frozen=True)
class BlockPreset:
    """A named list.

    Attributes:
        name: How formulas name it.
        description: What it does, for an artist.
        values: 20 or 26 weights in list order.
    """

    name: str
    description: str
    values: tuple[Fraction, ...]


@cache
def block_presets() -> dict[str, BlockPreset]:
    """All presets by name."""
    text = (files("lib_kohaku.merge") / "data" / "block_presets.json").read_text("utf-8")
    return {
        entry["name"]: BlockPreset(
            entry["name"], entry["description"], tuple(Fraction(value) for value in entry["values"].split(","))
        )
        for entry in json.loads(text)["presets"]
    }


def block_preset(name: str) -> BlockPreset:
    """The preset of that name, letters in any case.

    Raises:
        RefusedError: If there is none.
    """
    presets = {known.lower(): preset for known, preset in block_presets().items()}
    found = presets.get(name.strip().lower())
    if found is None:
        close = difflib.get_close_matches(name.lower(), presets, n=1)
        hint = f"; did you mean {presets[close[0]].name}?" if close else f"; there are {', '.join(block_presets())}"
        raise RefusedError(f"there is no block preset {name!r}{hint}")
    return found
