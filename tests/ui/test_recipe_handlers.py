"""Recipes and history as the page's buttons use them."""

from __future__ import annotations

import json
from dataclasses import astuple

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")


from lib_kohaku.merge.recipe import Recipe, recipe_from_json, recipe_to_json
from lib_kohaku.progress import SilentProgress
from lib_kohaku.ui.merge.field_handlers import FieldHandlers
from lib_kohaku.ui.merge.form import FIELDS, MergeForm
from lib_kohaku.ui.merge.lists_html import entry_key
from lib_kohaku.ui.merge.recipe_handlers import SHOWN_OUTPUTS, RecipeHandlers

FORMULA = "beta7 + anxl3 - anxl2"
FORM = astuple(MergeForm(formula=FORMULA))


@pytest.fixture
def recipes(workbench) -> RecipeHandlers:
    return RecipeHandlers(workbench)


def field(shown: list[object], name: str) -> object:
    assert len(shown) == SHOWN_OUTPUTS
    return shown[1 + FIELDS.index(name)]


def test_a_recipe_fills_the_page(recipes):
    shown = recipes.use("gamma-rev2-mbw")
    assert "weighted_sum(rev2, anxl3, mbw(0,0.1" in field(shown, "formula")
    assert shown[-2].startswith("0,0.1,0.1,0")
    assert shown[-1] == "SDXL (20 blocks)"
    assert isinstance(field(shown, "overwrite"), dict)  # the user's choice stays


def test_cards_tell_which_models_are_there(recipes, workbench):
    assert recipes.cards().count(">ready<") == 3
    (workbench.host.output_folder() / "base8.safetensors").unlink()
    cards = recipes.cards()
    assert cards.count(">ready<") == 1
    assert cards.count("not found: base8") == 2


def test_save_rename_delete_undo(recipes, workbench):
    note, cards = recipes.save("mine", False, *FORM)
    assert "Saved as mine." in note
    assert 'data-kohaku-value="mine"' in cards
    assert workbench.recipes.get("mine").models["anxl3"].file == "anxl3.safetensors"
    assert "exists" in recipes.save("mine", False, *FORM)[0]
    assert "Saved" in recipes.save("mine", True, *FORM)[0]
    recipes.rename(json.dumps({"old": "mine", "new": "yours"}))
    assert workbench.recipes.get("yours").formula == FORMULA
    note, cards = recipes.delete("yours")
    assert 'data-kohaku-value="yours"' not in cards
    undo = json.dumps({"name": "yours", "recipe": recipe_to_json(Recipe(FORMULA))})
    assert "yours is back." in recipes.restore(undo)[0]
    assert workbench.recipes.get("yours").formula == FORMULA


def test_the_undo_button_holds_the_recipe(recipes, workbench):
    recipes.save("mine", False, *FORM)
    note, _ = recipes.delete("mine")
    assert "recipe_restore" in note
    assert "&quot;name&quot;: &quot;mine&quot;" in note


def test_without_a_name_the_suggested_one_is_used(recipes, workbench):
    assert "Saved as beta7+anxl3+anxl2." in recipes.save("", False, *FORM)[0]


@pytest.mark.parametrize("name", ["../x", "a/b", "CON", ".hidden"])
def test_unsafe_names_are_refused(recipes, workbench, name):
    assert "kohaku-error" in recipes.save(name, True, *FORM)[0]
    assert "kohaku-error" in recipes.rename(json.dumps({"old": "gamma-rev1", "new": name}))[0]


def test_shipped_recipes_stay(recipes):
    assert "came with the extension" in recipes.delete("gamma-rev1")[0]


def test_export_and_import(recipes):
    _, text = recipes.export("gamma-rev1")
    file = json.loads(text)
    assert file["name"] == "gamma-rev1.json"
    assert recipe_from_json(file["text"]).name == "gamma-rev1"
    shown = recipes.use_imported(json.dumps({"name": "x.json", "text": file["text"]}))
    assert "0.8*(anxl3 - anxl2)" in field(shown, "formula")


def merged(workbench) -> str:
    from lib_kohaku.merge.to_file import merge_to_file

    merge_to_file(workbench.plan(Recipe(FORMULA, name="m")), workbench.output_path("m"), progress=SilentProgress())
    return "m"


def test_the_recipe_of_a_merged_checkpoint(recipes, workbench):
    shown = recipes.use_checkpoint(merged(workbench))
    assert field(shown, "formula") == FORMULA
    assert "does not tell how it was made" in recipes.use_checkpoint("beta7")[0]
    assert "Choose a merged checkpoint" in recipes.use_checkpoint("../m.safetensors")[0]


@pytest.mark.parametrize(
    "document",
    [
        {"name": "x", "text": "{}"},
        {"name": "x", "text": "<script>"},
        {"name": "x", "metadata": {}},
        {"name": "x", "metadata": {"sd_merge_recipe": '{"type": "webui", "evil": "<b>"}'}},
        {"name": "<b>", "error": "<b>"},
        [],
        "x" * 5_000_000,
    ],
    ids=lambda document: str(document)[:40],
)
def test_files_that_are_no_recipes_are_told_so(recipes, document):
    note = recipes.use_imported(json.dumps(document))[0]
    assert "kohaku-error" in note
    assert "<b>" not in note
    assert "Unexpected" not in note


def test_history_brings_a_recipe_back(recipes, workbench):
    assert "listed here" in recipes.history()
    entry = workbench.history.add(Recipe(FORMULA, name="<m>"), "m.safetensors", 75)
    table = recipes.history()
    assert "1 min 15 s" in table
    assert "m.safetensors" in table
    shown = recipes.use_history(entry_key(entry))
    assert field(shown, "formula") == FORMULA
    assert "not in the history" in recipes.use_history("x")[0]


def test_completion_offers_names_as_the_formula_writes_them(workbench):
    folder = workbench.host.output_folder()
    (folder / "kohaku-xl beta.safetensors").write_bytes((folder / "beta7.safetensors").read_bytes())
    candidates = json.loads(FieldHandlers(workbench).candidates())
    inserts = {model["name"]: model["insert"] for model in candidates["models"]}
    assert inserts["beta7"] == "beta7"
    assert inserts["kohaku-xl beta"] == '"kohaku-xl beta"'
    assert "weighted_sum(" in {method["insert"] for method in candidates["methods"]}
    assert [len(names) for names in candidates["blocks"].values()] == [20, 26]


def test_long_texts_of_a_stranger_s_recipe_do_not_fill_the_page(workbench):
    workbench.recipes.save("long", Recipe("beta7", description="x" * 100_000))
    assert len(RecipeHandlers(workbench).cards()) < 20_000


def test_a_shipped_recipe_is_not_hidden_without_consent(recipes, workbench):
    assert "gamma-rev1 exists already. It came with the extension." in recipes.save("gamma-rev1", False, *FORM)[0]
    recipes.save("mine", False, *FORM)
    note = recipes.rename(json.dumps({"old": "mine", "new": "gamma-rev1"}))[0]
    assert "gamma-rev1 exists already" in note
    assert "0.8*(anxl3" in workbench.recipes.get("gamma-rev1").formula.replace(" ", "")
    assert "Saved as gamma-rev1." in recipes.save("gamma-rev1", True, *FORM)[0]
