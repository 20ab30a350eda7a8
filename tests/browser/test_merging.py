"""From a formula or a recipe to a checkpoint, in a browser."""

from __future__ import annotations

import shutil
import time

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Page, expect

from tests.browser.actions import (
    FORMULA,
    JOB,
    PLAN,
    expect_state,
    formula_is,
    leftovers,
    type_formula,
    use_recipe,
)
from tests.browser.site import Opener, Site

pytestmark = pytest.mark.browser
NOTE = ".block#kohaku_job_note"


def test_an_error_names_its_column_and_is_mended(page: Page) -> None:
    type_formula(page, "beta7 + 0.8*(anxl3 * anxl2)")
    error = page.locator(f"{PLAN} .kohaku-error")
    expect(error).to_contain_text("Line 1, column 20")
    expect(error.locator("pre")).to_have_text("beta7 + 0.8*(anxl3 * anxl2)\n                   ^")
    error.click()
    assert page.evaluate(f"document.querySelector('{FORMULA}').selectionStart") == 19
    page.keyboard.press("Delete")
    page.keyboard.type("-")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_contain_text("\u22120.8")
    expect(error).to_have_count(0)
    expect(page.locator("#kohaku_name input")).to_have_attribute("placeholder", "beta7+anxl3+anxl2")


def test_a_recipe_to_a_verified_checkpoint(page: Page, site: Site) -> None:
    use_recipe(page, "gamma-rev2-mbw")
    expect(page.locator(".kohaku-card.kohaku-used")).to_contain_text("gamma-rev2-mbw")
    expect(page.locator(f"{PLAN} .kohaku-coefficients tbody tr")).to_have_count(3)
    page.click("#kohaku_merge")
    expect_state(page, "done")
    expect(page.locator(JOB)).to_contain_text("Wrote gamma-rev2-mbw.safetensors")
    assert leftovers(site.models) == ["gamma-rev2-mbw.safetensors"]
    page.click(f'{JOB} [data-kohaku-action="verify"]')
    expect_state(page, "done", "verify")
    expect(page.locator(JOB)).to_contain_text("passed")
    page.click("#kohaku_history_section >> text=History")
    row = page.locator(".block#kohaku_history tbody tr")
    expect(row).to_contain_text("gamma-rev2-mbw.safetensors")
    expect(row).to_contain_text("passed")
    # The hashes are known by now, and the next result gets a name of its own.
    expect(page.locator(PLAN)).not_to_contain_text("at merge")
    expect(page.locator("#kohaku_name input")).to_have_attribute("placeholder", "gamma-rev2-mbw-2")


def test_an_existing_file_needs_consent(page: Page, site: Site) -> None:
    use_recipe(page, "gamma-rev1")
    page.fill("#kohaku_name input", "base8")
    expect(page.locator(".block#kohaku_output_note")).to_contain_text("exists already")
    page.click("#kohaku_merge")
    expect(page.locator(NOTE)).to_contain_text("exists already")
    page.check("#kohaku_overwrite input")
    expect(page.locator(".block#kohaku_output_note")).to_contain_text("base8.safetensors \u00b7")
    before = site.output("base8").read_bytes()
    page.click("#kohaku_merge")
    expect_state(page, "done")
    assert site.output("base8").read_bytes() != before
    expect(page.locator(NOTE)).not_to_contain_text("exists already")


def test_stop_acts_within_a_second_and_leaves_nothing(page: Page, site: Site) -> None:
    site.host.held = True
    use_recipe(page, "gamma-rev1")
    expect(page.locator("#kohaku_stop")).to_be_hidden()
    page.click("#kohaku_merge")
    expect(page.locator(f"{JOB} [role=progressbar]")).to_be_visible()
    expect(page.locator(f"{JOB} .kohaku-job-foot")).to_contain_text(" of ")
    began = time.monotonic()
    page.click("#kohaku_stop")
    expect_state(page, "cancelled")
    assert time.monotonic() - began < 2  # a second for the job, half a one until the page asks, and the browser
    expect(page.locator(JOB)).to_contain_text("Stopped")
    expect(page.locator("#kohaku_stop")).to_be_hidden()
    assert leftovers(site.models) == []


