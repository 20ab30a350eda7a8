"""From a post to a caption, by the rules of HakuBooru, in the order of any profile."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lib_kohaku.prompt.captions.post import Post
from lib_kohaku.prompt.captions.quality import quality_word
from lib_kohaku.prompt.profiles.model import Profile, Slot
from lib_kohaku.prompt.profiles.words import spell, year_word
from lib_kohaku.prompt.syntax import escape, reason_unwritable
from lib_kohaku.prompt.tags.vocabulary import count_tags

_RULES_FILE = Path(__file__).parent / "data" / "rules.json"
_KEPT = (Slot.COUNTS, Slot.CHARACTERS, Slot.COPYRIGHTS, Slot.ARTISTS)
_OWN_WORDS = frozenset({Slot.QUALITY, Slot.AESTHETIC, Slot.RATING, Slot.YEAR, Slot.SOURCE})


@dataclass(frozen=True)
class Caption:
    """A caption in parts.

    Attributes:
        parts: The slots that hold something, in order, each with its items: tags as the profile spells them, or the
            profile's own words. Nothing is escaped.
        separator: What parts the fixed half from the shuffled one in training captions; None if there is no such.
        notes: What the person may want to know, such as why there is no quality word.
    """

    parts: tuple[tuple[Slot, tuple[str, ...]], ...]
    separator: str | None
    notes: tuple[str, ...] = ()

    def text(self) -> str:
        """The training caption: ``1girl, saber (fate), |||long hair, newest, safe, masterpiece``."""
        kept = [item for slot, items in self.parts if slot in _KEPT for item in items]
        free = [item for slot, items in self.parts if slot not in _KEPT for item in items]
        if self.separator is None:
            return ", ".join(item for _, items in self.parts for item in items)
        # HakuBooru puts a comma and a blank before the separator and nothing after it.
        return "".join(f"{item}, " for item in kept) + self.separator + ", ".join(free)

    def prompt(self) -> str:
        """The caption as a prompt, in which the webui's parser reads every tag as it is.

        Tags that no prompt can hold (their names have a ``#``, which begins a comment) are left out.
        """
        items = [item for slot, items in self.parts for item in _written(slot, items)]
        return ", ".join(items)


def build_caption(post: Post, profile: Profile) -> Caption:
    """Caption a post for a profile.

    Raises:
        RefusedError: If an own profile asks for a percentile that there is no table for.
    """
    drop_meta, drop_artists = _rules()
    counted = frozenset(count_tags())
    quality, why_not = quality_word(profile, post)
    year = year_word(profile, post.year) if post.year is not None else None
    rating = profile.rating.of(post.rating) if profile.rating and post.rating else ()
    tags = {
        Slot.COUNTS: tuple(name for name in post.general if name in counted),
        Slot.CHARACTERS: post.characters,
        Slot.COPYRIGHTS: post.copyrights,
        Slot.ARTISTS: tuple(name for name in post.artists if not _holds(name, drop_artists)),
        Slot.GENERAL: tuple(name for name in post.general if name not in counted),
        Slot.META: tuple(name for name in post.meta if not _holds(name, drop_meta)),
    }
    parts = {slot: tuple(spell(profile, name) for name in names) for slot, names in tags.items()}
    parts[Slot.YEAR] = (year,) if year else ()
    parts[Slot.RATING] = rating
    parts[Slot.QUALITY] = (quality,) if quality else ()
    separator = profile.caption_separator if profile.order.slots[: len(_KEPT)] == _KEPT else None
    if separator is not None:  # a tag that holds the separator would part the caption at the wrong place
        parts = {slot: tuple(item for item in items if separator not in item) for slot, items in parts.items()}
    ordered = tuple((slot, parts[slot]) for slot in profile.order.slots if parts.get(slot))
    return Caption(ordered, separator, _notes(post, profile, why_not, year))


def _written(slot: Slot, items: tuple[str, ...]) -> Iterator[str]:
    for item in items:
        if slot in _OWN_WORDS:
            yield item
        elif reason_unwritable(item) is None:
            yield escape(item)


def _notes(post: Post, profile: Profile, why_not: str, year: str | None) -> tuple[str, ...]:
    notes = [why_not] if why_not else []
    if profile.year and year is None:
        reason = "the post has no readable date" if post.year is None else f"there is none for {post.year}"
        notes.append(f"No year word: {reason}.")
    both = [name for name in post.general if name in profile.own_words]
    notes += [f"The tag {name!r} is also {profile.name}'s word for {profile.own_words[name].value}." for name in both]
    names = (*post.characters, *post.copyrights, *post.artists, *post.general, *post.meta)
    left_out = ((name, reason_unwritable(name)) for name in names)
    notes += [f"The prompt lacks {spell(profile, name)!r}: {reason}." for name, reason in left_out if reason]
    return tuple(notes)


def _holds(name: str, parts: tuple[str, ...]) -> bool:
    return any(part in name for part in parts)


@lru_cache(maxsize=1)
def _rules() -> tuple[tuple[str, ...], tuple[str, ...]]:
    rules = json.loads(_RULES_FILE.read_text(encoding="utf-8"))
    return tuple(rules["drop_meta_with"]), tuple(rules["drop_artists_with"])
