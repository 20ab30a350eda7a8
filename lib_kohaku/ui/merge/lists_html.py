"""The cards of the recipes and the table of the history."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone

from lib_kohaku.app.history import HistoryEntry
from lib_kohaku.merge.recipe_store import StoredRecipe
from lib_kohaku.ui.markup import Markup, action, div, notice, span, tag
from lib_kohaku.units import format_seconds

_SHOWN = 100
_TEXT_LENGTH = 200


def recipe_cards(
    recipes: Sequence[StoredRecipe], missing: dict[str, list[str]], problems: Sequence[str], *, pasted: bool = False
) -> Markup:
    """One card per recipe, own ones first.

    Args:
        recipes: All recipes.
        missing: Recipe name to the roles that no file was found for.
        problems: Files in the folder that are no recipes.
        pasted: Whether a recipe waits that came with a pasted infotext. It is offered, not put into the form: somebody
            else may have pasted it.
    """
    ordered = sorted(recipes, key=lambda stored: stored.shipped)
    cards = [_card(stored, missing.get(stored.name, [])) for stored in ordered]
    offer = div(
        "kohaku-notice kohaku-good",
        "An infotext was pasted that names a merge.",
        div("kohaku-row", action("Use its recipe", "pasted_use", "", "Put it into the formula")),
    )
    offers = [offer] if pasted else []
    return div("kohaku-cards", *offers, *cards, *(notice(problem, "warning") for problem in problems))


def _card(stored: StoredRecipe, missing: Sequence[str]) -> Markup:
    state = (
        span("kohaku-badge", "not found: " + ", ".join(missing))
        if missing
        else span("kohaku-badge kohaku-ready", "ready")
    )
    use = tag(
        "button",
        span("kohaku-card-name", _shortened(stored.recipe.title or stored.name)),
        *([span("kohaku-hint kohaku-mono", stored.name)] if stored.recipe.title else []),
        state,
        span("kohaku-card-text", _shortened(stored.recipe.description or stored.recipe.formula)),
        type="button",
        class_="kohaku-card-use",
        data_kohaku_action="recipe_use",
        data_kohaku_value=stored.name,
    )
    tools = [action("Export", "recipe_export", stored.name, "Save it as a file to share")]
    if not stored.shipped:
        rename = tag(
            "button",
            "Rename",
            type="button",
            class_="kohaku-action",
            data_kohaku_rename=stored.name,
            title="Give it another name",
        )
        tools += [rename, action("Delete", "recipe_delete", stored.name, "You can undo this")]
    return div("kohaku-card", use, div("kohaku-row", *tools))


def _shortened(text: str) -> str:
    """Recipes come from strangers: a text of a megabyte must not fill the page."""
    return text if len(text) <= _TEXT_LENGTH else text[:_TEXT_LENGTH] + " ..."


def deleted_html(name: str, recipe_text: str) -> Markup:
    """What was deleted, with a way back."""
    value = json.dumps({"name": name, "recipe": recipe_text}, ensure_ascii=False)
    return div("kohaku-notice kohaku-good", f"Deleted {name}. ", action("Undo", "recipe_restore", value), role="status")


def history_html(entries: Sequence[HistoryEntry]) -> Markup:
    """The newest merges."""
    if not entries:
        return div("kohaku-empty", "Merges that you make are listed here, each with its recipe.")
    titles = ("When", "Result", "Formula", "Took", "Verified", "")
    head = tag("tr", *(tag("th", title, scope="col") for title in titles))
    rows = [_history_row(entry) for entry in entries[:_SHOWN]]
    return div(
        "kohaku-scroll", tag("table", tag("thead", head), tag("tbody", *rows), class_="kohaku-table kohaku-history")
    )


def _history_row(entry: HistoryEntry) -> Markup:
    recipe = entry.parsed()
    formula = recipe.formula if recipe is not None else "(damaged)"
    verified = {"passed": span("kohaku-ready", "passed"), "failed": span("kohaku-off", "FAILED")}.get(entry.verified)
    tools = [action("Use again", "history_use", entry_key(entry), "Load its recipe into the page")] if recipe else []
    if entry.output:
        tools.append(action("Verify", "verify", entry.output, "Check the file against its recipe"))
    return tag(
        "tr",
        tag("td", _when(entry.when), title=entry.when),
        tag("td", entry.output or "loaded, not saved", class_="kohaku-name"),
        tag("td", _shortened(formula), class_="kohaku-mono kohaku-formula-cell", title=formula),
        tag("td", format_seconds(entry.seconds), class_="kohaku-number"),
        tag("td", verified or ("not yet" if entry.output else "")),
        tag("td", div("kohaku-row", *tools)),
    )


def entry_key(entry: HistoryEntry) -> str:
    """What tells an entry from the others."""
    return f"{entry.when} {entry.output}"


def _when(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return text[:16]
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=timezone.utc)
    return moment.astimezone().strftime("%Y-%m-%d %H:%M")
