"""What the page tells of a merge before it runs."""

from __future__ import annotations

import json
import os
from dataclasses import replace

import pytest

from lib_kohaku.app.binding import BY_HASH, BY_NAME, BY_USUAL_NAME, CHOSEN, MISSING, bind_roles, short_names
from lib_kohaku.app.estimate import estimate_seconds, learnt_rate
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import PlanError
from lib_kohaku.merge.algebra.resolve import resolve_formula
from lib_kohaku.merge.plan import bind
from lib_kohaku.merge.recipe import ModelReference, Recipe
from lib_kohaku.progress import SilentProgress
from lib_kohaku.ui.merge.form import MergeForm, form_of
from lib_kohaku.ui.merge.plan_html import plan_html, slot_ranges
from lib_kohaku.ui.merge.preview import bound_recipe, make_preview
from lib_kohaku.ui.tab import build_tab
from tests.support.files import load, save

GAMMA1 = "beta7 + 0.8*(anxl3 - anxl2) + 0.5*(base7 - beta7)"


def test_an_empty_page_says_what_to_do(workbench):
    shown = plan_html(make_preview(workbench, MergeForm()))
    assert "Choose a recipe" in shown
    assert "kohaku-error" not in shown


def test_coefficients_files_and_figures_are_shown(workbench):
    shown = plan_html(make_preview(workbench, MergeForm(formula=GAMMA1)))
    for text in ("0.5", "0.8", "\u22120.8", "beta7.safetensors", "Reads", "Writes", "Memory", "Time", "Merged"):
        assert text in shown
    assert "kohaku-error" not in shown


def test_an_error_shows_its_place(workbench):
    shown = plan_html(make_preview(workbench, MergeForm(formula="beta7 + anxl3*anxl2 + beta7")))
    assert "Line 1, column 14: " in shown
    assert "beta7 + anxl3*anxl2 + beta7\n             ^" in shown
    assert 'data-kohaku-caret="1:14:1"' in shown


def test_the_marker_stands_below_letters_of_two_places(workbench):
    shown = plan_html(make_preview(workbench, MergeForm(formula='\t"\u732b" + *')))
    assert '\t"\u732b" + *\n\t \u3000    ^'.replace('"', "&quot;", 2) in shown


def test_a_sentence_ends_once(workbench):
    shown = plan_html(make_preview(workbench, MergeForm(formula='weighted_sum(beta7, anxl3, mbw("GRAD_X"))')))
    assert "did you mean GRAD_V?<" in shown


def test_a_name_without_its_quotes_is_pointed_out(workbench, models):
    (models / "anxl3.safetensors").rename(models / "animagine-xl-3.0.safetensors")
    preview = make_preview(workbench, MergeForm(formula="beta7 + animagine-xl-3.0 - anxl2"))
    assert preview.unquoted == ("animagine-xl-3.0",)
    assert preview.quoted == 'beta7 + "animagine-xl-3.0" - anxl2'
    assert "need quotes: animagine-xl-3.0" in plan_html(preview)
    assert make_preview(workbench, MergeForm(formula=preview.quoted)).plan is not None


def test_an_unfinished_formula_is_not_yet_an_error(workbench):
    shown = plan_html(make_preview(workbench, MergeForm(formula="beta7 + 0.8*(anxl3 - ")))
    assert "kohaku-unfinished" in shown
    assert "kohaku-error" not in shown


def test_a_missing_model_leaves_a_place_to_choose_it(workbench):
    form = MergeForm(formula="beta7 + anxl4 - anxl2")
    preview = make_preview(workbench, form)
    assert [(binding.role, binding.how) for binding in preview.bindings] == [
        ("beta7", BY_NAME),
        ("anxl4", MISSING),
        ("anxl2", BY_NAME),
    ]
    shown = plan_html(preview)
    assert "Choose a file" in shown
    assert "Did you mean anxl3 or anxl2?" in shown or "Did you mean anxl2 or anxl3?" in shown
    with pytest.raises(PlanError, match="anxl4"):
        bound_recipe(workbench, form)
    chosen = replace(form, choices=json.dumps({"files": {"anxl4": "anxl3.safetensors"}}))
    assert make_preview(workbench, chosen).bindings[1].how == CHOSEN
    assert make_preview(workbench, chosen).plan is not None


