"""A profile's own words, and its spelling of tag names."""

from __future__ import annotations

from lib_kohaku.prompt.profiles.model import Profile, Rating, Scale, Slot


def own_words(profile: Profile) -> dict[str, Slot]:
    """The words that mean something of their own to a model, as they are written, with their slots.

    Years by template are not listed, since there is no end of them.
    """
    words: dict[str, Slot] = {}
    scales: tuple[tuple[Slot, Scale | None], ...] = (
        (Slot.QUALITY, profile.quality),
        (Slot.AESTHETIC, profile.aesthetic),
        (Slot.SOURCE, profile.source),
    )
    for slot, scale in scales:
        words.update((word.text, slot) for word in (scale.words if scale else ()))
    if profile.rating:
        words.update((word, Slot.RATING) for rating in Rating for word in profile.rating.of(rating))
    if profile.year:
        words.update((word.text, Slot.YEAR) for word in profile.year.words)
    return words


def spell(profile: Profile, name: str) -> str:
    """Write a tag's booru name as the model was trained to read it, not yet escaped for the webui's syntax.

    ``long_hair`` becomes ``long hair`` for most models; ``o_o`` stays, and so do Pony's ``score_9`` and the like.
    """
    rule = profile.names
    if not rule.spaces or len(name) <= rule.keep_up_to or name in rule.keep or name in own_words(profile):
        return name
    return name.replace("_", " ")


def year_word(profile: Profile, year: int) -> str | None:
    """The word for a year, or None if the model has none for it.

    Where two words claim a year (NoobAI's 2014) the older one is taken.
    """
    if profile.year is None:
        return None
    for word in profile.year.words:
        if (word.first is None or word.first <= year) and year <= word.last:
            return word.text
    template = profile.year.template
    if template and (template.first is None or template.first <= year) and year <= template.last:
        return template.text.replace("{year}", str(year))
    return None
