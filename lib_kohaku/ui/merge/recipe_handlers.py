"""Recipes and history: handlers without components."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

import gradio as gr

from lib_kohaku.app.binding import bind_roles
from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.checkpoint.source import load_header
from lib_kohaku.errors import KohakuError, RecipeError
from lib_kohaku.merge.algebra.resolve import resolve_formula
from lib_kohaku.merge.embed import read_embedded_merge
from lib_kohaku.merge.recipe import MAX_RECIPE_BYTES, Recipe, recipe_from_json, recipe_to_json
from lib_kohaku.ui.markup import Markup, notice
from lib_kohaku.ui.merge.choices import NETWORKS, label_of
from lib_kohaku.ui.merge.errors import shows_errors
from lib_kohaku.ui.merge.form import FIELDS, form_of, kept_options, read_form
from lib_kohaku.ui.merge.lists_html import deleted_html, entry_key, history_html, recipe_cards
from lib_kohaku.ui.merge.preview import bound_recipe
from lib_kohaku.ui.merge.weights_text import find_weights

# The user decides about these; no recipe does.
_KEPT_FIELDS = ("overwrite", "allow_mismatch")
# A recipe into the page: its note, every field, and the block weights with their network.
SHOWN_OUTPUTS = 1 + len(FIELDS) + 2


def show_recipe(recipe: Recipe, note: str) -> list[Any]:
    """A recipe as values for the note, the form, the weights' list and network."""
    fields = {name: value for name, value in asdict(form_of(recipe)).items() if name not in _KEPT_FIELDS}
    found = find_weights(recipe.formula)
    weights = [found[1], label_of(NETWORKS, found[0])] if found else [gr.update(), gr.update()]
    return [notice(note, "good"), *(fields.get(name, gr.update()) for name in FIELDS), *weights]


