"""The plan of a page that nothing was typed into yet."""

from __future__ import annotations

from lib_kohaku.ui.markup import Markup, div

_EMPTY = "Choose a recipe, fill in the simple form, or type a formula. What will happen then shows here."


def blank_plan() -> Markup:
    """What to do."""
    return div("kohaku-plan kohaku-empty", _EMPTY)
