"""What is known while one prompt is worked on: the model's format, the tags, how the host reads prompts."""

from __future__ import annotations

from dataclasses import dataclass, replace

from lib_kohaku.app.prompt.tag_shelf import Shelf
from lib_kohaku.prompt.format import Classifier, OrderSpec
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
    def classifier(self) -> Classifier:
        """Says what each tag of a prompt is."""
        return Classifier(self.spec, self.shelf.lookup)
