"""A model's prompt format: putting tags in its order, composing prompts of fields, taking them apart again.

What is needed from outside comes through two small types: :class:`TagLookup` (a tag list) and :class:`OrderSpec` (a
model's order, words and spelling).
"""

from lib_kohaku.prompt.format.classify import Classifier, Known
from lib_kohaku.prompt.format.compose import compose, decompose
from lib_kohaku.prompt.format.element_edits import insert_tag, remove_element, set_weight
from lib_kohaku.prompt.format.elements import Element, Segment, Tag, elements, segments
from lib_kohaku.prompt.format.fields import PromptFields, WeightedTag
from lib_kohaku.prompt.format.lookup import NoTags, TagClass, TagInfo, TagLookup, tag_key
from lib_kohaku.prompt.format.reorder import FormatResult, Move, Note, format_prompt
from lib_kohaku.prompt.format.spec import COUNT_WORDS, ForeignWord, OrderSpec, UnderscoreRule

__all__ = [
    "COUNT_WORDS",
    "Classifier",
    "Element",
    "ForeignWord",
    "FormatResult",
    "Known",
    "Move",
    "NoTags",
    "Note",
    "OrderSpec",
    "PromptFields",
    "Segment",
    "Tag",
    "TagClass",
    "TagInfo",
    "TagLookup",
    "UnderscoreRule",
    "WeightedTag",
    "compose",
    "decompose",
    "elements",
    "format_prompt",
    "insert_tag",
    "remove_element",
    "segments",
    "set_weight",
    "tag_key",
]
