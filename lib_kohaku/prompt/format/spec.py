"""How a model wants its prompts: the order, its words, its spelling. Profiles are turned into this."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from lib_kohaku.prompt.format.lookup import TagClass, tag_key

COUNT_WORDS = frozenset(
    [
        *(f"{number}{who}" for who in ("girl", "boy", "other") for number in (1,)),
        *(f"{number}{who}s" for who in ("girl", "boy", "other") for number in ("2", "3", "4", "5", "6+")),
        *(f"multiple_{who}s" for who in ("girl", "boy", "other")),
        "male_focus",
    ]
)


@dataclass(frozen=True)
class ForeignWord:
    """A word that another family of models knows and this one does not.

    Attributes:
        word: As that family writes it.
        tag_class: What it is there; Format puts it where this model has such words.
        family: Who knows it, for the message: ``"Animagine XL 3.0"``.
        replacement: This model's word for the same; None if it has none.
    """

    word: str
    tag_class: TagClass
    family: str
    replacement: str | None = None


@dataclass(frozen=True)
class UnderscoreRule:
    """When a tag's underscores become spaces.

    Attributes:
        to_spaces: Whether they do at all.
        keep_up_to: Names of at most this many characters keep theirs (``^_^``, ``o_o``).
        keep: Longer names that keep theirs too, with underscores.
    """

    to_spaces: bool = True
    keep_up_to: int = 3
    keep: frozenset[str] = frozenset()

    def spell(self, name: str) -> str:
        """A tag's name as the model wants it typed, not yet escaped."""
        if not self.to_spaces or len(name) <= self.keep_up_to or name in self.keep:
            return name
        return name.replace("_", " ")


@dataclass(frozen=True)
class OrderSpec:
    """The format of one model.

    Attributes:
        name: For messages: ``"Kohaku XL Gamma"``.
        slots: The order; each slot holds one or several classes that mix freely. Classes in no slot stay where they
            are, with the tag before them. No slots: the model has no order.
        words: The words of the model by class (QUALITY, AESTHETIC, RATING, YEAR, SOURCE), best or newest first, as the
            model wants them typed. They win over a tag of the same name.
        year_pattern: Regular expression that a whole tag is matched with, for models with ``year 2023``; None if none.
        count_words: Tags that say how many people there are, with underscores.
        rating_sets: Rating words that belong together, such as ``{"explicit", "nsfw"}``.
        foreign_words: Words of other families.
        clear_words: For a word of the model's own that is a tag as well, what to write if the tag is meant:
            ``{"old": ("old woman", "old man")}``.
        underscores: The spelling of tags.
        separator: What stands between two tags when a prompt is composed.
    """

    name: str
    slots: tuple[tuple[TagClass, ...], ...] = ()
    words: Mapping[TagClass, tuple[str, ...]] = field(default_factory=dict)
    year_pattern: str | None = None
    count_words: frozenset[str] = COUNT_WORDS
    rating_sets: tuple[frozenset[str], ...] = ()
    foreign_words: tuple[ForeignWord, ...] = ()
    clear_words: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    underscores: UnderscoreRule = UnderscoreRule()
    separator: str = ", "

    @cached_property
    def word_classes(self) -> dict[str, TagClass]:
        """The model's own words by key."""
        return {tag_key(word): tag_class for tag_class, words in self.words.items() for word in words}

    @cached_property
    def own_words(self) -> dict[str, str]:
        """The model's own words as it wants them typed, by key."""
        return {tag_key(word): word for words in self.words.values() for word in words}

    @cached_property
    def foreign(self) -> dict[str, ForeignWord]:
        """Other families' words by key, without those that this model knows as well."""
        return {tag_key(f.word): f for f in self.foreign_words if tag_key(f.word) not in self.word_classes}

    @cached_property
    def slot_numbers(self) -> dict[TagClass, int]:
        """Position of each class in the order."""
        return {tag_class: number for number, slot in enumerate(self.slots) for tag_class in slot}

    def word_class(self, key: str) -> TagClass | None:
        """The class of a word of the model's own (or of a count), None for every other."""
        if key in self.word_classes:
            return self.word_classes[key]
        if key in self.count_words:
            return TagClass.COUNT
        if self.year_pattern and re.fullmatch(self.year_pattern, key.replace("_", " ")):
            return TagClass.YEAR
        return None

    def spell(self, name: str) -> str:
        """A tag or word as the model wants it typed, not yet escaped."""
        return self.own_words.get(tag_key(name)) or self.underscores.spell(name)
