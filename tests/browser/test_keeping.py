"""Recipes and history: saving, renaming, sharing, taking up again."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Page, expect

from tests.browser.actions import PLAN, choose, expect_state, formula_is, type_formula, use_recipe
from tests.browser.site import Site

pytestmark = pytest.mark.browser
FORMULA = "beta7 + anxl3 - anxl2"
NOTE = ".block#kohaku_recipe_note"


def card(page: Page, name: str) -> str:
    return f'.kohaku-card:has([data-kohaku-value="{name}"])'


def save(page: Page, name: str) -> None:
    type_formula(page, FORMULA)
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    if not page.locator("#kohaku_recipe_name input").is_visible():
        page.click("#kohaku_recipe_tools >> text=Save or import a recipe")
    page.fill("#kohaku_recipe_name input", name)
    page.click("#kohaku_recipe_save")
    expect(page.locator(NOTE)).to_contain_text(f"Saved as {name}.")


def test_save_rename_delete_and_undo(page: Page, site: Site) -> None:
    save(page, "mine")
    page.click(f"{card(page, 'mine')} >> text=Rename")
    assert page.evaluate("document.activeElement.closest('button')") is None  # where some browsers let nobody type
    page.keyboard.press("Escape")
    expect(page.locator(f"{card(page, 'mine')} .kohaku-card-name")).to_be_visible()
    page.click(f"{card(page, 'mine')} >> text=Rename")
    page.keyboard.type("yours")
    page.keyboard.press("Enter")
    expect(page.locator(NOTE)).to_contain_text("mine is now called yours.")
    page.click(f"{card(page, 'yours')} >> text=Delete")
    expect(page.locator(card(page, "yours"))).to_have_count(0)
    page.click(f"{NOTE} >> text=Undo")
    expect(page.locator(card(page, "yours"))).to_have_count(1)
    assert site.workbench.recipes.get("yours").formula == FORMULA
    type_formula(page, "beta7")
    use_recipe(page, "yours")
    formula_is(page, FORMULA)


def test_export_and_import(page: Page, tmp_path: Path) -> None:
    save(page, "shared")
    with page.expect_download() as download:
        page.click(f"{card(page, 'shared')} >> text=Export")
    assert download.value.suggested_filename == "shared.json"
    file = tmp_path / "shared.json"
    download.value.save_as(file)
    assert json.loads(file.read_text("utf-8"))["formula"] == FORMULA
    type_formula(page, "beta7")
    with page.expect_file_chooser() as chooser:
        page.click("#kohaku_recipe_from_file")
    chooser.value.set_files(file)
    formula_is(page, FORMULA)
    expect(page.locator(NOTE)).to_contain_text("Loaded the recipe from shared.json.")


def test_a_merged_checkpoint_gives_its_recipe_back(page: Page, site: Site) -> None:
    use_recipe(page, "gamma-rev1")
    page.click("#kohaku_merge")
    expect_state(page, "done")
    type_formula(page, "beta7")
    page.click("#kohaku_recipe_tools >> text=Save or import a recipe")
    with page.expect_file_chooser() as chooser:
        page.click("#kohaku_recipe_from_file")
    chooser.value.set_files(site.output("gamma-rev1"))
    formula_is(page, "beta7 + 0.8*(anxl3 - anxl2) + 0.5*(base7 - beta7)")
    page.click("#kohaku_recipe_checkpoint input")
    page.click('#kohaku_recipe_checkpoint li:has-text("beta7")')
    page.click("#kohaku_recipe_from_checkpoint")
    expect(page.locator(NOTE)).to_contain_text("does not tell how it was made")


def test_a_recipe_is_dropped_on_the_page(page: Page) -> None:
    text = json.dumps({"kohaku_recipe": 1, "formula": FORMULA})
    page.evaluate(
        """(text) => {
            const data = new DataTransfer();
            data.items.add(new File([text], 'dropped.json'));
            const options = {dataTransfer: data, bubbles: true, cancelable: true};
            document.getElementById('kohaku_plan').dispatchEvent(new DragEvent('drop', options));
        }""",
        text,
    )
    formula_is(page, FORMULA)


def test_what_is_no_recipe_is_told(page: Page, tmp_path: Path) -> None:
    page.click("#kohaku_recipe_tools >> text=Save or import a recipe")
    no_header = b"\x08" + bytes(7) + b"no json!"
    for name, content in (
        ("x.json", b"<b>"),
        ("x.safetensors", b"\xff" * 64),
        ("cut.safetensors", b"\x10\0\0"),
        ("y.safetensors", no_header),
    ):
        file = tmp_path / name
        file.write_bytes(content)
        with page.expect_file_chooser() as chooser:
            page.click("#kohaku_recipe_from_file")
        chooser.value.set_files(file)
        error = page.locator(f"{NOTE} .kohaku-error")
        expect(error).to_contain_text("JSON" if name == "x.json" else f"{name}: this is not a safetensors file")


def test_history_brings_a_merge_back(page: Page, site: Site) -> None:
    use_recipe(page, "gamma-rev1")
    page.click("#kohaku_merge")
    expect_state(page, "done")
    type_formula(page, "beta7")
    page.click("#kohaku_history_section >> text=History")
    page.click(".block#kohaku_history >> text=Use again")
    formula_is(page, "beta7 + 0.8*(anxl3 - anxl2) + 0.5*(base7 - beta7)")
    page.click(".block#kohaku_history >> text=Verify")
    expect_state(page, "done", "verify")
    expect(page.locator(".block#kohaku_history")).to_contain_text("passed")


def test_a_page_that_is_loaded_again_merges_the_same(page: Page, site: Site) -> None:
    type_formula(page, FORMULA)
    choose(page, "precision", "fp16")
    page.click("#kohaku_more_options >> text=More options")
    choose(page, "vae", "Merged")
    page.fill("#kohaku_seed input", "5")
    page.check("#kohaku_overwrite input")
    expect(page.locator(f"{PLAN} .kohaku-facts").first).to_contain_text("VAE, UNet")
    page.wait_for_timeout(600)
    page.reload()
    formula_is(page, FORMULA)
    expect(page.locator("#kohaku_precision input")).to_have_value("fp16")
    expect(page.locator("#kohaku_vae input")).to_have_value("Merged")
    expect(page.locator("#kohaku_seed input")).to_have_value("5")
    expect(page.locator("#kohaku_overwrite input")).not_to_be_checked()  # consent is asked for anew
    expect(page.locator(f"{PLAN} .kohaku-facts").first).to_contain_text("VAE, UNet")