def test_a_second_click_does_not_start_a_second_merge(page: Page, site: Site) -> None:
    site.host.held = True
    use_recipe(page, "gamma-rev1")
    page.click("#kohaku_merge")
    expect(page.locator(f"{JOB} [role=progressbar]")).to_be_visible()
    page.click("#kohaku_merge")
    expect(page.locator(NOTE)).to_contain_text("Merging gamma-rev1 is still running. Stop it or wait for it.")
    site.host.held = False
    expect_state(page, "done")
    assert [entry.output for entry in site.workbench.history.entries()] == ["gamma-rev1.safetensors"]


def test_a_reload_finds_the_running_merge_and_the_formula(page: Page, site: Site) -> None:
    site.host.held = True
    type_formula(page, "beta7 + anxl3 - anxl2")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    page.fill("#kohaku_name input", "reloaded")
    expect(page.locator(".block#kohaku_output_note")).to_contain_text("reloaded.safetensors")
    page.click("#kohaku_merge")
    expect(page.locator(f"{JOB} [role=progressbar]")).to_be_visible()
    page.reload()
    expect(page.locator(f"{JOB} .kohaku-job-title")).to_have_text("Merging reloaded")
    formula_is(page, "beta7 + anxl3 - anxl2")
    expect(page.locator("#kohaku_name input")).to_have_value("reloaded")
    site.host.held = False
    expect_state(page, "done")
    assert leftovers(site.models) == ["reloaded.safetensors"]


def test_another_window_sees_the_same_job(page: Page, site: Site, opener: Opener) -> None:
    site.host.held = True
    use_recipe(page, "gamma-rev1")
    page.click("#kohaku_merge")
    expect(page.locator(f"{JOB} [role=progressbar]")).to_be_visible()
    other = opener()
    expect(other.locator(f"{JOB} .kohaku-job-title")).to_have_text("Merging gamma-rev1")
    other.click("#kohaku_stop")
    expect_state(page, "cancelled")
    expect_state(other, "cancelled")


def test_a_missing_model_is_chosen_in_the_table(page: Page, site: Site) -> None:
    site.output("anxl3").rename(site.output("some-anime-model"))
    page.click("#kohaku_refresh")
    expect(page.locator(".kohaku-card").first).to_contain_text("not found: anxl3")
    page.click('[data-kohaku-action="recipe_use"][data-kohaku-value="gamma-rev1"]')
    expect(page.locator(f"{PLAN} .kohaku-error")).to_contain_text("There is no checkpoint 'anxl3'")
    page.click("#kohaku_merge")
    expect(page.locator(NOTE)).to_contain_text("There is no checkpoint 'anxl3'")
    page.select_option(f'{PLAN} select[data-kohaku-role="anxl3"]', "some-anime-model.safetensors")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    page.click("#kohaku_merge")
    expect_state(page, "done")
    recipe = site.workbench.history.entries()[0].parsed()
    assert recipe is not None
    assert recipe.models["anxl3"].file == "some-anime-model.safetensors"
    assert len(recipe.models["anxl3"].sha256) == 64


def test_suggested_files_are_taken_with_one_click_and_remembered(page: Page, site: Site) -> None:
    for name in ("beta7", "anxl3"):
        site.output(name).rename(site.output(f"my-{name}-pruned"))
    page.click("#kohaku_refresh")
    type_formula(page, "beta7 + 0.5*(anxl3 - anxl2)")
    guesses = page.locator(f"{PLAN} .kohaku-models [data-kohaku-suggest]")
    expect(guesses.first).to_have_text("my-beta7-pruned")
    page.click(f"{PLAN} .kohaku-error >> text=Use the suggested files")
    expect(page.locator(f'{PLAN} select[data-kohaku-role="anxl3"]')).to_have_value("my-anxl3-pruned.safetensors")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    page.click("#kohaku_merge")
    expect_state(page, "done")
    # The next recipe with these roles needs no click at all.
    use_recipe(page, "gamma-rev1")
    row = page.locator(f'{PLAN} tr:has([data-kohaku-role="beta7"])')
    expect(row.locator("select")).to_have_value("my-beta7-pruned.safetensors")
    expect(row).to_contain_text("as in your last merge")


