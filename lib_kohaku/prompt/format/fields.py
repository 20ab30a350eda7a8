"""A prompt as a form: one field per kind of tag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields

from lib_kohaku.prompt.format.lookup import TagClass


@dataclass(frozen=True)
class WeightedTag:
    """A tag by its name (``saber_(fate)``, or with spaces) and the weight it is asked for at."""

    name: str
    weight: float = 1.0


@dataclass(frozen=True)
class PromptFields:
    """What a prompt asks for. The names of the fields are those of :class:`TagClass`, in the plural where it helps.

    Attributes:
        networks: Extra networks as they are written: ``<lora:name:0.8>``.
        prose: Natural language, as the model shall read it.
        raw: What no field can hold (schedules, wildcards, several tags under one weight), as it is written.
    """

    counts: tuple[WeightedTag, ...] = ()
    characters: tuple[WeightedTag, ...] = ()
    series: tuple[WeightedTag, ...] = ()
    artists: tuple[WeightedTag, ...] = ()
    general: tuple[WeightedTag, ...] = ()
    meta: tuple[WeightedTag, ...] = ()
    quality: tuple[WeightedTag, ...] = ()
    aesthetic: tuple[WeightedTag, ...] = ()
    rating: tuple[WeightedTag, ...] = ()
    year: tuple[WeightedTag, ...] = ()
    source: tuple[WeightedTag, ...] = ()
    networks: tuple[str, ...] = ()
    prose: tuple[str, ...] = ()
    raw: tuple[str, ...] = ()

    def tags(self, tag_class: TagClass) -> tuple[WeightedTag, ...]:
        """The tags of a class; empty for classes that are not tags."""
        name = FIELD_OF_CLASS.get(tag_class)
        found: tuple[WeightedTag, ...] = getattr(self, name) if name else ()
        return found

    def __iter__(self) -> Iterator[tuple[str, tuple[WeightedTag, ...] | tuple[str, ...]]]:
        """Name and content of each field."""
        return ((field.name, getattr(self, field.name)) for field in fields(self))


FIELD_OF_CLASS = {
    TagClass.COUNT: "counts",
    TagClass.CHARACTER: "characters",
    TagClass.SERIES: "series",
    TagClass.ARTIST: "artists",
    TagClass.GENERAL: "general",
    TagClass.META: "meta",
    TagClass.QUALITY: "quality",
    TagClass.AESTHETIC: "aesthetic",
    TagClass.RATING: "rating",
    TagClass.YEAR: "year",
    TagClass.SOURCE: "source",
}
