"""What the rules look at: one prompt, seen in every way that a rule may need."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace

from lib_kohaku.prompt.format import (
    Classifier,
    Element,
    Known,
    NoTags,
    OrderSpec,
    Tag,
    TagClass,
    TagInfo,
    TagLookup,
    segments,
    tag_key,
)
from lib_kohaku.prompt.syntax import (
    POSITIVE,
    Alternation,
    Dialect,
    Edit,
    Group,
    Kind,
    Leaf,
    Part,
    Place,
    Prompt,
    Schedule,
    Span,
    escape,
    leaves,
    parse,
    place_among,
    reason_unwritable,
    walk,
)


@dataclass(frozen=True, eq=False)
class TagAt:
    """A tag where it stands.

    Attributes:
        element: The element that it is in.
        tag: The tag.
        known: What the model's format and the tag list say of it.
        chunk: Equal for tags with no ``BREAK``, ``AND`` or ``ADDCOL`` between them.
        conditional: It is there at some of the steps only: inside a schedule or an alternation.
        place: What has to be escaped there.
        number: Its index among the tags of the prompt.
    """

    element: Element
    tag: Tag
    known: Known
    chunk: int
    conditional: bool
    place: Place
    number: int

    @property
    def span(self) -> Span:
        """Where it stands."""
        return Span(self.tag.start, self.tag.end)


@dataclass(frozen=True, eq=False)
class LintContext:
    """All that a rule gets.

    Attributes:
        text: The prompt.
        dialect: Whether it is the negative one, and whether comments are on.
        spec: The model's format.
        lookup: The tag list; knows nothing if there is none.
        prompt: The tree.
        whole: The tree of the prompt as if ``AND`` were a word like any other: brackets around it are whole there.
        tags: All tags in order, without one that lost its number to the weight at the end of the prompt.
    """

    text: str
    dialect: Dialect
    spec: OrderSpec
    lookup: TagLookup
    prompt: Prompt
    whole: Prompt
    tags: tuple[TagAt, ...]

    def respelled(self, at: TagAt, name: str) -> Edit | None:
        """Write another tag in place of one; None if that tag cannot be written."""
        spelled = self.spec.spell(name)
        if reason_unwritable(spelled, comments=self.dialect.comments):
            return None
        start, end = at.tag.start, at.tag.end
        if not _has_whole_brackets(at):  # `(long:1.2) hiar`: half of a pair would stay behind
            if len(at.element.tags) > 1:
                return None
            start, end = at.element.start, at.element.end
        return Edit(start, end, escape(spelled, at.place, comments=self.dialect.comments))

    def backslashed(self, at: TagAt) -> TagInfo | None:
        r"""The tag that this one is with its backslashes, which the webui drops: ``\m/``; None if it is none."""
        typed = self.text[at.tag.start : at.tag.end]
        is_known = at.known.tag_class is not TagClass.UNKNOWN or at.known.info is not None
        return None if is_known or "\\" not in typed else self.lookup.resolve(tag_key(typed))

    def removed(self, at: TagAt) -> Edit | None:
        """Take a tag out with the comma and blanks on one side; None if something else stands there."""
        before = self.tags[at.number - 1] if at.number else None
        after = self.tags[at.number + 1] if at.number + 1 < len(self.tags) else None
        whole = at.element.is_plain
        start, end = (at.element.start, at.element.end) if whole else (at.tag.start, at.tag.end)
        if before is not None:
            left = before.element.end if whole and before.element is not at.element else before.tag.end
            if _only_separates(self.text[left:start]):
                return Edit(left, end, "")
        if after is not None:
            right = after.element.start if whole and after.element is not at.element else after.tag.start
            if _only_separates(self.text[end:right]):
                return Edit(start, right, "")
        return Edit(start, end, "") if whole else None


def _has_whole_brackets(at: TagAt) -> bool:
    """Whether no pair of brackets is half inside of a tag."""
    inside = range(at.tag.start, at.tag.end)
    groups = (node for node in walk(at.element.nodes) if isinstance(node, Group))
    return all((group.start in inside) == (group.end - 1 in inside) for group in groups)


def _only_separates(text: str) -> bool:
    return "," in text and not text.replace(",", "").strip()


def make_context(
    text: str, spec: OrderSpec | None = None, lookup: TagLookup | None = None, dialect: Dialect = POSITIVE
) -> LintContext:
    """Look at a prompt in every way that a rule may need."""
    spec, tags = spec or OrderSpec("this model"), lookup or NoTags()
    prompt = parse(text, dialect)
    whole = prompt if dialect.negative else parse(text, replace(dialect, negative=True))
    found = tuple(_tags(prompt, Classifier(spec, tags)))
    return LintContext(text, dialect, spec, tags, prompt, whole, found)


def _tags(prompt: Prompt, classifier: Classifier) -> list[TagAt]:
    walls = sorted(
        node.start
        for part in prompt.parts
        for node in (part, *part.children)
        if isinstance(node, Part) or (isinstance(node, Leaf) and node.kind in (Kind.BREAK, Kind.REGION))
    )
    squares = [leaf.start for leaf in leaves(prompt.children) if leaf.kind is Kind.LOOSE and leaf.text == "["]
    cut_off = _cut_off(prompt)
    found: list[TagAt] = []
    for segment in segments(prompt):
        for element in segment.elements:
            if element.end == cut_off:
                continue
            conditional = any(isinstance(node, (Schedule, Alternation)) for node in walk(element.nodes))
            chunk = bisect_right(walls, element.start)
            for tag in element.tags:
                in_square = bool(squares) and squares[0] < tag.start
                place = Place.BRANCH if in_square else place_among(element.nodes, tag.start)
                found.append(TagAt(element, tag, classifier.tag(tag), chunk, conditional, place, len(found)))
    return found


def _cut_off(prompt: Prompt) -> int | None:
    """Where the words end whose number the webui takes for a weight, in a prompt without ``AND``."""
    if len(prompt.parts) > 1:
        return None
    leaves = (node for node in prompt.parts[0].children if isinstance(node, Leaf))
    return next((leaf.start for leaf in leaves if leaf.kind is Kind.TRAILING_WEIGHT), None)
