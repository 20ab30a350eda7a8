"""What a tag can be, and what can be chosen of it. Apart from the rest, so that a page can be built without it."""

from __future__ import annotations

from enum import Enum


class TagClass(str, Enum):
    """What a tag is in a prompt. Profiles order by these."""

    COUNT = "count"
    """How many people: ``1girl``, ``2boys``, ``multiple others``."""
    CHARACTER = "character"
    SERIES = "series"
    ARTIST = "artist"
    GENERAL = "general"
    META = "meta"
    QUALITY = "quality"
    AESTHETIC = "aesthetic"
    RATING = "rating"
    YEAR = "year"
    SOURCE = "source"
    """Where the picture comes from: Pony's ``source_anime``."""
    NETWORK = "network"
    """``<lora:...>`` and its like."""
    PROSE = "prose"
    """Natural language."""
    UNKNOWN = "unknown"


AUTOMATIC = "Automatic"
"""The profile of the loaded checkpoint."""
USUAL = "Usual"
"""What the model's source recommends; where it says nothing the best quality, the safe rating, the newest year."""
LEAVE_OUT = "Leave out"
KINDS = (TagClass.QUALITY, TagClass.RATING, TagClass.YEAR, TagClass.AESTHETIC)
"""The kinds of words that can be chosen."""
