"""Words of a model's own (quality, rating, ...) in a prompt: which are there, and putting others in their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lib_kohaku.prompt.format.additions import Addition, addition_edits
from lib_kohaku.prompt.format.classify import Classifier
from lib_kohaku.prompt.format.element_edits import remove_element
from lib_kohaku.prompt.format.elements import Element, Tag, elements
from lib_kohaku.prompt.format.lookup import TagClass, tag_key
from lib_kohaku.prompt.format.spec import OrderSpec
from lib_kohaku.prompt.syntax import Dialect, Edit, Group, Leaf, Place, Prompt, apply_edits, escape, parse, walk


def word_additions(words: Iterable[tuple[TagClass, str]], spec: OrderSpec, dialect: Dialect) -> list[Addition]:
    """Tags as the model wants them typed, escaped, to be put into a prompt.

    Raises:
        UnwritableTagError: If the webui cannot be made to read one of them.
    """
    return [
        Addition(escape(spec.spell(word), Place.OPEN, comments=dialect.comments), tag_class)
        for tag_class, word in words
    ]


def present_words(text: str, tag_class: TagClass, classifier: Classifier, dialect: Dialect) -> tuple[str, ...]:
    """The words of a kind that a prompt has, as the model wants them typed."""
    spec = classifier.spec
    keys = (classifier.tag(tag).key for element in elements(parse(text, dialect)) for tag in element.tags)
    found = (spec.own_words.get(key) or key.replace("_", " ") for key in keys if spec.word_class(key) is tag_class)
    return tuple(dict.fromkeys(found))


def put_words(text: str, tag_class: TagClass, words: Sequence[str], classifier: Classifier, dialect: Dialect) -> str:
    """Put other words of a kind into a prompt; none takes them out.

    If all of them are there, the others go, and that is all. Otherwise the first one that is there is replaced where
    it stands, at its weight, and new ones come where the model's order has them. Words inside schedules, and those in
    brackets of their own inside of other brackets, are left alone.
    """
    prompt = parse(text, dialect)
    old = _changeable(prompt, tag_class, classifier)
    additions = word_additions([(tag_class, word) for word in words], classifier.spec, dialect)
    if not old:
        return apply_edits(text, addition_edits(prompt, additions, classifier))
    wanted = {tag_key(word) for word in words}
    others = [tag for tag in old if classifier.tag(tag).key not in wanted]
    if wanted <= {classifier.tag(tag).key for tag in old}:
        return _without(text, others, dialect)
    text = _without(text, old[1:], dialect)
    first = next(tag for e in elements(parse(text, dialect)) for tag in e.tags if tag.start == old[0].start)
    written = ", ".join(addition.text for addition in additions)
    return apply_edits(text, [Edit(first.start, first.end, written)])


def _changeable(prompt: Prompt, tag_class: TagClass, classifier: Classifier) -> list[Tag]:
    """The words of a kind that can be taken out or replaced."""
    return [
        tag
        for element in elements(prompt)
        for tag in element.tags
        if classifier.spec.word_class(classifier.tag(tag).key) is tag_class
        and (element.is_plain or _removal(prompt.text, element, tag))
    ]


def _without(text: str, unwanted: Sequence[Tag], dialect: Dialect) -> str:
    for tag in reversed(unwanted):  # the later ones first, so that the places of the others stay right
        prompt = parse(text, dialect)
        element = next(element for element in elements(prompt) if element.start <= tag.start < element.end)
        edit = remove_element(prompt, element) if len(element.tags) == 1 else _removal(text, element, tag)
        text = apply_edits(text, [edit] if edit else [])
    return text


def _removal(text: str, element: Element, tag: Tag) -> Edit | None:
    """Take one of several tags in the same brackets out, with a comma; None if it is something else that it is in."""
    if any(not isinstance(node, (Group, Leaf)) for node in walk(element.nodes)) or tag.opaque:
        return None
    before = [other for other in element.tags if other.end <= tag.start][-1:]
    after = [other for other in element.tags if other.start >= tag.end][:1]
    if before and _only_separates(text[before[0].end : tag.start]):
        return Edit(before[0].end, tag.end, "")
    if after and _only_separates(text[tag.end : after[0].start]):
        return Edit(tag.start, after[0].start, "")
    return None


def _only_separates(text: str) -> bool:
    return not text.replace(",", "").strip()