def test_one_suggested_file_is_one_click(page: Page) -> None:
    type_formula(page, "beta7 + 0.5*(anxl4 - anxl2)")
    page.locator(f"{PLAN} .kohaku-models [data-kohaku-suggest]", has_text="anxl3").click()
    expect(page.locator(f'{PLAN} select[data-kohaku-role="anxl4"]')).to_have_value("anxl3.safetensors")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()


def test_control_and_enter_merge(page: Page, site: Site) -> None:
    type_formula(page, "beta7 + anxl3 - anxl2")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    page.keyboard.press("Control+Enter")
    expect_state(page, "done")
    assert leftovers(site.models) == ["beta7+anxl3+anxl2.safetensors"]
    formula_is(page, "beta7 + anxl3 - anxl2")


def test_the_base_can_be_another_model(page: Page) -> None:
    use_recipe(page, "gamma-rev1")
    page.check(f'{PLAN} input[value="anxl3"]')
    expect(page.locator(f'{PLAN} input[value="anxl3"]')).to_be_checked()
    page.click("#kohaku_more_options >> text=More options")
    page.click("#kohaku_metadata_show")
    expect(page.locator(".block#kohaku_metadata")).to_contain_text('"base": "anxl3"')


def test_a_parameter_is_a_slider_that_writes_the_formula(page: Page) -> None:
    type_formula(page, "$alpha = 0.5 in [0, 2]\nweighted_sum(beta7, anxl3, $alpha)")
    slider = page.locator('[data-kohaku-parameter="alpha"]')
    slider.focus()
    page.keyboard.press("ArrowRight")
    formula_is(page, "$alpha = 0.52 in [0, 2]\nweighted_sum(beta7, anxl3, $alpha)")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_contain_text("0.48")


def test_of_two_files_of_one_name_one_is_chosen_with_a_click(page: Page, site: Site) -> None:
    (site.models / "sub").mkdir()
    shutil.copy(site.models / "base8.safetensors", site.models / "sub" / "anxl3.safetensors")
    page.click("#kohaku_refresh")
    page.wait_for_function("window.kohaku.candidates().models.some((model) => model.file === 'sub/anxl3.safetensors')")
    type_formula(page, "beta7 + anxl3 - anxl2")
    expect(page.locator(f"{PLAN} .kohaku-error")).to_contain_text("Several checkpoints are called 'anxl3'")
    expect(page.locator(f"{PLAN} .kohaku-error")).not_to_contain_text("Did you mean")
    expect(page.locator(f"{PLAN} .kohaku-guesses button")).to_have_text(["anxl3.safetensors", "sub/anxl3.safetensors"])
    page.click(f'{PLAN} .kohaku-guesses button:has-text("sub/anxl3")')
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    assert site.workbench.draft is not None
    assert site.workbench.draft.models["anxl3"].file == "sub/anxl3.safetensors"


def test_a_refusal_goes_when_its_reason_was_mended(page: Page) -> None:
    type_formula(page, "0.5*beta7 + 0.5*gone")
    expect(page.locator(PLAN)).to_contain_text("There is no checkpoint 'gone'")
    page.click("#kohaku_merge")
    expect(page.locator(NOTE)).to_contain_text("There is no checkpoint 'gone'")
    page.wait_for_timeout(800)
    expect(page.locator(NOTE)).to_contain_text("There is no checkpoint 'gone'")  # nothing was changed
    type_formula(page, "0.5*beta7 + 0.5*anxl3")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    expect(page.locator(NOTE)).to_be_hidden()
    type_formula(page, "0.5*beta7 + 0.5*gone")
    expect(page.locator(PLAN)).to_contain_text("There is no checkpoint 'gone'")
    page.click("#kohaku_merge")
    expect(page.locator(NOTE)).to_be_visible()
    expect(page.locator(NOTE)).to_contain_text("There is no checkpoint 'gone'")
