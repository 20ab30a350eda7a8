r"""Completing the tag at the caret, and writing it so that the webui reads exactly that tag.

Tags are typed with blanks, so a completion looks at everything since the last comma or bracket, and drops words from
the front until something fits: ``a girl with long ha`` completes ``long hair``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lib_kohaku.app.prompt.tag_shelf import Shelf
from lib_kohaku.prompt.format import OrderSpec, elements, tag_key
from lib_kohaku.prompt.format.classify import is_prose
from lib_kohaku.prompt.syntax import (
    POSITIVE,
    Dialect,
    Kind,
    Place,
    escape,
    leaves,
    parse,
    place_at,
    reason_unwritable,
)
from lib_kohaku.prompt.tags.model import Category
from lib_kohaku.prompt.tags.search import Hit, Match
from lib_kohaku.prompt.tags.strength import Strength, known_strength

MOST_HITS = 50
# People with Japanese or Chinese keyboards part tags with the commas that those have.
_COMMAS = ",、，"
_BREAKS = frozenset(f"{_COMMAS}\n()[]{{}}|")
_NETWORK_BEGINS = re.compile(r"<\w")
_NETWORK_UNCLOSED = re.compile(r"<\w+:[^<>]*$")
_KEYWORD = re.compile(r"\b(?:AND|BREAK|ADD(?:BASE|COMM|COL|ROW|P))\s")
_WEIGHT_BEING_TYPED = re.compile(r":\s*[+-]?[\d.]*$")
_WORD_START = re.compile(r"\S+")
# What a tag can be made of; everything else ends it.
_OF_A_TAG = (Kind.WORDS, Kind.ESCAPE, Kind.COLON, Kind.BLANK)
_SHORTEST_TYPO = 4


@dataclass(frozen=True)
class Typed:
    """What is being typed: ``text[start:caret]``; the completion replaces ``text[start:end]``.

    Attributes:
        start: Offset of its first character, in code points.
        end: The caret, or the end of the tag if the caret is inside a word.
        query: The characters before the caret.
        brackets: The brackets that are open there, outermost first.
    """

    start: int
    end: int
    query: str
    brackets: str


@dataclass(frozen=True)
class Completion:
    """One tag that can be put in place of what was typed.

    Attributes:
        name: The tag in booru form.
        label: As the model wants it typed.
        insert: The same, escaped for its place.
        category: What it names; for a model's own word the kind of word (``quality``, ``year``).
        posts: Posts that have it; 0 if the list does not tell.
        match: How it was found.
        matched: The alias that was typed, if it was found by one.
        strength: How well a model can be expected to know it.
        present: Whether the prompt has it already.
    """

    name: str
    label: str
    insert: str
    category: str
    posts: int
    match: Match
    matched: str
    strength: Strength
    present: bool


@dataclass(frozen=True)
class Completions:
    """The answers, and where they go: they replace ``text[start:end]`` and are followed by ``suffix``."""

    start: int
    end: int
    suffix: str
    hits: tuple[Completion, ...]


NOTHING = Completions(0, 0, "", ())


def complete(text: str, caret: int, spec: OrderSpec, shelf: Shelf, dialect: Dialect, limit: int = 20) -> Completions:
    """Complete the tag at the caret.

    Args:
        text: The prompt.
        caret: Offset in code points.
        spec: The model's format.
        shelf: The tags.
        dialect: How the host reads prompts.
        limit: The most answers to give, at most :data:`MOST_HITS`.
    """
    limit = max(1, min(limit, MOST_HITS))
    typed, skipped, hits = _found(text, caret, shelf, spec, limit, dialect)
    if typed is None or not hits:
        return NOTHING
    start = typed.start + skipped
    prompt = parse(text, dialect)
    place = Place.BRANCH if "[" in typed.brackets else place_at(prompt, start)
    present = {tag_key(tag.name) for e in elements(prompt) if not e.start <= start < e.end for tag in e.tags}
    answers = (_completion(hit, spec, place, present, comments=dialect.comments) for hit in hits)
    follows = text[typed.end :].lstrip(" ")[:1]
    suffix = "" if typed.brackets or (follows and follows in _COMMAS) else ", "
    end = typed.end + (1 if suffix and text[typed.end : typed.end + 1] == " " else 0)
    return Completions(start, end, suffix, tuple(answer for answer in answers if answer))


def typed_at(text: str, caret: int, dialect: Dialect = POSITIVE) -> Typed | None:
    """What is being typed at the caret; None where no tag can be: networks, wildcards, comments, weights, prose."""
    caret = max(0, min(caret, len(text)))
    start = next((i + 1 for i in range(caret - 1, -1, -1) if _ends_tag(text, i)), 0)
    line = text[text.rfind("\n", 0, caret) + 1 : caret]
    if text[start - 1 : start] == "<" or _NETWORK_UNCLOSED.search(line) or (dialect.comments and "#" in line):
        return None
    start = max((keyword.end() for keyword in _KEYWORD.finditer(text, start, caret)), default=start)
    brackets = _open_brackets(text[:start])
    if brackets.endswith("["):  # a colon divides there
        start = _after_colon(text, start, caret)
    query = text[start:caret]
    start += len(query) - len(query.lstrip())
    query = query.lstrip()
    if (
        not query
        or query == "<"
        or "__" in query
        or (brackets and _WEIGHT_BEING_TYPED.search(query))
        or is_prose(query)
    ):
        return None
    inside = text[caret : caret + 1].isalnum() or text[caret : caret + 1] == "_"
    return Typed(start, _end_of_tag(text, caret, brackets, dialect) if inside else caret, query, brackets)


def _found(
    text: str, caret: int, shelf: Shelf, spec: OrderSpec, limit: int, dialect: Dialect
) -> tuple[Typed | None, int, list[Hit]]:
    """What is being typed, how many characters at its front to leave alone, and what completes the rest."""
    typed = typed_at(text, caret, dialect)
    if typed is None:
        return None, 0, []
    if text[typed.start - 1 : typed.start] == "(":
        # The bracket may be that of a name, as people type it: "saber (fa".
        before = typed_at(text, typed.start - 1, dialect)
        whole = text[before.start : caret] if before else ""
        for word in _WORD_START.finditer(whole, 0, len(before.query) if before else 0):
            hits = list(_known(shelf.search.complete(whole[word.start() :], limit), spec))
            if before and hits:
                return Typed(before.start, typed.end, whole, before.brackets), word.start(), hits
    return typed, *_search(typed.query, shelf, spec, limit)


def _end_of_tag(text: str, caret: int, brackets: str, dialect: Dialect) -> int:
    """Where the tag ends that the caret is in: at the weight, the next option, ``BREAK``, and whatever is no tag."""
    end = caret
    for leaf in leaves(parse(text, dialect).children):
        if leaf.end <= caret:
            continue
        divides = leaf.kind not in _OF_A_TAG or "\n" in leaf.text
        if divides or (leaf.kind is Kind.COLON and brackets.endswith("[")):
            break
        end = leaf.end
    typed = text[caret:end]
    weight = _WEIGHT_BEING_TYPED.search(typed) if brackets else None
    return caret + len(typed[: weight.start() if weight else None].rstrip())


def _ends_tag(text: str, index: int) -> bool:
    if text[index] == "<":  # `>_<` is a tag
        return _NETWORK_BEGINS.match(text, index) is not None
    if text[index] == ">":
        return _NETWORK_UNCLOSED.search(text, max(0, text.rfind("<", 0, index)), index) is not None
    return text[index] in _BREAKS and not _is_escaped(text, index)


def _after_colon(text: str, start: int, caret: int) -> int:
    colons = [index for index in range(start, caret) if text[index] == ":" and not _is_escaped(text, index)]
    if len(colons) > 1 and colons[-1] == colons[-2] + 1:  # [a::d: the second one begins a tag such as :d
        return colons[-1]
    return colons[-1] + 1 if colons else start


def _is_escaped(text: str, index: int) -> bool:
    before = index
    while before and text[before - 1] == "\\":
        before -= 1
    return (index - before) % 2 == 1


def _open_brackets(text: str) -> str:
    opened: list[str] = []
    for index, character in enumerate(text):
        if character in "([{" and not _is_escaped(text, index):
            opened.append(character)
        elif character in ")]}" and opened and not _is_escaped(text, index):
            opened.pop()
    return "".join(opened)


def _search(query: str, shelf: Shelf, spec: OrderSpec, limit: int) -> tuple[int, list[Hit]]:
    """How many characters at the front of the query to leave alone, and what completes the rest."""
    search = shelf.search
    for word in _WORD_START.finditer(query):
        rest = query[word.start() :]
        hits = list(_known(search.complete(rest, limit), spec))
        if hits or not word.start():
            names = {hit.tag.name for hit in hits}
            hits += [hit for hit in _known(search.any_order(rest, limit), spec) if hit.tag.name not in names]
        if hits:
            return word.start(), hits[:limit]
    if len(query.strip()) < _SHORTEST_TYPO or query[-1].isspace():
        return 0, []
    return 0, list(_known(search.suggest(query, min(limit, 8)), spec))


def _known(hits: list[Hit], spec: OrderSpec) -> Iterator[Hit]:
    """Without the words of other families of models, which this one was never taught."""
    for hit in hits:
        if hit.tag.category is not Category.PROFILE or spec.word_class(tag_key(hit.tag.name)):
            yield hit


def _completion(hit: Hit, spec: OrderSpec, place: Place, present: set[str], *, comments: bool) -> Completion | None:
    tag = hit.tag
    label = spec.spell(tag.name)
    if reason_unwritable(label, comments=comments):
        return None
    own = spec.word_class(tag_key(tag.name))
    category = own.value if own else tag.category.value
    return Completion(
        name=tag.name,
        label=label,
        insert=escape(label, place, comments=comments),
        category=category,
        posts=tag.posts,
        match=hit.match,
        matched=hit.matched if hit.matched != tag.name else "",
        strength=known_strength(tag.posts),
        present=tag_key(label) in present,
    )
