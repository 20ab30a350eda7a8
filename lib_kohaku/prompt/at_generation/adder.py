"""Adding the chosen words to the prompts of one image or many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from lib_kohaku.errors import KohakuError
from lib_kohaku.prompt.at_generation.choice import ModelWords
from lib_kohaku.prompt.format import Classifier, TagClass, elements, remove_element, tag_key
from lib_kohaku.prompt.format.additions import Addition, add
from lib_kohaku.prompt.format.own_words import present_words, put_words, word_additions
from lib_kohaku.prompt.profiles.model import Profile
from lib_kohaku.prompt.syntax import POSITIVE, Dialect, apply_edits, parse


@dataclass(frozen=True)
class Adder:
    """Adds words to prompts.

    Attributes:
        profile: Whose words.
        classifier: Its order and a tag list.
        words: What is added where the prompt says nothing of that kind itself.
        instead: What takes the place of the prompt's own words of a kind; nothing takes them out.
        dialect: How the host reads positive prompts.
    """

    profile: Profile
    classifier: Classifier
    words: ModelWords
    instead: Mapping[TagClass, tuple[str, ...]] = field(default_factory=dict)
    dialect: Dialect = POSITIVE

    @property
    def effective(self) -> ModelWords:
        """All words that prompts get: those that are added, and those that take the place of others."""
        words = {**dict(self.words.words), **self.instead}
        return replace(self.words, words=tuple((kind, chosen) for kind, chosen in words.items() if chosen))

    def missing(self, text: str) -> list[tuple[TagClass, str]]:
        """The words that a prompt gets: those of kinds that it has no word of itself."""
        wanted = [(kind, word) for kind, word in self.words if kind not in self.instead]
        return [(kind, word) for kind, word in wanted if not self.has(text, kind)]

    def prompt(self, text: str) -> str:
        """A prompt with the words. Doing it twice adds nothing more.

        What a prompt says itself goes first: a picture has one rating, and somebody who wrote ``nsfw`` did not mean
        ``safe`` as well. A prompt that the webui cannot read stays as it is.
        """
        try:
            for kind, words in self.instead.items():
                text = put_words(text, kind, words, self.classifier, self.dialect)
            additions = word_additions(self.missing(text), self.classifier.spec, self.dialect)
            return add(text, additions, self.classifier, self.dialect)
        except KohakuError:  # a word that cannot be written, from a profile of the user's own
            return text

    def without(self, text: str) -> str:
        """A prompt without the words, where it has just these of their kind: what it may have been before."""
        for kind, words in self.words.words:
            if self.has(text, kind) == words:
                text = put_words(text, kind, (), self.classifier, self.dialect)
        return text

    def negative_without(self, text: str) -> str:
        """A negative prompt without what it has of the usual one at its end."""
        dialect = replace(self.dialect, negative=True)
        usual = {element.text for element in elements(parse(self.words.negative, dialect))}
        while True:
            prompt = parse(text, dialect)
            found = elements(prompt)
            if not found or found[-1].text not in usual:
                return text
            text = apply_edits(text, [remove_element(prompt, found[-1])])

    def has(self, text: str, kind: TagClass) -> tuple[str, ...]:
        """The words of a kind that a prompt has itself."""
        return present_words(text, kind, self.classifier, self.dialect)

    def negative(self, text: str) -> str:
        """A negative prompt with what it has not yet of the usual one, at its end. Twice adds nothing more."""
        dialect = replace(self.dialect, negative=True)
        present = {tag_key(tag.name) for element in elements(parse(text, dialect)) for tag in element.tags}
        missing = []
        for element in elements(parse(self.words.negative, dialect)):
            keys = {tag_key(tag.name) for tag in element.tags}
            if keys - present:
                missing.append(Addition(element.text))
        return add(text, missing, self.classifier, dialect)