class RecipeHandlers:
    """Handlers for the cards, the history and imports."""

    def __init__(self, workbench: MergeWorkbench) -> None:
        self._workbench = workbench
        guard = shows_errors(note_at=0, outputs=SHOWN_OUTPUTS)
        self.use = guard(self._use)
        self.use_history = guard(self._use_history)
        self.use_checkpoint = guard(self._use_checkpoint)
        self.use_imported = guard(self._use_imported)
        self.use_pasted = guard(self._use_pasted)
        change = shows_errors(note_at=0, outputs=2)
        self.save = change(self._save)
        self.rename = change(self._rename)
        self.delete = change(self._delete)
        self.restore = change(self._restore)
        self.export = change(self._export)

    def cards(self) -> Markup:
        """All recipes, each with the roles that no file was found for."""
        stored, problems = self._workbench.recipes.list()
        library = self._workbench.host.library()
        remembered = self._workbench.history.bound_models()
        missing: dict[str, list[str]] = {}
        for item in stored:
            try:
                resolved = resolve_formula(item.recipe.formula, item.recipe.parameters)
                known = self._workbench.host.known_sha256
                bindings = bind_roles(item.recipe, resolved, library, {}, known, remembered)
                missing[item.name] = [binding.role for binding in bindings if not binding.file]
            except KohakuError as error:
                problems.append(f"{item.name}: {error}")
        return recipe_cards(stored, missing, problems, pasted=self._workbench.pending is not None)

    def reopen(self, draft: Any) -> list[Any]:
        """The draft that the browser kept -> every field, where only the options change."""
        kept = kept_options(draft) if isinstance(draft, str) else {}
        return [kept.get(name, gr.update()) for name in FIELDS]

    def history(self) -> Markup:
        """The newest merges."""
        return history_html(self._workbench.history.entries())

    # -- a recipe into the page -----------------------------------------------------------------------------------

    def _use(self, name: Any) -> list[Any]:
        recipe = self._workbench.recipes.get(str(name))
        return show_recipe(recipe, "")

    def _use_history(self, key: Any) -> list[Any]:
        for entry in self._workbench.history.entries():
            recipe = entry.parsed() if entry_key(entry) == key else None
            if recipe is not None:
                return show_recipe(recipe, f"Loaded the recipe of {entry.output or 'the merge that was not saved'}.")
        raise RecipeError("That merge is not in the history any more.")

    def _use_pasted(self, _: Any) -> list[Any]:
        recipe = self._workbench.take_pending()
        if recipe is None:
            raise RecipeError("The recipe of the pasted infotext was taken already.")
        return show_recipe(recipe, "Loaded the recipe of the pasted infotext.")

    def _use_checkpoint(self, name: Any) -> list[Any]:
        path = self._workbench.host.library().find(name) if isinstance(name, str) and name else None
        if path is None:
            raise RecipeError("Choose a merged checkpoint first.")
        return self._use_metadata(load_header(path).metadata, path.name)

    def _use_imported(self, text: Any) -> list[Any]:
        """A file that the browser read: ``{"name", "text"}``, or ``{"name", "metadata"}`` of a checkpoint."""
        if not isinstance(text, str) or len(text) > 4 * MAX_RECIPE_BYTES:
            raise RecipeError("The file is too large for a recipe.")
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise RecipeError("The file could not be read.") from error
        if not isinstance(document, dict):
            raise RecipeError("The file could not be read.")
        name, metadata = str(document.get("name", ""))[:100], document.get("metadata")
        if isinstance(document.get("error"), str):
            raise RecipeError(f"{name}: {document['error'][:200]}")
        if isinstance(metadata, dict):
            return self._use_metadata({str(key): str(value) for key, value in metadata.items()}, name)
        return show_recipe(recipe_from_json(str(document.get("text", ""))), f"Loaded the recipe from {name}.")

    def _use_metadata(self, metadata: Any, name: str) -> list[Any]:
        merge = read_embedded_merge(metadata)
        if merge is None:
            raise RecipeError(f"{name} does not tell how it was made.")
        if merge.recipe is None:
            raise RecipeError(
                f"{name} was merged by {merge.tool}; that recipe cannot be run here. It says:\n{merge.text[:2000]}"
            )
        return show_recipe(merge.recipe, f"Loaded the recipe from {name}.")

    # -- the store ------------------------------------------------------------------------------------------------

    def _save(self, name: Any, overwrite: Any, *values: Any) -> list[Any]:
        recipe, suggested = self._bound(values)
        wanted = name.strip() if isinstance(name, str) and name.strip() else suggested
        if overwrite is not True:
            self._refuse_taken(wanted, "Choose another name, or allow replacing it.")
        saved = self._workbench.recipes.save(wanted, recipe, overwrite=overwrite is True)
        return [notice(f"Saved as {saved.stem}.", "good"), self.cards()]

    def _refuse_taken(self, name: str, hint: str) -> None:
        """A recipe of the user's would hide one that came with the extension: not without being asked to."""
        wanted = name.removesuffix(".json")
        for stored in self._workbench.recipes.list()[0]:
            if stored.name == wanted:
                origin = " It came with the extension." if stored.shipped else ""
                raise RecipeError(f"A recipe called {wanted} exists already.{origin} {hint}")

    def _bound(self, values: Any) -> tuple[Recipe, str]:
        """The recipe with the files and hashes that are known now, and a name for it."""
        recipe, files, name = bound_recipe(self._workbench, read_form(values))
        plan = self._workbench.plan(recipe, files, allow_prediction_mismatch=True)
        return plan.recipe, name

    def _rename(self, text: Any) -> list[Any]:
        try:
            names = json.loads(text)
            old, new = str(names["old"]), str(names["new"])
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise RecipeError("Give the recipe another name.") from error
        self._refuse_taken(new, "Choose another name.")
        self._workbench.recipes.rename(old, new)
        return [notice(f"{old} is now called {new}.", "good"), self.cards()]

    def _delete(self, name: Any) -> list[Any]:
        recipe = self._workbench.recipes.get(str(name))
        self._workbench.recipes.delete(str(name))
        return [deleted_html(str(name), recipe_to_json(recipe)), self.cards()]

    def _restore(self, text: Any) -> list[Any]:
        try:
            document = json.loads(text)
            name, recipe = str(document["name"]), recipe_from_json(str(document["recipe"]))
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise RecipeError("The recipe could not be restored.") from error
        self._workbench.recipes.save(name, recipe)
        return [notice(f"{name} is back.", "good"), self.cards()]

    def _export(self, name: Any) -> list[Any]:
        """A recipe's name -> notice, ``{"name", "text"}`` for the browser to save."""
        text = recipe_to_json(self._workbench.recipes.get(str(name)))
        return ["", json.dumps({"name": f"{name}.json", "text": text}, ensure_ascii=False)]
