"""Words that are no tags, with those that may have been meant."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from lib_kohaku.prompt.format import TagClass, TagLookup
from lib_kohaku.prompt.format.classify import is_prose
from lib_kohaku.prompt.lint.context import LintContext
from lib_kohaku.prompt.lint.finding import Finding, Fix, Severity
from lib_kohaku.prompt.lint.rule import Rule

CODE = "unknown-tag"
_SUGGESTIONS = 3
# What people put before the name of an artist, and boorus do not.
_PREFIX = re.compile(r"(?:(?:art_|drawn_|illustration_)?by|(?:in_the_)?style_of|artist)(?:_|:_?)")


def check(context: LintContext) -> Iterator[Finding]:
    """Only with a tag list; sentences and other extensions' syntax are left alone."""
    if not context.lookup.complete:
        return
    for at in context.tags:
        known = at.known.tag_class is not TagClass.UNKNOWN or at.known.info is not None
        if known or at.tag.opaque or is_prose(at.tag.name) or context.backslashed(at):
            continue
        names = _meant(at.known.key, context.lookup)
        edits = [(context.spec.spell(name), context.respelled(at, name)) for name in names]
        meant = f" Did you mean {', '.join(repr(spelled) for spelled, _ in edits)}?" if edits else ""
        fixes = [Fix(f"Write {spelled}", (edit,)) for spelled, edit in edits if edit]
        removal = None if fixes else context.removed(at)
        yield Finding(
            CODE,
            Severity.HINT,
            at.span,
            f"'{at.tag.name}' is not in the tag list: the model may not know it.{meant}",
            (Fix("Take it out", (removal,)),) if removal else tuple(fixes),
        )


def _meant(key: str, lookup: TagLookup) -> Sequence[str]:
    prefix = _PREFIX.match(key)
    artist = lookup.resolve(key[prefix.end() :]) if prefix else None
    if artist is not None and artist.tag_class is TagClass.ARTIST:
        return (artist.name,)
    return lookup.similar(key, _SUGGESTIONS)


RULE = Rule(CODE, "words that are not in the tag list", check)
