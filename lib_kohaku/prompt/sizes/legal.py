"""Which image sizes a model was trained on, and the nearest of them to a wish.

"Aspect ratio bucketing" (ARB) trains on sizes of nearly equal area in steps of some pixels. Cards give the area or a
table; where they give an area, the steps and the longest sides below are ours (the usual 64 of SDXL trainers).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.profiles.model import Profile

STEP = 64
SHORTEST_SIDE = 512
LONGEST_SIDE = 2048
USUAL_PIXELS = 1024 * 1024
"""The area that SDXL and most of its descendants were trained on."""
_AROUND = 0.10
# How much being off in area counts against being off in ratio; both are measured as logarithms.
_AREA_WEIGHT = 0.1


class Size(NamedTuple):
    """A size in pixels."""

    width: int
    height: int

    @property
    def pixels(self) -> int:
        """Pixels of the whole image."""
        return self.width * self.height


class Basis(str, Enum):
    """What the sizes rest on."""

    TABLE = "table"
    """The source lists them."""
    RANGE = "range"
    """The source gives the range of pixels."""
    ABOUT = "about"
    """The source says about how many pixels; we allow 10 % either way."""
    GENERIC = "generic"
    """The source says nothing; sizes of about 1024 x 1024 pixels, as SDXL."""


@dataclass(frozen=True)
class LegalSizes:
    """The sizes that suit a profile.

    Attributes:
        sizes: By rising width.
        basis: What they rest on.
        pixels: Fewest and most pixels.
        usual: Area in pixels to aim at when only a ratio is wanted.
    """

    sizes: tuple[Size, ...]
    basis: Basis
    pixels: tuple[int, int]
    usual: int

    def allows(self, width: int, height: int) -> bool:
        """Whether a size is one of them."""
        return Size(width, height) in self.sizes


def legal_sizes(profile: Profile | None) -> LegalSizes:
    """The sizes of a profile; generic ones for None and for profiles that say nothing."""
    rule = profile.sizes if profile else None
    if rule and rule.kind == "table":
        sizes = tuple(sorted(Size(*bucket) for bucket in rule.buckets))
        areas = [size.pixels for size in sizes]
        usual = Size(*rule.best).pixels if rule.best else min(max(areas), USUAL_PIXELS)
        return LegalSizes(sizes, Basis.TABLE, (min(areas), max(areas)), usual)
    if rule and rule.kind == "range" and rule.pixels:
        low, high = rule.pixels
        sizes = _grid(low, high, rule.buckets)
        return LegalSizes(sizes, Basis.RANGE, rule.pixels, min(max(low, USUAL_PIXELS), high))
    centre = (rule.pixels[0] + rule.pixels[1]) // 2 if rule and rule.pixels else USUAL_PIXELS
    low, high = math.ceil(centre * (1 - _AROUND)), math.floor(centre * (1 + _AROUND))
    basis = Basis.ABOUT if rule and rule.kind == "about" else Basis.GENERIC
    return LegalSizes(_grid(low, high, rule.buckets if rule else ()), basis, (low, high), centre)


def nearest_for_ratio(legal: LegalSizes, across: float, down: float) -> Size:
    """The size whose aspect ratio is nearest to ``across : down``, near the usual area.

    Raises:
        RefusedError: If the ratio is not made of two positive numbers.
    """
    return _nearest(legal, across, down, legal.usual)


def nearest_to(legal: LegalSizes, width: float, height: float) -> Size:
    """The size nearest to a wanted one: first in aspect ratio, then in area.

    Raises:
        RefusedError: If width or height is not positive.
    """
    return _nearest(legal, width, height, width * height)


def _nearest(legal: LegalSizes, across: float, down: float, pixels: float) -> Size:
    if not (math.isfinite(across) and math.isfinite(down) and across > 0 and down > 0):
        raise RefusedError("Width and height have to be positive numbers.")

    def distance(size: Size) -> float:
        ratio = abs(math.log(size.width / size.height) - math.log(across) + math.log(down))
        return ratio + _AREA_WEIGHT * abs(math.log(size.pixels) - math.log(pixels))

    return min(legal.sizes, key=distance)


def _grid(low: int, high: int, named: tuple[tuple[int, int], ...]) -> tuple[Size, ...]:
    """All sizes in steps of 64 with that many pixels, and those that the source names."""
    sides = range(SHORTEST_SIDE, LONGEST_SIDE + 1, STEP)
    grid = {Size(width, height) for width in sides for height in sides if low <= width * height <= high}
    grid.update(Size(*bucket) for bucket in named)
    if not grid:  # an own profile with a narrow range of its own
        side = max(STEP, round(math.sqrt((low + high) / 2) / STEP) * STEP)
        grid.add(Size(side, side))
    return tuple(sorted(grid))
