"""The page's fields and recipes, both ways."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest

from lib_kohaku.errors import RecipeError
from lib_kohaku.merge.recipe import ModelReference, Recipe
from lib_kohaku.ui.merge.choices import AS_ABOVE, AS_RECIPE, policy_choices
from lib_kohaku.ui.merge.form import FIELDS, MergeForm, form_of, kept_options, read_form, recipe_of

RECIPES = [
    Recipe("a + b - c"),
    Recipe("a", name="n", description="d", models={"a": ModelReference("x.safetensors", "0" * 64)}, seed=7),
    Recipe("a", components={"vae": "merge", "te1": "base", "te2": "base"}, profile="mecha"),
    Recipe("a", components={"vae": "from:other model", "unet": "base"}, base="a"),
    Recipe("a", dtypes={"default": "fp16", "unet": "fp8_e4m3fn", "vae": "fp32"}),
    Recipe("a", components={"te1": "base"}, dtypes={"te2": "bf16"}),  # the page has one field for both encoders
]


@pytest.mark.parametrize("recipe", RECIPES, ids=range(len(RECIPES)))
def test_a_recipe_survives_the_page(recipe):
    assert recipe_of(form_of(recipe)) == recipe


def test_what_the_page_has_no_field_for_is_shown_as_such():
    form = form_of(RECIPES[-1])
    assert form.text_encoders == AS_RECIPE
    assert form.text_encoders_precision == AS_RECIPE


def test_a_field_that_is_changed_wins_over_the_loaded_recipe():
    form = replace(form_of(RECIPES[2]), vae="The base model's", text_encoders="Merged", precision="fp16")
    changed = recipe_of(form)
    assert changed.components == {}
    assert changed.dtypes == {"default": "fp16"}


def test_parameter_values_are_written_into_the_formula():
    recipe = Recipe("$alpha = 0.5 in [0, 1]\n$b=2\na*$alpha + b*$b", parameters={"alpha": 0.125, "b": 3.0})
    form = form_of(recipe)
    assert form.formula == "$alpha = 0.125 in [0, 1]\n$b=3\na*$alpha + b*$b"
    assert recipe_of(form).parameters == {}


@pytest.mark.parametrize(
    "change",
    [{"vae": "Something"}, {"precision": "fp12"}, {"unet_precision": ""}, {"profile": "x"}, {"vae": "From: "}],
    ids=str,
)
def test_choices_that_the_page_does_not_offer_are_refused(change):
    with pytest.raises(RecipeError):
        recipe_of(replace(MergeForm(formula="a"), **change))


def test_values_of_wrong_types_count_as_empty():
    assert read_form([None] * len(FIELDS)) == MergeForm()
    form = read_form([[] if isinstance(value, str) else "x" for value in asdict(MergeForm()).values()])
    assert form == MergeForm()


@pytest.mark.parametrize("hidden", ["{", "[]", '{"files": 3, "base": []}', "x" * 2_000_000, "[" * 100_000], ids=len)
def test_damaged_hidden_fields_do_no_harm(hidden):
    form = MergeForm(formula="a", choices=hidden, origin=hidden)
    assert recipe_of(form) == Recipe("a")


def test_the_chosen_base_counts():
    form = MergeForm(formula="a + b - c", choices=json.dumps({"base": "b"}))
    assert recipe_of(form).base == "b"


def test_defaults_are_choices():
    assert MergeForm().vae in policy_choices([])
    assert MergeForm().unet_precision == AS_ABOVE


def test_a_draft_brings_back_options_but_no_consent():
    draft = {"formula": "x", "precision": "fp16", "vae": "From: anxl3", "seed": 7, "overwrite": True}
    assert kept_options(json.dumps(draft)) == {"precision": "fp16", "vae": "From: anxl3", "seed": 7}


@pytest.mark.parametrize("draft", ["", "[", "[]", "null", '{"precision": "fp7"}', '{"profile": "x"}', "[" * 100_000])
def test_a_damaged_draft_brings_back_nothing(draft):
    assert kept_options(draft) == {}
