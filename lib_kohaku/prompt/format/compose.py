"""From fields to a prompt in a model's order, and back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from lib_kohaku.prompt.format.classify import Classifier
from lib_kohaku.prompt.format.elements import Element, segments
from lib_kohaku.prompt.format.fields import FIELD_OF_CLASS, PromptFields, WeightedTag
from lib_kohaku.prompt.format.lookup import NoTags, TagClass, TagLookup, tag_key
from lib_kohaku.prompt.format.spec import OrderSpec
from lib_kohaku.prompt.syntax import Kind, Leaf, Place, Prompt, escape, leaves, parse, write_tag
from lib_kohaku.prompt.syntax.errors import PromptError

# Where a model's order says nothing of a class: words and people first, networks last.
_DEFAULT_ORDER = (*FIELD_OF_CLASS, TagClass.UNKNOWN, TagClass.PROSE, TagClass.NETWORK)


def compose(fields: PromptFields, spec: OrderSpec) -> str:
    """The prompt for the fields, in the model's order and spelling, escaped so that the webui reads just these tags.

    Raises:
        UnwritableTagError: If a tag has a ``#`` in its name, or no name.
        PromptError: If a weight is no number.
    """
    ordered = [tag_class for slot in spec.slots for tag_class in slot]
    classes = [*ordered, *(tag_class for tag_class in _DEFAULT_ORDER if tag_class not in ordered)]
    texts = [text for tag_class in classes for text in _texts(fields, tag_class, spec)]
    return spec.separator.join(texts)


def _texts(fields: PromptFields, tag_class: TagClass, spec: OrderSpec) -> Iterator[str]:
    for tag in fields.tags(tag_class):
        yield write_tag(spec.spell(tag.name), tag.weight, Place.OPEN)
    if tag_class is TagClass.GENERAL:
        yield from fields.raw
    elif tag_class is TagClass.PROSE:
        yield from (escape(text) for text in fields.prose)
    elif tag_class is TagClass.NETWORK:
        yield from fields.networks


def decompose(text: str, spec: OrderSpec, lookup: TagLookup | None = None) -> PromptFields:
    """The fields of a prompt. ``compose`` of them has the same tags and weights, in the model's order.

    Unknown tags count as general ones. Tags in the tag list get the list's spelling, aliases the tag they stand for.

    Raises:
        PromptError: If the prompt has what fields cannot hold: ``AND``, ``BREAK``, regions, comments, a weight at the
            end, or a bracket without its counterpart.
    """
    prompt = parse(text)
    _refuse_structure(prompt)
    classifier = Classifier(spec, lookup or NoTags())
    tags: dict[str, list[WeightedTag]] = defaultdict(list)
    texts: dict[str, list[str]] = defaultdict(list)
    for segment in segments(prompt):
        for element in segment.elements:
            _sort_in(element, classifier, tags, texts)
    return PromptFields(
        counts=tuple(tags["counts"]),
        characters=tuple(tags["characters"]),
        series=tuple(tags["series"]),
        artists=tuple(tags["artists"]),
        general=tuple(tags["general"]),
        meta=tuple(tags["meta"]),
        quality=tuple(tags["quality"]),
        aesthetic=tuple(tags["aesthetic"]),
        rating=tuple(tags["rating"]),
        year=tuple(tags["year"]),
        source=tuple(tags["source"]),
        networks=tuple(texts["networks"]),
        prose=tuple(texts["prose"]),
        raw=tuple(texts["raw"]),
    )


_REFUSED = {
    Kind.AND: "it has several parts (AND)",
    Kind.BREAK: "it has several chunks (BREAK)",
    Kind.REGION: "it has several regions (ADDCOL and the like)",
    Kind.COMMENT: "it has comments (#)",
    Kind.TRAILING_WEIGHT: "the webui takes the number at its end for a weight",
}


def _refuse_structure(prompt: Prompt) -> None:
    for leaf in leaves(prompt.children):
        reason = _REFUSED.get(leaf.kind)
        if leaf.kind is Kind.LOOSE and leaf.text in "([":
            reason = "it has a bracket without its counterpart"
        if reason:
            raise PromptError(f"this prompt cannot be taken apart into fields: {reason}")


def _sort_in(
    element: Element, classifier: Classifier, tags: dict[str, list[WeightedTag]], texts: dict[str, list[str]]
) -> None:
    tag_class = classifier.element(element)
    if tag_class is TagClass.NETWORK:
        texts["networks"] += [node.text for node in element.nodes if isinstance(node, Leaf) and node.text.strip()]
        return
    known = classifier.tag(element.tags[0]) if element.is_plain else None
    weights = element.weights
    if known is None or not weights or (len(set(weights)) > 1 and not known.as_typed):
        texts["raw"].append(element.text)
    elif tag_class is TagClass.PROSE and weights == (1,):
        texts["prose"].append(element.tags[0].name)
    else:
        own = classifier.spec.own_words.get(known.key)
        name = own or (known.info.name if known.info else tag_key(known.key))
        tags[FIELD_OF_CLASS.get(tag_class, "general")].append(WeightedTag(name, min(weights)))
