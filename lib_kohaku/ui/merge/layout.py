"""Where things stand on the merge page: what to merge on the left, what comes out on the right, history below."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gradio as gr

from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.merge.methods.registry import METHODS
from lib_kohaku.ui.ids import button, element_id, hidden, hidden_button, hidden_text, unsaved
from lib_kohaku.ui.markup import div, join
from lib_kohaku.ui.merge.blank import blank_plan
from lib_kohaku.ui.merge.choices import NETWORKS
from lib_kohaku.ui.merge.layout_output import build_jobs, build_output
from lib_kohaku.ui.merge.method_fields import method_fields
from lib_kohaku.ui.merge.parts import FormulaPart, MergePage, RecipesPart, SimplePart, WeightsPart, html
from lib_kohaku.ui.merge.simple_formula import SETTING_FIELDS, SINGLE_FIELDS, is_simple
from lib_kohaku.ui.merge.weights_text import presets_for

if TYPE_CHECKING:
    from lib_kohaku.host.base import HostInfo

FORMULA_HINT = "beta7 + 0.8*(anxl3 - anxl2) + 0.5*(base7 - beta7)"


def build_page(info: HostInfo, profile: str) -> MergePage:
    """Make all components, inside the current gradio block."""
    with gr.Row(elem_id=element_id("merge_columns")):
        with gr.Column(elem_id=element_id("merge_input")):
            gr.HTML(div("kohaku-title", "What to merge"))
            refresh = button("Refresh lists", "refresh")
            with gr.Tabs(elem_id=element_id("merge_sources")):
                with gr.TabItem("Recipes", elem_id=element_id("source_recipes")):
                    recipes = build_recipes()
                with gr.TabItem("Simple", elem_id=element_id("source_simple")):
                    simple = build_simple()
                with gr.TabItem("Block weights", elem_id=element_id("source_weights")):
                    weights = build_weights()
            formula = build_formula()
        with gr.Column(elem_id=element_id("merge_output")):
            output, jobs = build_output(lambda: build_jobs(info, refresh), profile)
    with gr.Accordion("History", open=False, elem_id=element_id("history_section")):
        history = html("history")
    return MergePage(formula, recipes, simple, weights, output, jobs, history)


def build_formula() -> FormulaPart:
    """The formula box and the plan."""
    formula = unsaved(
        gr.Textbox(
            label="Formula",
            placeholder=FORMULA_HINT,
            lines=3,
            max_lines=12,
            elem_id=element_id("formula"),
        )
    )
    plan = html("plan", blank_plan())
    with hidden():
        choices, origin, candidates = hidden_text("choices"), hidden_text("origin"), hidden_text("candidates")
        plan_button = hidden_button("plan_button")
    return FormulaPart(formula, choices, origin, plan, plan_button, candidates)


def build_recipes() -> RecipesPart:
    """Cards, then saving and importing."""
    cards = html("recipe_cards")
    note = html("recipe_note")
    with gr.Accordion("Save or import a recipe", open=False, elem_id=element_id("recipe_tools")):
        with gr.Row(elem_classes=["kohaku-form-row"]):
            name = unsaved(gr.Textbox(label="Recipe name", elem_id=element_id("recipe_name"), max_lines=1))
            save = button("Save recipe", "recipe_save")
        replace = unsaved(
            gr.Checkbox(False, label="Replace a recipe of that name", elem_id=element_id("recipe_replace"))
        )
        with gr.Row(elem_classes=["kohaku-form-row"]):
            checkpoint = unsaved(
                gr.Dropdown([], label="Merged checkpoint", elem_id=element_id("recipe_checkpoint"), interactive=True)
            )
            from_checkpoint = button("Read its recipe", "recipe_from_checkpoint")
            verify_checkpoint = button("Verify this file", "verify_checkpoint")
        from_file = button("Import a recipe file", "recipe_from_file")
        gr.HTML(
            div(
                "kohaku-hint", "Or drop a recipe or a merged checkpoint anywhere on this page; only its header is read."
            )
        )
    with hidden():
        exported = hidden_text("recipe_exported")
    return RecipesPart(
        cards, note, name, replace, save, from_file, checkpoint, from_checkpoint, verify_checkpoint, exported
    )


def build_simple() -> SimplePart:
    """Fields for the method with the most of everything; those that a method lacks are hidden."""
    simple = [method for method in METHODS.values() if is_simple(method)]
    labels = [method.label for method in simple]
    about, *shown = method_fields(simple[0])
    fields = iter(shown)
    method = unsaved(
        gr.Dropdown(labels, value=labels[0], label="Method", elem_id=element_id("method"), interactive=True)
    )
    about_html = html("method_about", about)
    with gr.Row(elem_id=element_id("simple_models"), elem_classes=["kohaku-form-row"]):
        singles = tuple(_models(f"model_{index + 1}", next(fields)) for index in range(SINGLE_FIELDS))
    many = _models("models", next(fields), multiselect=True)
    with gr.Row(elem_classes=["kohaku-form-row"]):
        settings = tuple(
            unsaved(gr.Slider(step=0.01, elem_id=element_id(f"setting_{index + 1}"), **next(fields)))
            for index in range(SETTING_FIELDS)
        )
    numbers = unsaved(gr.Textbox(placeholder="0.5, 0.3, 0.2", elem_id=element_id("numbers"), **next(fields)))
    by_blocks = unsaved(gr.Checkbox(elem_id=element_id("by_blocks"), **next(fields)))
    note = html("simple_note")
    with hidden():
        write = hidden_button("simple_write")
    return SimplePart(method, about_html, singles, many, settings, numbers, by_blocks, write, note)


def _models(name: str, fields: dict[str, Any], multiselect: bool = False) -> gr.Dropdown:
    return unsaved(
        gr.Dropdown([], elem_id=element_id(name), interactive=True, multiselect=multiselect or None, **fields)
    )


def build_weights() -> WeightsPart:
    """One slider per block of the larger network; the blocks that SDXL lacks are hidden by style."""
    with gr.Row(elem_classes=["kohaku-form-row"]):
        network = unsaved(
            gr.Radio(list(NETWORKS), value=next(iter(NETWORKS)), label="Network", elem_id=element_id("network"))
        )
        preset = unsaved(
            gr.Dropdown(presets_for(block_map("sdxl")), label="Preset", elem_id=element_id("preset"), interactive=True)
        )
    gr.HTML(join(div("kohaku-picture", id="kohaku_weights_picture"), div("kohaku-hint kohaku-weights-tell")))
    with gr.Row(elem_classes=["kohaku-form-row"]):
        text = unsaved(
            gr.Textbox(
                ",".join(["0"] * len(block_map("sdxl").names)),
                label="Weights as a list",
                elem_id=element_id("weights"),
                lines=2,
                max_lines=3,
            )
        )
        put = button("Use in the formula", "weights_put", variant="primary")
    html("weights_place", div("kohaku-hint"))
    note = html("weights_note")
    with gr.Row(elem_id=element_id("weight_sliders")):
        sliders = tuple(
            unsaved(gr.Slider(0, 1, 0, step=0.01, label=name, elem_id=element_id(f"weight_{name.lower()}")))
            for name in block_map("sd1").names
        )
    return WeightsPart(network, preset, text, put, note, sliders)
