"""What somebody chose to have added, and which words that is in a model's own language."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from lib_kohaku.prompt.format import OrderSpec, TagClass, tag_key
from lib_kohaku.prompt.format.pickers import Picker, pickers
from lib_kohaku.prompt.kinds import AUTOMATIC as AUTOMATIC
from lib_kohaku.prompt.kinds import KINDS as KINDS
from lib_kohaku.prompt.kinds import LEAVE_OUT as LEAVE_OUT
from lib_kohaku.prompt.kinds import USUAL as USUAL
from lib_kohaku.prompt.profiles.model import Profile

_NOTHING = frozenset({tag_key(LEAVE_OUT), "none"})
_LONGEST = 500


@dataclass(frozen=True)
class WordChoice:
    """What is to be added. A word is :data:`USUAL`, :data:`LEAVE_OUT`, or one of the model's own as it writes it.

    Attributes:
        profile: Id or name of a profile, or :data:`AUTOMATIC`.
        quality: Several words are divided by commas, as in ``explicit, nsfw``.
        rating: The same.
        year: The same.
        aesthetic: The same.
        negative: Whether the usual negative prompt of the profile is added too.
    """

    profile: str = AUTOMATIC
    quality: str = USUAL
    rating: str = USUAL
    year: str = USUAL
    aesthetic: str = USUAL
    negative: bool = False

    def of(self, kind: TagClass) -> str:
        """The word of a kind."""
        word: str = getattr(self, kind.value)
        return word

    def having(self, kind: TagClass, word: str) -> WordChoice:
        """The same with another word of a kind."""
        changed: dict[str, Any] = {kind.value: word}
        return replace(self, **changed)


@dataclass(frozen=True)
class ModelWords:
    """A choice in the words of one model.

    Attributes:
        words: The kinds and words that the choice comes to, in the order of :data:`KINDS`; kinds that are left out are
            not among them.
        negative: The usual negative prompt; empty if it is not wanted or there is none.
        notes: Why something chosen is not among them, for the person.
    """

    words: tuple[tuple[TagClass, tuple[str, ...]], ...] = ()
    negative: str = ""
    notes: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[tuple[TagClass, str]]:
        """Every word with its kind."""
        return ((kind, word) for kind, words in self.words for word in words)


def words_of(choice: WordChoice, profile: Profile, spec: OrderSpec) -> ModelWords:
    """A choice in the words of a model. Words of another family become this one's word for the same, if it has one."""
    found = {picker.tag_class: picker for picker in pickers(profile)}
    words, notes = [], []
    for kind in KINDS:
        chosen = resolve_word(choice.of(kind), kind, found.get(kind), spec)
        if chosen:
            words.append((kind, chosen))
        elif chosen is None:
            notes.append(f"{profile.name} has no {kind.value} {choice.of(kind)[:80]!r}: it is left out.")
    negative = profile.negative[0].text if choice.negative and profile.negative else ""
    if choice.negative and not negative:
        notes.append(f"No usual negative prompt of {profile.name} is known.")
    return ModelWords(tuple(words), negative, tuple(notes))


def resolve_word(text: str, kind: TagClass, picker: Picker | None, spec: OrderSpec) -> tuple[str, ...] | None:
    """What a choice of one kind writes: nothing if it is left out, None if the model has nothing like it.

    Args:
        text: The choice.
        kind: Its kind.
        picker: The model's words of that kind; None if it has none.
        spec: The model's format.
    """
    key = tag_key(text[:_LONGEST])
    if key in _NOTHING:
        return ()
    if not key or key == tag_key(USUAL):
        return picker.usual if picker else ()
    options = {tag_key(option.label): option.words for option in (picker.options if picker else ())}
    if key in options:
        return options[key]
    words = [tag_key(word) for word in text[:_LONGEST].split(",") if word.strip()]
    known = [_own_word(word, kind, spec) for word in words]
    found = tuple(dict.fromkeys(word for word in known if word))
    return found if words and all(known) else None


def listed_words(picker: Picker | None, chosen: str) -> list[str]:
    """All choices of one kind: a model's words, and what is chosen even if it is none of the list."""
    labels = [option.label for option in picker.options] if picker else []
    return list(dict.fromkeys([USUAL, LEAVE_OUT, *labels, chosen]))


def _own_word(key: str, kind: TagClass, spec: OrderSpec) -> str | None:
    if spec.word_class(key) is kind:
        return spec.own_words.get(key) or key.replace("_", " ")
    foreign = spec.foreign.get(key)
    return foreign.replacement if foreign and foreign.tag_class is kind else None
