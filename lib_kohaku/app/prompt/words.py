"""The words of a model's own (quality, rating, year, ...): which a prompt has, and putting others in their place."""

from __future__ import annotations

from collections.abc import Sequence

from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.prompt.format import TagClass, own_words
from lib_kohaku.prompt.format.additions import addition_edits
from lib_kohaku.prompt.format.pickers import PICKED, Option, Picker, pickers
from lib_kohaku.prompt.syntax import Edit, apply_edits, parse

__all__ = ["PICKED", "Option", "Picker", "add_words", "pick", "pickers", "present_words", "word_edits"]


def present_words(text: str, tag_class: TagClass, known: Knowledge) -> tuple[str, ...]:
    """The words of a kind that a prompt has, as the model wants them typed."""
    return own_words.present_words(text, tag_class, known.classifier, known.dialect)


def pick(text: str, tag_class: TagClass, words: Sequence[str], known: Knowledge) -> str:
    """Put other words of a kind into a prompt; none takes them out. See :func:`own_words.put_words`."""
    return own_words.put_words(text, tag_class, words, known.classifier, known.dialect)


def add_words(text: str, words: Sequence[tuple[TagClass, str]], known: Knowledge) -> str:
    """Put tags into a prompt, each where the model's order has its kind."""
    return apply_edits(text, word_edits(text, words, known))


def word_edits(text: str, words: Sequence[tuple[TagClass, str]], known: Knowledge) -> list[Edit]:
    """The insertions of :func:`add_words`, in the model's order.

    Raises:
        UnwritableTagError: If the host cannot be made to read one of the tags.
    """
    additions = own_words.word_additions(words, known.spec, known.dialect)
    return addition_edits(parse(text, known.dialect), additions, known.classifier)
