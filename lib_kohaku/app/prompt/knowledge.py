"""What is known while one prompt is worked on: the model's format, the tags, how the host reads prompts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from lib_kohaku.app.prompt.tag_shelf import Shelf
from lib_kohaku.prompt.format import Classifier, OrderSpec, TagClass, TagInfo, TagLookup
from lib_kohaku.prompt.format.classify import is_prose
from lib_kohaku.prompt.profiles.model import Profile
from lib_kohaku.prompt.syntax import Dialect


@dataclass(frozen=True)
class Knowledge:
    """All that the functions of this package need besides the prompt.

    Attributes:
        profile: The model's prompt format as data.
        spec: The same in the form that Format and lint work with.
        shelf: The tags.
        dialect: How the host reads a positive prompt.
    """

    profile: Profile
    spec: OrderSpec
    shelf: Shelf
    dialect: Dialect

    @property
    def negative(self) -> Dialect:
        """How the host reads a negative prompt."""
        return replace(self.dialect, negative=True)

    @property
    def lookup(self) -> TagLookup:
        """The tags for putting a prompt in order. Without a booru's list, words that nobody knows count as general."""
        return self.shelf.lookup if self.shelf.complete else _GuessingLookup(self.shelf.lookup, self.spec)

    @property
    def classifier(self) -> Classifier:
        """Says what each tag of a prompt is."""
        return Classifier(self.spec, self.lookup)


class _GuessingLookup:
    """Most tags are general ones: better a guess than a prompt that cannot be put in order at all."""

    complete = False

    def __init__(self, known: TagLookup, spec: OrderSpec) -> None:
        self._known = known
        self._spec = spec

    def resolve(self, key: str) -> TagInfo | None:
        found = self._known.resolve(key)
        if found or not key or key in self._spec.foreign or is_prose(key.replace("_", " ")):
            return found
        return TagInfo(key, TagClass.GENERAL)

    def similar(self, key: str, limit: int) -> Sequence[str]:
        return self._known.similar(key, limit)
