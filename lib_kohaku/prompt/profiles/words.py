"""How a profile spells tag names and years."""

from __future__ import annotations

from lib_kohaku.prompt.profiles.model import Profile


def spell(profile: Profile, name: str) -> str:
    """Write a tag's booru name as the model was trained to read it, not yet escaped for the webui's syntax.

    ``long_hair`` becomes ``long hair`` for most models; ``o_o`` stays, and so do Pony's ``score_9`` and the like.
    """
    rule = profile.names
    if not rule.spaces or len(name) <= rule.keep_up_to or name in rule.keep or name in profile.own_words:
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
