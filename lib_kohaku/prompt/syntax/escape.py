r"""Writing a tag so that the webui reads exactly that tag.

The webui's parser knows ``\(`` ``\)`` ``\[`` ``\]`` and ``\\``; before anything else it just drops a backslash. That
gives an escape for everything that would otherwise be read as something else:

* ``:3`` at the end of a prompt is taken for a weight (webui issue 7948); ``:\3`` is not, and reads as ``:3``.
* ``|`` outside of ``[a|b]`` spoils every schedule of the prompt; ``\|`` does not.
* ``AND`` and ``<lora:`` as words become ``A\ND`` and ``<\lora:``.

So a written tag means the same in the middle of a prompt, at its end, and inside weights. Inside ``[...]`` a colon
separates, and needs ``\:``; see :class:`Place`. Only ``#`` has no escape: what follows it is a comment.
"""

from __future__ import annotations

import math
import re
from decimal import Decimal
from enum import Enum

from lib_kohaku.prompt.syntax.errors import PromptError, UnwritableTagError

# `number` is a colon (and blanks) before a number with which the tag ends: `)`, `AND` or the end may come next.
# `before` is a character that must not touch the next one.
_ESCAPED = re.compile(
    r"(?P<special>[\\()\[\]|])"
    r"|(?P<number>:\s*(?=[+-]?[.\d]+\s*$))"
    r"|(?P<colon>:)"
    r"|(?P<before>\bA(?=ND\b)|\bB(?=REAK\b)|<(?=\w+(?::|$)))"
)

_NUMBER_AT_END = re.compile(r":\s*(?=[+-]?[.\d]+\s*$)")


class Place(Enum):
    """Where in a prompt a text is going to stand."""

    OPEN = "open"
    """Anywhere that is not inside ``[...]``: at top level or inside ``(...)``."""
    BRANCH = "branch"
    """Inside ``[...]``: a schedule, an alternation or a lowered weight, at whatever depth."""


def reason_unwritable(name: str, *, comments: bool = True) -> str | None:
    """Why no text reads as this tag, in plain words; None if there is one.

    Args:
        name: The tag.
        comments: Whether the webui's option "Enable comments" is on, as it is by default.
    """
    if comments and "#" in name:
        return "the webui takes '#' and the rest of the line for a comment (its option 'Enable comments')"
    return None if name.strip() else "it has no text"


def escape(name: str, place: Place = Place.OPEN, *, comments: bool = True) -> str:
    r"""The text that the webui reads as ``name`` at weight 1.

    >>> escape("saber (fate)"), escape(":3"), escape(":d", Place.BRANCH)
    ('saber \\(fate\\)', ':\\3', '\\:d')

    Raises:
        UnwritableTagError: If there is no such text; see :func:`reason_unwritable`.
    """
    reason = reason_unwritable(name, comments=comments)
    if reason:
        raise UnwritableTagError(name, reason)
    colon = "\\" if place is Place.BRANCH else ""

    def escaped(match: re.Match[str]) -> str:
        text = match.group()
        if match.lastgroup == "special":
            return "\\" + text
        if match.lastgroup == "number":
            return colon + text + "\\"
        return colon + text if match.lastgroup == "colon" else text + "\\"

    return _ESCAPED.sub(escaped, name)


def write_tag(name: str, weight: float = 1.0, place: Place = Place.OPEN, *, comments: bool = True) -> str:
    r"""The text that the webui reads as ``name`` at the weight.

    >>> write_tag("saber (fate)", 1.2)
    '(saber \\(fate\\):1.2)'

    Raises:
        UnwritableTagError: If there is no such text.
        PromptError: If the weight is infinite or not a number.
    """
    text = escape(name, place, comments=comments)
    return text if weight == 1 else f"({text}:{weight_text(weight)})"


def protect_number(source: str) -> str:
    r"""A piece of a prompt that can stand anywhere without the number at its end becoming a weight.

    >>> protect_number("solo, :3")
    'solo, :\\3'
    """
    return _NUMBER_AT_END.sub(lambda match: match.group() + "\\", source)


def weight_text(weight: float) -> str:
    """A weight in the form that the webui reads: the shortest digits that mean it, never an exponent.

    Raises:
        PromptError: If it is infinite or not a number.
    """
    if not math.isfinite(weight):
        raise PromptError(f"{weight} is not a weight; write a number such as 1.2")
    text = format(Decimal(repr(float(weight))), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
