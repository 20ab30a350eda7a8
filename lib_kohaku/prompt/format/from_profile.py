"""A profile as a format: its order and words, and those of the other profiles as words to warn of."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from lib_kohaku.prompt.format.lookup import TagClass, tag_key
from lib_kohaku.prompt.format.spec import ForeignWord, OrderSpec, UnderscoreRule
from lib_kohaku.prompt.profiles.model import Profile, Rating, Scale, Slot, YearWord

_CLASS_OF_SLOT = {
    Slot.COUNTS: TagClass.COUNT,
    Slot.CHARACTERS: TagClass.CHARACTER,
    Slot.COPYRIGHTS: TagClass.SERIES,
    Slot.ARTISTS: TagClass.ARTIST,
    Slot.GENERAL: TagClass.GENERAL,
    Slot.NATURAL: TagClass.PROSE,
    Slot.META: TagClass.META,
    Slot.QUALITY: TagClass.QUALITY,
    Slot.AESTHETIC: TagClass.AESTHETIC,
    Slot.RATING: TagClass.RATING,
    Slot.YEAR: TagClass.YEAR,
    Slot.SOURCE: TagClass.SOURCE,
}
# Danbooru's tag `old` is about elderly people, and these say so without being a year.
_CLEAR_WORDS = {"old": ("old woman", "old man")}


def order_spec(profile: Profile, others: Iterable[Profile] = ()) -> OrderSpec:
    """What Format and lint need of a profile.

    Args:
        profile: The model's.
        others: Profiles whose words are foreign to it; the profile itself may be among them.
    """
    words: dict[TagClass, list[str]] = {}
    for word, slot in profile.own_words.items():
        words.setdefault(_CLASS_OF_SLOT[slot], []).append(word)
    ratings = [frozenset(profile.rating.of(rating)) for rating in Rating] if profile.rating else []
    return OrderSpec(
        name=profile.name,
        slots=tuple((_CLASS_OF_SLOT[slot],) for slot in profile.order.slots),
        words={tag_class: tuple(found) for tag_class, found in words.items()},
        year_pattern=_year_pattern(profile),
        rating_sets=tuple(dict.fromkeys(words for words in ratings if len(words) > 1)),
        foreign_words=tuple(_foreign_words(profile, others)),
        clear_words={word: clear for word, clear in _CLEAR_WORDS.items() if word in profile.own_words},
        underscores=UnderscoreRule(profile.names.spaces, profile.names.keep_up_to, profile.names.keep),
    )


def _year_pattern(profile: Profile) -> str | None:
    template = profile.year.template if profile.year else None
    return re.escape(template.text).replace(re.escape("{year}"), r"\d{4}") if template else None


def _foreign_words(profile: Profile, others: Iterable[Profile]) -> Iterator[ForeignWord]:
    seen = {tag_key(word) for word in profile.own_words}
    for other in others:
        for word, slot in other.own_words.items():
            if tag_key(word) not in seen:
                seen.add(tag_key(word))
                yield ForeignWord(word, _CLASS_OF_SLOT[slot], other.name, _counterpart(word, slot, other, profile))


def _counterpart(word: str, slot: Slot, theirs: Profile, ours: Profile) -> str | None:
    """Our word for the same, as far as the scales can be laid side by side."""
    if slot is Slot.RATING and theirs.rating and ours.rating:
        same = [ours.rating.of(rating) for rating in Rating if word in theirs.rating.of(rating)]
        return same[0][0] if same and same[0] else None
    if slot is Slot.YEAR and theirs.year and ours.year:
        years = next(year for year in theirs.year.words if year.text == word)
        return _same_years(years, ours.year.words)
    scales = {Slot.QUALITY: (theirs.quality, ours.quality), Slot.AESTHETIC: (theirs.aesthetic, ours.aesthetic)}
    return _same_rank(word, *scales.get(slot, (None, None)))


def _same_rank(word: str, theirs: Scale | None, ours: Scale | None) -> str | None:
    """The word as far down our scale; none where either is a ladder, of which all words are used at once."""
    if theirs is None or ours is None or theirs.ladder or ours.ladder or not ours.words:
        return None
    rank = [item.text for item in theirs.words].index(word)
    share = rank / max(1, len(theirs.words) - 1)
    return ours.words[round(share * (len(ours.words) - 1))].text


def _same_years(years: YearWord, ours: Sequence[YearWord]) -> str | None:
    """The word that shares the most years, the earlier one of two that share as many."""
    best = max(ours, key=lambda word: _shared(years, word), default=None)
    return best.text if best is not None and _shared(years, best) > 0 else None


def _shared(a: YearWord, b: YearWord) -> int:
    # An open beginning is as old as the oldest booru.
    first = max(a.first or 2005, b.first or 2005)
    return min(a.last, b.last) - first + 1
