"""What this package needs to know about tags, and nothing more; the tag index adapts to it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from lib_kohaku.prompt.kinds import TagClass as TagClass


@dataclass(frozen=True)
class TagInfo:
    """What a tag list says about a tag.

    Attributes:
        name: The tag itself, lower case with underscores, even if it was asked for by an alias.
        tag_class: GENERAL, ARTIST, SERIES, CHARACTER or META.
        count: Posts that have it; 0 if the list does not say.
        implies: Names of the tags that it implies directly; those imply others in turn.
    """

    name: str
    tag_class: TagClass
    count: int = 0
    implies: tuple[str, ...] = ()


class TagLookup(Protocol):
    """A tag list, asked by :func:`tag_key`. Answers in microseconds: it is asked for every word of a prompt."""

    @property
    def complete(self) -> bool:
        """Whether a word that it does not have is most likely no tag; False for a small vocabulary."""

    def resolve(self, key: str) -> TagInfo | None:
        """The tag of this name, or the tag that this is an alias of."""

    def similar(self, key: str, limit: int) -> Sequence[str]:
        """Names of tags that may have been meant by an unknown word, best first; empty if none come close."""


class NoTags:
    """A tag list that knows nothing."""

    complete = False

    def resolve(self, key: str) -> TagInfo | None:
        """None."""
        return None

    def similar(self, key: str, limit: int) -> Sequence[str]:
        """Nothing."""
        return ()


def tag_key(text: str) -> str:
    """The form that tags are compared in: lower case, underscores for blanks.

    >>> tag_key(" Saber  (Fate)")
    'saber_(fate)'
    """
    return "_".join(text.lower().split())