def test_files_outside_the_library_cannot_be_chosen(workbench, tmp_path):
    outside = tmp_path / "secret.safetensors"
    outside.write_bytes((workbench.host.output_folder() / "beta7.safetensors").read_bytes())
    form = MergeForm(formula="beta7 + x - anxl2", choices=json.dumps({"files": {"x": str(outside)}}))
    assert make_preview(workbench, form).bindings[1].how == MISSING


def test_a_role_finds_its_file_by_the_hash_that_the_recipe_names(workbench):
    host = workbench.host
    sha256 = host.sha256(host.output_folder() / "base8.safetensors", SilentProgress())
    recipe = Recipe("beta7 + other - anxl2", models={"other": ModelReference("elsewhere.safetensors", sha256)})
    bound = bind_roles(recipe, resolve_formula(recipe.formula), host.library(), {}, host.known_sha256)
    assert (bound[1].file, bound[1].how) == ("base8.safetensors", BY_HASH)


def test_the_shipped_recipes_find_the_files_as_they_are_downloaded(workbench):
    folder = workbench.host.output_folder()
    usual = {
        "beta7": "kohaku-xl-beta7",
        "anxl2": "animagine-xl-2.0",
        "anxl3": "animagineXLV3_v30",
        "base8": "Kohaku-XL-base8",
    }
    for role, name in usual.items():
        (folder / f"{role}.safetensors").rename(folder / f"{name}.safetensors")
    form = form_of(workbench.recipes.get("gamma-rev2-mbw"))
    found = make_preview(workbench, form)
    assert found.plan is not None
    assert {binding.role: binding.file.removesuffix(".safetensors") for binding in found.bindings} == usual
    assert {binding.how for binding in found.bindings} == {BY_USUAL_NAME}
    assert plan_html(found).count("by its usual name") == 4
    typed = replace(form, origin="")  # the same formula, typed: nothing says what these names stand for
    assert {binding.how for binding in make_preview(workbench, typed).bindings} == {MISSING}


