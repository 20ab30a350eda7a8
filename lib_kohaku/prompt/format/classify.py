"""What the elements of a prompt are, in the eyes of a model's format and a tag list."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lib_kohaku.prompt.format.elements import Element, Tag
from lib_kohaku.prompt.format.lookup import TagClass, TagInfo, TagLookup, tag_key
from lib_kohaku.prompt.format.spec import OrderSpec

_SENTENCE_END = re.compile(r"[a-z][.!?](?:\s|$)")
_PROSE_WORDS = 6


@dataclass(frozen=True)
class Known:
    """What is known of a tag.

    Attributes:
        key: The form it is compared in; the typed brackets count as part of the name if only so it is a tag.
        tag_class: UNKNOWN if neither the model's format nor the tag list has it.
        info: What the tag list says, if it has it. A model's own word can be a tag as well, like ``old``.
        as_typed: Its brackets belong to its name, but the webui takes them for a weight.
    """

    key: str
    tag_class: TagClass
    info: TagInfo | None = None
    as_typed: bool = False


class Classifier:
    """Answers for one format and one tag list."""

    def __init__(self, spec: OrderSpec, lookup: TagLookup) -> None:
        self.spec = spec
        self.lookup = lookup

    def tag(self, tag: Tag) -> Known:
        """What a tag is. One that looks like another extension's syntax can be one all the same: ``$hu``, ``@est@``."""
        if tag.typed != tag.name:
            known = self.key(tag_key(tag.typed))
            if known.tag_class is not TagClass.UNKNOWN:
                return Known(known.key, known.tag_class, known.info, as_typed=True)
        return self.key(tag_key(tag.name))

    def key(self, key: str) -> Known:
        """What the tag with this key is."""
        info = self.lookup.resolve(key)
        own = self.spec.word_class(key)
        if own is not None:
            return Known(key, own, info)
        if info is not None:
            return Known(key, self.spec.word_class(info.name) or info.tag_class, info)
        foreign = self.spec.foreign.get(key)
        return Known(key, foreign.tag_class if foreign else TagClass.UNKNOWN)

    def element(self, element: Element) -> TagClass:
        """What an element is: the class of the first of its tags that is known."""
        if element.is_network:
            return TagClass.NETWORK
        for tag in element.tags:
            tag_class = self.tag(tag).tag_class
            if tag_class is not TagClass.UNKNOWN:
                return tag_class
        if len(element.tags) == 1 and is_prose(element.tags[0].name):
            return TagClass.PROSE
        return TagClass.UNKNOWN


def is_prose(text: str) -> bool:
    """Whether unknown text looks like a sentence: six words or more, or the end of one."""
    return len(text.split()) >= _PROSE_WORDS or _SENTENCE_END.search(text) is not None
