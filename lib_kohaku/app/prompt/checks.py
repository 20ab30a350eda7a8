"""Everything that is said beside a prompt while it is typed: lint, chunks of 75 tokens, which words it has."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.app.prompt.words import pickers, present_words
from lib_kohaku.errors import KohakuError, RefusedError
from lib_kohaku.prompt.chunks import ChunkedPart, Tokenizer, chunk_prompt
from lib_kohaku.prompt.format import TagClass, tag_key
from lib_kohaku.prompt.lint import Finding, lint
from lib_kohaku.prompt.lint.rules import alias, foreign_word, unknown_tag
from lib_kohaku.prompt.lint.run import fix_all
from lib_kohaku.prompt.profiles.model import Profile

# Beyond this a prompt is no prompt any more, and checking it at every key would cost more than it helps.
LONGEST_CHECKED = 20_000
# What these rules say is a matter of taste where the model's own source recommends the words.
_OPINIONS = frozenset({alias.CODE, foreign_word.CODE, unknown_tag.CODE})


@dataclass(frozen=True)
class Checks:
    """What is said about one prompt.

    Attributes:
        findings: What is wrong, or might be; each offers its fixes.
        parts: Its chunks, per part between ``AND``; empty if the host would stop with an error.
        words: The words of the model's own that it has, by kind; empty for a negative prompt.
        problem: Why it could not be checked; empty if it was.
    """

    findings: tuple[Finding, ...] = ()
    parts: tuple[ChunkedPart, ...] = ()
    words: Mapping[TagClass, tuple[str, ...]] = field(default_factory=dict)
    problem: str = ""


def check(text: str, known: Knowledge, tokenizer: Tokenizer, backtrack: int, *, negative: bool = False) -> Checks:
    """Check a prompt.

    Args:
        text: The prompt.
        known: The model and the tags.
        tokenizer: Counts the tokens.
        backtrack: The host's option ``comma_padding_backtrack``, in tokens.
        negative: Whether it is the negative one.
    """
    if len(text) > LONGEST_CHECKED:
        return Checks(problem=f"Prompts of more than {LONGEST_CHECKED:,} characters are not checked.")
    dialect = known.negative if negative else known.dialect
    kinds = [] if negative else [picker.tag_class for picker in pickers(known.profile)]
    words = {kind: present_words(text, kind, known) for kind in kinds}
    advised = _advised(known.profile)
    found = lint(text, known.spec, known.shelf.lookup, dialect)
    findings = tuple(finding for finding in found if not _is_advice(text, finding, advised))
    try:
        parts = tuple(chunk_prompt(text, tokenizer, dialect, backtrack=backtrack))
    except KohakuError as error:  # lint has the place and a fix
        return Checks(findings, (), words, str(error))
    return Checks(findings, parts, words)


def fix(text: str, known: Knowledge, *, negative: bool = False) -> str:
    """The prompt with the best fix of everything that :func:`check` calls an error or a warning.

    Raises:
        RefusedError: If it is longer than what is checked.
    """
    if len(text) > LONGEST_CHECKED:
        raise RefusedError(f"Prompts of more than {LONGEST_CHECKED:,} characters are not checked.")
    advised = _advised(known.profile)
    dialect = known.negative if negative else known.dialect
    return fix_all(
        text,
        known.spec,
        known.shelf.lookup,
        dialect,
        unless=lambda prompt, finding: _is_advice(prompt, finding, advised),
    )


def _is_advice(text: str, finding: Finding, advised: frozenset[str]) -> bool:
    """Whether a rule that is a matter of taste is about words that the model's source recommends."""
    words = tag_key(text[finding.span.start : finding.span.end])
    return finding.code in _OPINIONS and words in advised


def _advised(profile: Profile) -> frozenset[str]:
    """Everything that the model's source recommends to write."""
    words = (word for advice in (*profile.positive, *profile.negative) for word in advice.text.split(","))
    return frozenset(tag_key(word.strip(" ()[]")) for word in words)
