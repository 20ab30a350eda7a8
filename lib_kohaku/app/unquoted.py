"""Names of checkpoints that stand in a formula without the quotes that they need."""

from __future__ import annotations

import re
from collections.abc import Iterable

from lib_kohaku.merge.formula.printer import quote_name

# Texts in quotes, and comments.
_TAKEN = re.compile(r'"(?:\\.|[^"\\\n])*"|#[^\n]*')
_SHORTEST = 3


def with_quotes(formula: str, names: Iterable[str]) -> tuple[str, list[str]]:
    """A formula with quotes around the names of checkpoints that cannot do without.

    ``animagine-xl-3.0`` is read as a subtraction; whoever typed it meant the checkpoint.

    Args:
        formula: Its text.
        names: Of the checkpoints that there are.

    Returns:
        The formula with quotes, and the names that lacked them, in the order in which they stand there.
    """
    rest = _blank(formula, _TAKEN)
    found: dict[int, tuple[int, str]] = {}
    for name in sorted(names, key=len, reverse=True):  # the longest first: others may be parts of it
        if len(name) < _SHORTEST or name.lower() not in rest.lower() or quote_name(name) == name:
            continue
        pattern = re.compile(rf"(?<![\w.$-]){re.escape(name)}(?![\w.-])", re.IGNORECASE)
        found.update({match.start(): (match.end(), name) for match in pattern.finditer(rest)})
        rest = _blank(rest, pattern)
    parts, done = [], 0
    for start, (end, name) in sorted(found.items()):
        parts += [formula[done:start], quote_name(name)]
        done = end
    in_order = [name for _, (_, name) in sorted(found.items())]
    return "".join([*parts, formula[done:]]), list(dict.fromkeys(in_order))


def _blank(text: str, pattern: re.Pattern[str]) -> str:
    return pattern.sub(lambda match: "\0" * len(match.group()), text)
