"""The words of a model's own (quality, rating, year, ...) as something to choose from."""

from __future__ import annotations

from dataclasses import dataclass

from lib_kohaku.prompt.format.lookup import TagClass, tag_key
from lib_kohaku.prompt.profiles.model import Profile, PromptAdvice, Rating, Scale

PICKED = (TagClass.QUALITY, TagClass.AESTHETIC, TagClass.RATING, TagClass.YEAR, TagClass.SOURCE)
_FIRST_YEAR_SHOWN = 5


@dataclass(frozen=True)
class Option:
    """One choice of a picker.

    Attributes:
        words: What it writes; Pony's ladder and ``explicit, nsfw`` are several words.
        hint: What it stands for, in plain words.
    """

    words: tuple[str, ...]
    hint: str

    @property
    def label(self) -> str:
        """What its button says."""
        return ", ".join(self.words) if len(self.words) < 3 else f"{self.words[0]} ... {self.words[-1]}"


@dataclass(frozen=True)
class Picker:
    """The words of one kind that a model knows, best or newest first.

    Attributes:
        tag_class: Their kind.
        options: The choices.
        usual: What to offer when the prompt has none: the source's advice, else the best quality, the newest year and
            the rating for everybody, as far as the model has words for them.
    """

    tag_class: TagClass
    options: tuple[Option, ...]
    usual: tuple[str, ...]


def pickers(profile: Profile) -> tuple[Picker, ...]:
    """The pickers of a profile; kinds that the model has no words for are left out."""
    found = (
        Picker(TagClass.QUALITY, _scale(profile.quality), _usual(profile, TagClass.QUALITY)),
        Picker(TagClass.AESTHETIC, _scale(profile.aesthetic), _usual(profile, TagClass.AESTHETIC)),
        Picker(TagClass.RATING, _ratings(profile), _usual(profile, TagClass.RATING)),
        Picker(TagClass.YEAR, _years(profile), _usual(profile, TagClass.YEAR)),
        Picker(TagClass.SOURCE, _scale(profile.source), ()),
    )
    return tuple(picker for picker in found if picker.options)


def picker_of(profile: Profile, tag_class: TagClass) -> Picker | None:
    """The picker of one kind, None if the model has no words for it."""
    return next((picker for picker in pickers(profile) if picker.tag_class is tag_class), None)


def _scale(scale: Scale | None) -> tuple[Option, ...]:
    if scale is None:
        return ()
    words = [word.text for word in scale.words]
    if not scale.ladder:
        return tuple(Option((word,), "") for word in words)
    ladders = [words[: size + 1] for size in reversed(range(len(words)))]
    return tuple(Option(tuple(ladder), "The model wants its scores together, best first.") for ladder in ladders)


def _ratings(profile: Profile) -> tuple[Option, ...]:
    if profile.rating is None:
        return ()
    meanings: dict[tuple[str, ...], list[str]] = {}
    for rating in Rating:
        if profile.rating.of(rating):
            meanings.setdefault(profile.rating.of(rating), []).append(rating.value)
    return tuple(Option(words, f"Danbooru's rating {' or '.join(names)}") for words, names in meanings.items())


def _years(profile: Profile) -> tuple[Option, ...]:
    if profile.year is None:
        return ()
    options = [
        Option((word.text,), f"{word.first} to {word.last}" if word.first else f"to {word.last}")
        for word in reversed(profile.year.words)
    ]
    template = profile.year.template
    if template:
        shown = range(template.last, template.last - _FIRST_YEAR_SHOWN, -1)
        options += [Option((template.text.replace("{year}", str(year)),), "") for year in shown]
    return tuple(options)


def _usual(profile: Profile, tag_class: TagClass) -> tuple[str, ...]:
    """What the source recommends of this kind; where it recommends nothing, the best quality, safe, the newest."""
    advised = [word for advice in profile.positive for word in _advised(advice, profile, tag_class)]
    if advised or any(advice.text for advice in profile.positive):
        return tuple(dict.fromkeys(advised)) or (_first(profile, tag_class) if tag_class is TagClass.RATING else ())
    return _first(profile, tag_class)


def _first(profile: Profile, tag_class: TagClass) -> tuple[str, ...]:
    if tag_class is TagClass.RATING:  # a model without a word for the tame ones is not to be pushed the other way
        return profile.rating.of(Rating.GENERAL) if profile.rating else ()
    options = {TagClass.QUALITY: _scale(profile.quality), TagClass.YEAR: _years(profile)}
    return next((option.words for option in options.get(tag_class, ())), ())


def _advised(advice: PromptAdvice, profile: Profile, tag_class: TagClass) -> list[str]:
    own = {tag_key(word): slot.value for word, slot in profile.own_words.items()}
    words = [word.strip() for word in advice.text.split(",")]
    return [word for word in words if own.get(tag_key(word)) == tag_class.value]
