"""Words of a model's own (quality, rating, ...) in a prompt: which are there, and putting others in their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lib_kohaku.prompt.format.additions import Addition, addition_edits
from lib_kohaku.prompt.format.classify import Classifier
from lib_kohaku.prompt.format.element_edits import remove_element
from lib_kohaku.prompt.format.elements import Element, elements
from lib_kohaku.prompt.format.lookup import TagClass, tag_key
from lib_kohaku.prompt.format.spec import OrderSpec
from lib_kohaku.prompt.syntax import Dialect, Edit, Place, apply_edits, escape, parse


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
    it stands, at its weight, and new ones come where the model's order has them. Words inside schedules and groups of
    several tags are left alone.
    """
    prompt = parse(text, dialect)
    old = [e for e in elements(prompt) if e.is_plain and _is_word(e, tag_class, classifier)]
    additions = word_additions([(tag_class, word) for word in words], classifier.spec, dialect)
    if not old:
        return apply_edits(text, addition_edits(prompt, additions, classifier))
    wanted = {tag_key(word) for word in words}
    others = [element for element in old if _key(element, classifier) not in wanted]
    if wanted <= {_key(element, classifier) for element in old}:
        return _without(text, others, dialect)
    text = _without(text, old[1:], dialect)
    prompt = parse(text, dialect)
    first = next(e for e in elements(prompt) if e.start == old[0].start)
    written = ", ".join(addition.text for addition in additions)
    return apply_edits(text, [Edit(first.tags[0].start, first.tags[0].end, written)])


def _without(text: str, unwanted: Sequence[Element], dialect: Dialect) -> str:
    for element in reversed(unwanted):  # the later ones first, so that the places of the others stay right
        text = apply_edits(text, [remove_element(parse(text, dialect), element)])
    return text


def _is_word(element: Element, tag_class: TagClass, classifier: Classifier) -> bool:
    return classifier.spec.word_class(_key(element, classifier)) is tag_class


def _key(element: Element, classifier: Classifier) -> str:
    return classifier.tag(element.tags[0]).key
