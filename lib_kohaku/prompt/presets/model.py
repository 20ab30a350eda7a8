"""What a preset is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from lib_kohaku.prompt.profiles.model import Profile, Slot
from lib_kohaku.prompt.sizes.hires import Hires
from lib_kohaku.prompt.sizes.legal import Size


@dataclass(frozen=True)
class PromptParts:
    """A prompt taken apart by slot. Every item is a piece of prompt text as the webui reads it, already escaped.

    An item is usually one tag, but can be a weighted group, a sentence, or the whole text of an imported style.
    """

    counts: tuple[str, ...] = ()
    characters: tuple[str, ...] = ()
    copyrights: tuple[str, ...] = ()
    artists: tuple[str, ...] = ()
    general: tuple[str, ...] = ()
    natural: tuple[str, ...] = ()
    meta: tuple[str, ...] = ()
    quality: tuple[str, ...] = ()
    aesthetic: tuple[str, ...] = ()
    rating: tuple[str, ...] = ()
    year: tuple[str, ...] = ()
    source: tuple[str, ...] = ()
    networks: tuple[str, ...] = ()
    """Extra networks, ``<lora:name:1>``; they stand at the end, since their place means nothing."""

    def of(self, slot: Slot) -> tuple[str, ...]:
        """The items of one slot."""
        items: tuple[str, ...] = getattr(self, slot.value)
        return items

    def items(self) -> Iterator[str]:
        """All items, slot by slot."""
        for slot in Slot:
            yield from self.of(slot)
        yield from self.networks


@dataclass(frozen=True)
class Preset:
    """A preset. None and empty texts mean: leave what is set.

    Attributes:
        name: What it is called; any text of one line.
        description: What it is for.
        parts: The prompt.
        negative: The negative prompt.
        size: Image size in pixels.
        cfg: Guidance scale.
        steps: Sampling steps.
        sampler: Name of the sampler.
        profile: Id of the profile that it was made for.
        thumbnail: File name of a picture beside the preset's file.
        scheduler: Name of the schedule type.
        clip_skip: As the host counts it; 1 is no skipping.
        hires: The hires fix.
    """

    name: str
    description: str = ""
    parts: PromptParts = field(default_factory=PromptParts)
    negative: str = ""
    size: Size | None = None
    cfg: float | None = None
    steps: int | None = None
    sampler: str = ""
    profile: str = ""
    thumbnail: str = ""
    scheduler: str = ""
    clip_skip: int | None = None
    hires: Hires | None = None


def preset_text(preset: Preset, profile: Profile | None) -> str:
    """The preset's prompt in a profile's order, or in the order of :class:`Slot` without one.

    Slots that the profile does not know follow after those that it does, so that nothing is lost.
    """
    known = profile.order.slots if profile else ()
    slots = [*known, *(slot for slot in Slot if slot not in known)]
    items = [item for slot in slots for item in preset.parts.of(slot)]
    return ", ".join([*items, *preset.parts.networks])
