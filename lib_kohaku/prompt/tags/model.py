"""What a tag is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple


class Category(str, Enum):
    """What kind of thing a tag names. The order is the storage order of the index and must only grow at the end."""

    GENERAL = "general"
    ARTIST = "artist"
    COPYRIGHT = "copyright"
    CHARACTER = "character"
    META = "meta"
    SPECIES = "species"
    LORE = "lore"
    RATING = "rating"
    PROFILE = "profile"
    """A word of a model's own (quality, rating, year), which is no tag of a booru."""
    UNKNOWN = "unknown"


CATEGORIES: tuple[Category, ...] = tuple(Category)


class Tag(NamedTuple):
    """One tag.

    A named tuple and not a dataclass: a list makes 140,000 of them at once, and these take a fifth of the time.

    Attributes:
        name: In booru form: lower case, underscores.
        category: What it names.
        posts: Number of posts that have it; 0 when the list does not tell.
        aliases: Other names that people type for it, in the same form.
        profile_word: Whether a model profile uses the same word with a meaning of its own (``old`` is a tag for
            elderly people and, to Kohaku models, a year).
    """

    name: str
    category: Category = Category.UNKNOWN
    posts: int = 0
    aliases: tuple[str, ...] = ()
    profile_word: bool = False


@dataclass(frozen=True)
class TagList:
    """The tags of one file.

    Attributes:
        tags: In the file's order.
        layout: Which layout the file was found to have, in words.
        numbering: Whose category numbers it uses.
    """

    tags: tuple[Tag, ...]
    layout: str
    numbering: str


def normalise(name: str) -> str:
    """The form in which names are stored and compared: ``" Long hair"`` becomes ``long_hair``.

    Lower case loses nothing: CLIP reads text in lower case.
    """
    return "_".join(name.split()).lower()