def test_short_names_mean_one_file_each(tmp_path):
    for name in ("a/x.safetensors", "b/X.safetensors", "b/y.safetensors"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    library = ModelLibrary([tmp_path])
    assert short_names(library) == {
        "a/x.safetensors": "a/x.safetensors",
        "b/X.safetensors": "b/X.safetensors",
        "b/y.safetensors": "y",
    }
    assert all(library.find(short) == library.files[name] for name, short in short_names(library).items())


def test_names_are_suggested_and_free(workbench):
    form = form_of(workbench.recipes.get("gamma-rev1"))
    assert make_preview(workbench, form).name == "gamma-rev1"
    (workbench.host.output_folder() / "gamma-rev1.safetensors").touch()
    assert make_preview(workbench, form).name == "gamma-rev1-2"
    other = replace(form, formula="beta7 + anxl3 - anxl2 + 0.1*(base7 - base8)")
    assert make_preview(workbench, other).name == "beta7+anxl3+anxl2+2"


def test_an_output_that_exists_is_told_before_the_click(workbench):
    form = MergeForm(formula=GAMMA1, name="base8")
    assert "exists already" in make_preview(workbench, form).output_problem
    assert make_preview(workbench, replace(form, overwrite=True)).output_problem == ""
    assert "one of the inputs" in make_preview(workbench, replace(form, name="beta7", overwrite=True)).output_problem
    assert "plain name" in make_preview(workbench, replace(form, name="../x")).output_problem


def test_shares_of_the_blocks_add_up(workbench):
    shares = dict(make_preview(workbench, MergeForm(formula=GAMMA1)).shares)
    assert len(shares) == 20
    assert sum(shares.values()) == pytest.approx(1)
    assert min(shares.values()) > 0


def test_a_base_that_left_the_formula_is_forgotten(workbench):
    form = MergeForm(formula="beta7 + anxl3 - anxl2", choices=json.dumps({"base": "anxl3"}))
    assert make_preview(workbench, form).plan.base == "anxl3"
    assert make_preview(workbench, replace(form, formula="beta7 + base7 - base8")).plan.base == "beta7"


def test_names_and_metadata_from_files_are_escaped(workbench):
    evil = "<img src=x onerror=alert(1)>"
    folder = workbench.host.output_folder()
    (folder / f"{evil}.safetensors").write_bytes((folder / "beta7.safetensors").read_bytes())
    shown = plan_html(make_preview(workbench, MergeForm(formula=f'"{evil}" + anxl3 - anxl2')))
    assert evil not in shown
    assert "&lt;img" in shown
    shown = plan_html(make_preview(workbench, MergeForm(formula=f"{evil}")))
    assert "<img" not in shown


def test_a_second_look_reads_no_file(workbench, monkeypatch):
    """How long it takes tells ``benchmarks.live_plan``; here, that it is of the kind that can be quick."""
    form = form_of(workbench.recipes.get("gamma-rev2-mbw"))
    first = plan_html(make_preview(workbench, form))
    for name in ("load_header", "Checkpoint"):
        monkeypatch.setattr(bind, name, lambda *_: pytest.fail("a header was read again"))
    assert plan_html(make_preview(workbench, form)) == first
    path = workbench.host.output_folder() / "beta7.safetensors"
    os.utime(path, ns=(0, 0))  # one that was replaced is read
    with pytest.raises(pytest.fail.Exception, match="a header was read again"):
        make_preview(workbench, form)


def test_times_are_learnt_from_earlier_merges(workbench):
    folder = workbench.host.output_folder()
    plan = make_preview(workbench, MergeForm(formula=GAMMA1)).plan
    assert learnt_rate(workbench.history, folder) is None
    workbench.history.add(plan.recipe, "base8.safetensors", 4.0)  # the result and four inputs of its size
    size = (folder / "base8.safetensors").stat().st_size
    assert learnt_rate(workbench.history, folder) == pytest.approx(5 * size / 4)
    slow, fast = estimate_seconds(plan, 1e3), estimate_seconds(plan, 1e6)
    assert slow == pytest.approx(1000 * fast, rel=0.05)


@pytest.mark.parametrize(
    ("slots", "shown"),
    [
        ((), []),
        (("IN00",), ["IN00"]),
        (("IN00", "IN01", "IN02", "IN04", "M00"), ["IN00\u2013IN02", "IN04", "M00"]),
        (("TE1", "TE2", "OUT", "OUT03", "OUT04"), ["TE1", "TE2", "OUT", "OUT03\u2013OUT04"]),
        (("IN08", "OUT09"), ["IN08", "OUT09"]),
    ],
)
def test_runs_of_blocks_are_drawn_together(slots, shown):
    assert slot_ranges(slots) == shown


def test_the_vae_of_a_file_of_its_own(workbench, sdxl, tmp_path, monkeypatch):
    vae = tmp_path / "VAE" / "anime.vae.safetensors"
    vae.parent.mkdir()
    prefix = "first_stage_model."
    tensors = load(sdxl.path("base8"))
    save(vae, {name[len(prefix) :]: values for name, values in tensors.items() if name.startswith(prefix)})
    library = ModelLibrary(workbench.host.library().roots, [vae])
    monkeypatch.setattr(workbench.host, "library", lambda: library)
    preview = make_preview(workbench, MergeForm(formula="0.5*beta7 + 0.5*anxl3", vae=f"From: {vae.name}"))
    assert preview.error is None
    assert [(one.role, one.file, one.how) for one in preview.bindings][2:] == [(vae.name, vae.name, BY_NAME)]
    assert preview.plan.refusals == preview.plan.warnings == ()
    assert preview.plan.component_actions["vae"] == f"from:{vae.name}"
    assert preview.name == "beta7+anxl3+anime.vae"
    assert "<td>VAE</td>" in plan_html(preview)
    outputs = build_tab(workbench).fns  # the lists are filled by an event
    lists = next(item.fn for item in outputs if item.fn and item.fn.__name__ == "_lists_now")
    choices = [update["choices"] for update in lists() if isinstance(update, dict) and "choices" in update]
    assert f"From: {vae.name}" in choices[0]
    assert sum(any(vae.name in choice for choice in offered) for offered in choices) == 1, "nowhere else"
