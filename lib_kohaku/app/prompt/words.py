"""The words of a model's own (quality, rating, year, ...): which a prompt has, and putting others in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.prompt.format import Element, TagClass, elements, insert_tag, remove_element, segments, tag_key
from lib_kohaku.prompt.profiles.model import Profile, PromptAdvice, Rating, Scale
from lib_kohaku.prompt.syntax import Edit, Place, Prompt, apply_edits, escape, parse

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


def present_words(text: str, tag_class: TagClass, known: Knowledge) -> tuple[str, ...]:
    """The words of a kind that a prompt has, as the model wants them typed."""
    spec = known.spec
    keys = (known.classifier.tag(tag).key for element in elements(parse(text, known.dialect)) for tag in element.tags)
    return tuple(dict.fromkeys(spec.own_words.get(key, key) for key in keys if spec.word_class(key) is tag_class))


def pick(text: str, tag_class: TagClass, words: Sequence[str], known: Knowledge) -> str:
    """Put other words of a kind into a prompt; none takes them out.

    The first one that is there is replaced where it stands, the others go; new ones come where the model's order
    has them. Words inside schedules and groups of several tags are left alone.
    """
    prompt = parse(text, known.dialect)
    old = [e for e in elements(prompt) if e.is_plain and _is_word(e, tag_class, known)]
    written = ", ".join(escape(word, Place.OPEN, comments=known.dialect.comments) for word in words)
    if not old:
        return add_words(text, [(tag_class, word) for word in words], known)
    for element in reversed(old[1:]):
        text = apply_edits(text, [remove_element(parse(text, known.dialect), element)])
    prompt = parse(text, known.dialect)
    first = next(e for e in elements(prompt) if e.start == old[0].start)
    edit = Edit(first.start, first.end, written) if words else remove_element(prompt, first)
    return apply_edits(text, [edit])


def add_words(text: str, words: Sequence[tuple[TagClass, str]], known: Knowledge) -> str:
    """Put tags into a prompt, each where the model's order has its kind."""
    return apply_edits(text, word_edits(text, words, known))


def word_edits(text: str, words: Sequence[tuple[TagClass, str]], known: Knowledge) -> list[Edit]:
    """The insertions of :func:`add_words`, in the model's order."""
    slots = known.spec.slot_numbers
    last = len(slots)
    ordered = sorted(words, key=lambda word: slots.get(word[0], last))
    prompt = parse(text, known.dialect)
    edits = []
    for tag_class, word in ordered:
        after = _place_for(prompt, slots.get(tag_class, last), known)
        edits.append(insert_tag(prompt, after, known.spec.spell(word)))
    return _joined(edits, prompt)


def _joined(edits: list[Edit], prompt: Prompt) -> list[Edit]:
    """In an empty prompt nothing is there to be separated from; the words still are from each other."""
    if prompt.text.strip():
        return edits
    return [
        Edit(0, 0, edit.replacement if not number else f", {edit.replacement}") for number, edit in enumerate(edits)
    ]


def _place_for(prompt: Prompt, slot: int, known: Knowledge) -> Element | None:
    """The element to put a tag of a slot behind: the last one that does not belong after it; None for the front."""
    found = segments(prompt)
    if not found:
        return None
    slots, place = known.spec.slot_numbers, None
    for element in found[-1].elements:
        number = slots.get(known.classifier.element(element))
        if number is not None and number > slot:
            break
        place = element
    # Behind a wall such as BREAK the front is not the front of the prompt.
    return place if place is not None or len(found) == 1 else found[-1].elements[0]


def _is_word(element: Element, tag_class: TagClass, known: Knowledge) -> bool:
    return known.spec.word_class(known.classifier.tag(element.tags[0]).key) is tag_class
