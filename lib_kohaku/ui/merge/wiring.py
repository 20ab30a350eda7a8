"""Events of the merge page."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gradio as gr

from lib_kohaku.later import LaterHandlers
from lib_kohaku.ui.ids import QUIET, hidden, hidden_button, hidden_text, js
from lib_kohaku.ui.markup import Markup, div, notice, span
from lib_kohaku.ui.merge.choices import policy_choices
from lib_kohaku.ui.merge.form import FIELDS

if TYPE_CHECKING:
    from lib_kohaku.app.merging import MergeWorkbench
    from lib_kohaku.host.base import LoadedModel
    from lib_kohaku.ui.merge.handlers import MergeHandlers
    from lib_kohaku.ui.merge.parts import MergePage


def wire_page(page: MergePage, workbench: MergeWorkbench) -> None:
    """Connect everything."""
    Wiring(page, workbench).connect()


def _handlers(workbench: MergeWorkbench) -> MergeHandlers:
    from lib_kohaku.ui.merge.handlers import MergeHandlers

    return MergeHandlers(workbench)


class Wiring:
    """The page's events, one method per part."""

    def __init__(self, page: MergePage, workbench: MergeWorkbench) -> None:
        self._page = page
        self._workbench = workbench
        handlers = LaterHandlers(lambda: _handlers(workbench))
        self._run, self._recipes, self._fields = handlers.run, handlers.recipes, handlers.fields
        with hidden():
            self._value = hidden_text("action_value")
        self._job_outputs = [page.jobs.note, page.jobs.job]
        self._recipe_outputs = [page.recipes.note, *page.form, page.weights.text, page.weights.network]

    def connect(self) -> None:
        """All parts."""
        self._plan()
        self._simple()
        self._weights()
        self._jobs()
        self._recipe_cards()
        self._lists()

    # -- formula and plan -----------------------------------------------------------------------------------------

    def _plan(self) -> None:
        page = self._page
        plan = page.formula.plan_button.click(
            self._run.plan, page.form, [page.formula.plan, page.output.note, page.output.name], **QUIET
        )
        arrived = f"(...values) => window.kohaku.plan.arrived({json.dumps(FIELDS)}, values)"
        plan.then(None, page.form, None, _js=arrived, **QUIET)
        self._action("draft_reopen", self._recipes.reopen, page.form)
        for component in page.form:
            component.change(None, None, None, _js=js("plan.soon"), **QUIET)
        page.output.preview_button.click(self._run.metadata, page.form, page.output.preview, **QUIET)

    def _simple(self) -> None:
        part, fields = self._page.simple, self._fields
        fields_of_method = [part.about, *part.singles, part.many, *part.settings, part.numbers, part.by_blocks]
        part.method.input(None, None, None, _js=js("simple.expect"), **QUIET)
        shown = part.method.input(fields.show_method, part.method, fields_of_method, **QUIET)
        shown.then(None, None, None, _js=js("simple.soon"), **QUIET)
        for component in part.values[1:]:
            component.input(None, None, None, _js=js("simple.soon"), **QUIET)
        written = part.write.click(
            fields.write_simple,
            [self._page.weights.text, self._page.formula.choices, *part.values],
            [self._page.formula.formula, part.note, self._page.formula.choices],
            **QUIET,
        )
        written.then(None, None, None, _js=js("simple.written"), **QUIET)

    def _weights(self) -> None:
        part, fields = self._page.weights, self._fields
        part.text.change(None, [part.text, part.network], None, _js=js("weights.show"), **QUIET)
        changed = part.network.change(fields.presets, part.network, part.preset, **QUIET)
        changed.then(None, [part.text, part.network], None, _js=js("weights.show"), **QUIET)
        part.preset.input(None, None, None, _js=js("weights.expect"), **QUIET)
        preset = part.preset.input(fields.use_preset, [part.preset, part.network], [part.text, part.note], **QUIET)
        preset.then(None, None, None, _js=js("weights.chosen"), **QUIET)
        formula = self._page.formula.formula
        put = part.put.click(fields.put_weights, [formula, part.text, part.network], [formula, part.note], **QUIET)
        put.then(None, None, None, _js=js("weights.put"), **QUIET)

    # -- jobs -----------------------------------------------------------------------------------------------------

    def _jobs(self) -> None:
        jobs, form = self._page.jobs, self._page.form
        self._starts(jobs.merge.click, self._run.merge, form)
        if jobs.load_unsaved is not None:
            self._starts(jobs.load_unsaved.click, self._run.load_unsaved, form)
        if jobs.restore is not None:
            self._starts(jobs.restore.click, self._run.restore, [])
        self._starts(jobs.stop.click, self._run.stop, [])
        self._starts(self._page.recipes.verify_checkpoint.click, self._run.verify, [self._page.recipes.checkpoint])
        self._action("verify", self._run.verify, self._job_outputs, "jobs.acted")
        self._action("load", self._run.load, self._job_outputs, "jobs.acted")
        jobs.poll.click(self._run.job, None, jobs.job, **QUIET).then(None, None, None, _js=js("jobs.look"), **QUIET)

    def _starts(self, event: Callable[..., Any], handler: Callable[..., Any], inputs: Sequence[Any]) -> None:
        started = event(handler, list(inputs), self._job_outputs, **QUIET)
        started.then(None, None, None, _js=js("jobs.began"), **QUIET)

    def _action(
        self, name: str, handler: Callable[..., Any], outputs: Sequence[Any], then: str = "", then_inputs: Any = None
    ) -> None:
        """What a button inside HTML does: ``window.kohaku`` presses the hidden button of its name."""
        with hidden():
            pressed = hidden_button(f"action_{name}")
        event = pressed.click(handler, self._value, list(outputs), _js=js("actions.take"), **QUIET)
        if then:
            event.then(None, then_inputs, None, _js=js(then), **QUIET)

    # -- recipes and history --------------------------------------------------------------------------------------

    def _recipe_cards(self) -> None:
        part, recipes = self._page.recipes, self._recipes
        self._action("recipe_use", recipes.use, self._recipe_outputs, "actions.showFormula")
        self._action("history_use", recipes.use_history, self._recipe_outputs, "actions.showFormula")
        self._action("recipe_import", recipes.use_imported, self._recipe_outputs, "actions.showFormula")
        self._action("pasted_use", recipes.use_pasted, self._recipe_outputs, "actions.showTaken")
        changed = [part.note, part.cards]
        self._action("recipe_rename", recipes.rename, changed)
        self._action("recipe_delete", recipes.delete, changed)
        self._action("recipe_restore", recipes.restore, changed)
        self._action("recipe_export", recipes.export, [part.note, part.exported], "recipes.download", part.exported)
        part.save.click(recipes.save, [part.name, part.replace, *self._page.form], changed, **QUIET)
        part.from_checkpoint.click(recipes.use_checkpoint, part.checkpoint, self._recipe_outputs, **QUIET)
        part.from_file.click(None, None, None, _js=js("recipes.chooseFile"), **QUIET)

    # -- what the folders hold ------------------------------------------------------------------------------------

    def _lists(self) -> None:
        page, jobs = self._page, self._page.jobs
        outputs = [
            page.formula.candidates,
            page.recipes.cards,
            page.history,
            jobs.job,
            jobs.loaded,
            page.output.vae,
            page.output.text_encoders,
            *page.model_lists,
            *([] if jobs.restore is None else [jobs.restore]),
        ]
        for event, handler in (
            (jobs.open.click, self._lists_now),
            (jobs.ended.click, self._lists_now),
            (jobs.refresh.click, self._refresh),
        ):
            event(handler, None, outputs, **QUIET).then(None, None, None, _js=js("page.refreshed"), **QUIET)

    def _refresh(self) -> list[Any]:
        """The same after the host has looked for files."""
        self._workbench.host.refresh_checkpoints()
        return self._lists_now()

    def _lists_now(self) -> list[Any]:
        """Everything that depends on the files that there are, on the history and on the loaded model."""
        try:
            names, vaes = self._fields.model_names(), self._fields.vae_names()
            candidates, cards = self._fields.candidates(), self._recipes.cards()
        except Exception as error:  # a folder that went away must not take the whole page with it
            names, vaes, candidates, cards = [], [], "", notice(f"The checkpoints cannot be listed: {error}")
        policies = [gr.update(choices=policy_choices(sources)) for sources in ([*vaes, *names], names)]
        lists = [gr.update(choices=names) for _ in self._page.model_lists]
        loaded = self._workbench.host.loaded_model()
        restore = [gr.update(visible=loaded is not None and loaded.unsaved)] if self._page.jobs.restore else []
        now = [self._recipes.history(), self._run.job(), _loaded(loaded)]
        return [candidates, cards, *now, *policies, *lists, *restore]


def _loaded(model: LoadedModel | None) -> Markup:
    if model is None:
        return Markup("")
    unsaved = f" (not saved; {model.previous} comes back with Restore the model)" if model.unsaved else ""
    return div("kohaku-hint", "Loaded now: ", span("kohaku-mono", model.name), unsaved)
