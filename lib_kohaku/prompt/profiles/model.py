"""What is known of a model's prompts. Every section carries its evidence, so that nothing is passed off as known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cached_property
from types import MappingProxyType


class Slot(str, Enum):
    """The parts of a prompt that a model was trained to see in some order."""

    COUNTS = "counts"
    CHARACTERS = "characters"
    COPYRIGHTS = "copyrights"
    ARTISTS = "artists"
    GENERAL = "general"
    NATURAL = "natural"
    META = "meta"
    QUALITY = "quality"
    AESTHETIC = "aesthetic"
    RATING = "rating"
    YEAR = "year"
    SOURCE = "source"


class Rating(str, Enum):
    """Danbooru's ratings."""

    GENERAL = "general"
    SENSITIVE = "sensitive"
    QUESTIONABLE = "questionable"
    EXPLICIT = "explicit"


class Mark(str, Enum):
    """How a fact is known."""

    CARD = "card"
    """The model's card, its authors' article or paper."""
    CODE = "code"
    """Read in source code."""
    INFERRED = "inferred"
    """Follows from such facts, but nobody states it."""
    SECOND_HAND = "second_hand"
    """Somebody quotes it; the original was not seen."""
    UNVERIFIED = "unverified"
    """Not confirmed by any source."""
    OURS = "ours"
    """Our own choice where the sources are silent."""


_SOLID = frozenset({Mark.CARD, Mark.CODE})


@dataclass(frozen=True)
class Evidence:
    """Where a fact comes from."""

    mark: Mark
    source: str
    note: str = ""


def is_verified(evidence: tuple[Evidence, ...]) -> bool:
    """Whether all of it was seen on a card, in a paper or in code."""
    return all(item.mark in _SOLID for item in evidence)


@dataclass(frozen=True)
class Order:
    """The order of the slots, left to right.

    Attributes:
        slots: Every slot that the model knows, in order.
        fixed: Those whose place the source states; the others carry little or stand where we chose.
    """

    slots: tuple[Slot, ...]
    fixed: frozenset[Slot]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class NameRule:
    """How tag names are spelt.

    Attributes:
        spaces: Whether underscores become blanks.
        keep_up_to: Names of at most this many characters stay as they are (``o_o``, ``^_^``).
        keep: Further names that stay as they are.
    """

    spaces: bool
    keep_up_to: int
    keep: frozenset[str]
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Word:
    """One word of a scale: used for values strictly above ``above``, or below all others if that is None."""

    text: str
    above: float | None


@dataclass(frozen=True)
class Measure:
    """How a post's number becomes a place on the scale.

    Attributes:
        field: ``score`` or ``fav_count``.
        table: The percentile table of ``captions``, or ``absolute`` if the cut points are numbers of that field.
        skip_ids_above: Posts with larger ids are too young to have votes; None for no such limit.
    """

    field: str
    table: str
    skip_ids_above: int | None


@dataclass(frozen=True)
class Scale:
    """Words for better and worse, best first.

    Attributes:
        words: The words.
        ladder: Whether all of them are used at once (Pony's scores).
        measure: How to choose for a post; None if that is not published or cannot be worked out from one post.
    """

    words: tuple[Word, ...]
    ladder: bool
    measure: Measure | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class RatingWords:
    """The words of each rating; none if the model has none for it."""

    general: tuple[str, ...]
    sensitive: tuple[str, ...]
    questionable: tuple[str, ...]
    explicit: tuple[str, ...]
    evidence: tuple[Evidence, ...]

    def of(self, rating: Rating) -> tuple[str, ...]:
        """The words of one rating."""
        words: tuple[str, ...] = getattr(self, rating.value)
        return words


@dataclass(frozen=True)
class YearWord:
    """A word for the years ``first`` (None: any earlier one) to ``last``, both included."""

    text: str
    first: int | None
    last: int


@dataclass(frozen=True)
class YearWords:
    """Words for years, oldest first, or a template such as ``year {year}`` for the years from ``first`` to ``last``."""

    words: tuple[YearWord, ...]
    template: YearWord | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class PromptAdvice:
    """A text that the source recommends; ``place`` is ``first``, ``last`` or, for negatives, empty."""

    text: str
    place: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Span:
    """A range with an optional best value; None where an end is open."""

    min: float | None
    max: float | None
    best: float | None = None


@dataclass(frozen=True)
class Settings:
    """Sampling advice.

    Attributes:
        cfg: Guidance scale; None if not stated.
        steps: Sampling steps; None if not stated.
        any_sampler: Whether the source says that any sampler will do.
        samplers: Samplers that the source names.
        clip_skip: None if not stated.
    """

    cfg: Span | None
    steps: Span | None
    any_sampler: bool
    samplers: tuple[str, ...]
    clip_skip: int | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class SizeRule:
    """Image sizes.

    Attributes:
        kind: ``table`` (exactly the buckets), ``range`` (any size with that many pixels; the buckets are named as
            examples), ``about`` (around that many pixels) or ``example`` (a size in use, no rule).
        buckets: Sizes as (width, height) in pixels.
        pixels: Pixels of the whole image, both ends included; None for ``table`` and ``example``.
        best: The size that the source prefers.
    """

    kind: str
    buckets: tuple[tuple[int, int], ...]
    pixels: tuple[int, int] | None
    best: tuple[int, int] | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class UpscaleAdvice:
    """Upscalers for the hires fix, best first, and what they help against."""

    upscalers: tuple[str, ...]
    against: str
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class MatchRule:
    """By what a checkpoint is known to be of this profile.

    Attributes:
        autov2: First ten digits of the file's sha256, upper case.
        names: Parts of names, reduced to lower-case letters and digits; the longest one found decides.
        hints: The same for names that only tell of a relative.
    """

    autov2: tuple[str, ...]
    names: tuple[str, ...]
    hints: tuple[str, ...]


@dataclass(frozen=True)
class Profile:
    """A model's prompt format. Sections are None where nothing is known."""

    id: str
    name: str
    family: str
    match: MatchRule
    order: Order
    names: NameRule
    quality: Scale | None
    aesthetic: Scale | None
    source: Scale | None
    rating: RatingWords | None
    year: YearWords | None
    positive: tuple[PromptAdvice, ...]
    negative: tuple[PromptAdvice, ...]
    settings: Settings | None
    sizes: SizeRule | None
    upscale: UpscaleAdvice | None
    caption_separator: str | None
    notes: tuple[str, ...]

    @cached_property
    def own_words(self) -> Mapping[str, Slot]:
        """The words that mean something of their own to the model, as they are written, with their slots.

        Years by template are not among them, since there is no end of them.
        """
        words: dict[str, Slot] = {}
        scales = {Slot.QUALITY: self.quality, Slot.AESTHETIC: self.aesthetic, Slot.SOURCE: self.source}
        for slot, scale in scales.items():
            words.update((word.text, slot) for word in (scale.words if scale else ()))
        if self.rating:
            words.update((word, Slot.RATING) for rating in Rating for word in self.rating.of(rating))
        if self.year:
            words.update((word.text, Slot.YEAR) for word in self.year.words)
        return MappingProxyType(words)
