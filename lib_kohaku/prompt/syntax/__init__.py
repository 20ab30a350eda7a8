"""The prompt language of the webui: reading it as the webui does, and writing it without surprises.

Two views. :func:`parse` gives a lossless tree for tools that show or change a prompt. :func:`visible`,
:func:`multicond`, :func:`schedule` and :func:`attention` are the webui's own stages, one after the other, and agree
with it to the character.
"""

from lib_kohaku.prompt.syntax.attention import WeightedText, attention, read
from lib_kohaku.prompt.syntax.edit import Edit, Span, apply_edits
from lib_kohaku.prompt.syntax.errors import EditError, PromptError, UnreadableWeightError, UnwritableTagError
from lib_kohaku.prompt.syntax.escape import Place, escape, protect_number, reason_unwritable, weight_text, write_tag
from lib_kohaku.prompt.syntax.hidden import Network, networks, strip_comments, strip_networks, visible
from lib_kohaku.prompt.syntax.multicond import Condition, multicond
from lib_kohaku.prompt.syntax.nodes import (
    Alternation,
    Branch,
    Group,
    Kind,
    Leaf,
    Node,
    Part,
    Prompt,
    Schedule,
    leaves,
    source,
    walk,
)
from lib_kohaku.prompt.syntax.parser import NEGATIVE, POSITIVE, Dialect, parse
from lib_kohaku.prompt.syntax.place import place_among, place_at
from lib_kohaku.prompt.syntax.schedule import ScheduledText, Steps, schedule

__all__ = [
    "NEGATIVE",
    "POSITIVE",
    "Alternation",
    "Branch",
    "Condition",
    "Dialect",
    "Edit",
    "EditError",
    "Group",
    "Kind",
    "Leaf",
    "Network",
    "Node",
    "Part",
    "Place",
    "Prompt",
    "PromptError",
    "Schedule",
    "ScheduledText",
    "Span",
    "Steps",
    "UnreadableWeightError",
    "UnwritableTagError",
    "WeightedText",
    "apply_edits",
    "attention",
    "escape",
    "leaves",
    "multicond",
    "networks",
    "parse",
    "place_among",
    "place_at",
    "protect_number",
    "read",
    "reason_unwritable",
    "schedule",
    "source",
    "strip_comments",
    "strip_networks",
    "visible",
    "walk",
    "weight_text",
    "write_tag",
]
