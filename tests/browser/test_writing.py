"""Writing formulas: completion, simple mode, block weights."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Page, expect

from tests.browser.actions import (
    FORMULA,
    PLAN,
    choose,
    expect_state,
    formula_is,
    open_source,
    type_formula,
    use_recipe,
)
from tests.browser.site import Site

pytestmark = pytest.mark.browser
GAMMA = "0,0.1,0.1,0,0.1,0.1,0,0.1,0.1,0,0,0,0,0,0.05,0.05,0.05,0.05,0.05,0.05"
POPUP = "#kohaku_popup"
WEIGHTS = "#kohaku_weights textarea"


def test_names_are_completed_with_the_keyboard_and_undone(page: Page) -> None:
    page.click(FORMULA)
    page.keyboard.type("beta7 + anx")
    expect(page.locator(f"{POPUP} [role=option]")).to_have_count(2)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    formula_is(page, "beta7 + anxl3")
    expect(page.locator(POPUP)).to_be_hidden()
    page.keyboard.press("Control+z")
    formula_is(page, "beta7 + anx")
    page.keyboard.type("l")
    page.keyboard.press("Escape")
    expect(page.locator(POPUP)).to_be_hidden()
    page.keyboard.press("Control+Space")
    page.keyboard.press("Enter")
    formula_is(page, "beta7 + anxl2")


def test_methods_presets_and_own_names_are_completed(page: Page) -> None:
    page.click(FORMULA)
    page.keyboard.type("mixture = beta7\nweighted")
    expect(page.locator(POPUP)).to_contain_text("weighted_sum(a, b, alpha=0.5)")
    page.keyboard.press("Tab")
    page.keyboard.type("mix")
    expect(page.locator(POPUP)).to_contain_text("defined above")
    page.keyboard.press("Tab")
    page.keyboard.type(', anxl3, mbw("gam')
    expect(page.locator(f"{POPUP} [role=option]")).to_have_count(1)
    page.keyboard.press("Tab")
    page.keyboard.type("))")
    formula_is(page, 'mixture = beta7\nweighted_sum(mixture, anxl3, mbw("gamma"))')
    expect(page.locator(f"{PLAN} .kohaku-coefficients tbody tr")).to_have_count(3)


def test_names_with_dashes_come_in_quotes(page: Page, site: Site) -> None:
    site.output("anxl3").rename(site.output("animagine-xl 3"))
    page.click("#kohaku_refresh")
    page.wait_for_function("window.kohaku.candidates().models.some((model) => model.name === 'animagine-xl 3')")
    page.click(FORMULA)
    page.keyboard.type("beta7 - anima")
    page.keyboard.press("Tab")
    formula_is(page, 'beta7 - "animagine-xl 3"')
    type_formula(page, "")
    page.keyboard.type("beta7-animagine-x")
    expect(page.locator(f"{POPUP} [role=option]")).to_have_count(1)
    page.keyboard.press("Tab")
    formula_is(page, 'beta7-"animagine-xl 3"')
    type_formula(page, "beta7 + anxl2 - animagine-xl 3")
    page.click(f"{PLAN} >> text=Put them in quotes")
    formula_is(page, 'beta7 + anxl2 - "animagine-xl 3"')
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()


def test_simple_mode_writes_the_formula(page: Page) -> None:
    open_source(page, "Simple")
    choose(page, "model_1", "beta7")
    choose(page, "model_2", "anxl3")
    formula_is(page, "weighted_sum(beta7, anxl3, alpha=0.5)")
    page.fill("#kohaku_setting_1 input[type=number]", "0.25")
    formula_is(page, "weighted_sum(beta7, anxl3, alpha=0.25)")
    choose(page, "method", "Add difference")
    expect(page.locator(".block#kohaku_simple_note")).to_contain_text("Still to be chosen: Model C.")
    choose(page, "model_3", "anxl2")
    formula_is(page, "add_difference(beta7, anxl3, anxl2, alpha=1)")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    expect(page.locator(".block#kohaku_method_about")).to_contain_text("A + alpha*(B - C)")


def test_simple_mode_with_any_number_of_models(page: Page) -> None:
    open_source(page, "Simple")
    choose(page, "method", "Average")
    for name in ("beta7", "anxl3", "base7"):
        choose(page, "models", name)
    formula_is(page, "average([beta7, anxl3, base7])")


def test_block_weights_from_a_recipe_show_as_sliders_and_picture(page: Page) -> None:
    use_recipe(page, "gamma-rev2-mbw")
    open_source(page, "Block weights")
    expect(page.locator(WEIGHTS)).to_have_value(GAMMA)
    expect(page.locator("#kohaku_weight_in00 input[type=number]")).to_have_value("0.1")
    expect(page.locator("#kohaku_weight_out08 input[type=number]")).to_have_value("0.05")
    expect(page.locator("#kohaku_weights_picture .kohaku-block")).to_have_count(20)
    expect(page.locator("#kohaku_weights_picture .kohaku-block-share")).to_have_count(20)
    expect(page.locator(".kohaku-weights-tell")).to_contain_text("of the parameters")
    expect(page.locator("#kohaku_weight_in09")).to_be_hidden()


def test_sliders_picture_and_list_lead_one_another(page: Page) -> None:
    open_source(page, "Block weights")
    page.fill("#kohaku_weight_m00 input[type=number]", "0.35")
    zeros = ["0"] * 20
    zeros[10] = "0.35"
    expect(page.locator(WEIGHTS)).to_have_value(",".join(zeros))
    page.fill(WEIGHTS, GAMMA.replace(",", ", "))
    expect(page.locator("#kohaku_weight_m00 input[type=number]")).to_have_value("0")
    expect(page.locator("#kohaku_weight_in01 input[type=number]")).to_have_value("0.1")
    block = page.locator('[data-kohaku-block="IN08"] .kohaku-block-rail')
    block.click(position={"x": 5, "y": 1})
    expect(page.locator("#kohaku_weight_in08 input[type=number]")).to_have_value("1")


def test_lists_of_26_fit_and_others_are_counted(page: Page) -> None:
    open_source(page, "Block weights")
    page.fill(WEIGHTS, ",".join(str(number / 100) for number in range(26)))
    expect(page.locator("#kohaku_weight_m00 input[type=number]")).to_have_value("0.13")
    expect(page.locator("#kohaku_weight_out08 input[type=number]")).to_have_value("0.22")
    page.fill(WEIGHTS, "1,2,3")
    expect(page.locator(".kohaku-weights-tell")).to_have_text("3 numbers; this network has 20 blocks.")
    page.fill(WEIGHTS, "a b")
    expect(page.locator(".kohaku-weights-tell")).to_have_text("This is not a list of numbers.")
    page.click("#kohaku_weights_put")
    expect(page.locator(".block#kohaku_weights_note")).to_contain_text("'a' is not a number")


def test_a_preset_goes_into_the_formula(page: Page) -> None:
    type_formula(page, "weighted_sum(beta7, anxl3, alpha=0.5)")
    open_source(page, "Block weights")
    choose(page, "preset", "gamma")
    expect(page.locator(WEIGHTS)).to_have_value(GAMMA)
    page.click("#kohaku_weights_put")
    formula_is(page, f"weighted_sum(beta7, anxl3, alpha=mbw({GAMMA}))")
    type_formula(page, "beta7 + anxl3")
    page.click("#kohaku_weights_put")
    expect(page.locator(".block#kohaku_weights_note")).to_contain_text("Write mbw()")


def test_the_formula_follows_its_list(page: Page) -> None:
    zeros = ["0"] * 20
    type_formula(page, f"weighted_sum(beta7, anxl3, alpha=mbw({','.join(zeros)}))")
    open_source(page, "Block weights")
    place = page.locator("#kohaku_weights_place .kohaku-hint")
    expect(place).to_contain_text("follows every change")
    page.fill("#kohaku_weight_m00 input[type=number]", "0.35")
    zeros[10] = "0.35"
    formula_is(page, f"weighted_sum(beta7, anxl3, alpha=mbw({','.join(zeros)}))")
    page.fill(WEIGHTS, GAMMA)
    formula_is(page, f"weighted_sum(beta7, anxl3, alpha=mbw({GAMMA}))")
    page.fill(WEIGHTS, "1,2,3")  # not yet a list
    page.wait_for_timeout(600)
    formula_is(page, f"weighted_sum(beta7, anxl3, alpha=mbw({GAMMA}))")
    choose(page, "preset", "FLAT_25")
    formula_is(page, f"weighted_sum(beta7, anxl3, alpha=mbw(0,{','.join(['0.25'] * 19)}))")


def test_a_formula_without_a_list_or_with_several_is_left_alone(page: Page) -> None:
    for formula in ("beta7 + 0.5*(anxl3 - anxl2)", f"mbw({GAMMA})*beta7 + (1 - mbw({GAMMA}))*anxl3"):
        type_formula(page, formula)
        open_source(page, "Block weights")
        page.fill("#kohaku_weight_m00 input[type=number]", "0.35")
        page.wait_for_timeout(600)
        formula_is(page, formula)
        page.fill("#kohaku_weight_m00 input[type=number]", "0")


def test_simple_mode_says_where_block_weights_are_set(page: Page) -> None:
    open_source(page, "Simple")
    choose(page, "model_1", "beta7")
    choose(page, "model_2", "anxl3")
    page.check("#kohaku_by_blocks input")
    expect(page.locator(".block#kohaku_simple_note")).to_contain_text("All block weights are 0")
    open_source(page, "Block weights")
    page.fill(WEIGHTS, GAMMA)
    formula_is(page, f"weighted_sum(beta7, anxl3, alpha=mbw({GAMMA}))")


def test_the_smaller_networks_have_26_blocks(page: Page) -> None:
    open_source(page, "Block weights")
    page.check('#kohaku_network input[value^="SD 1"]')
    expect(page.locator("#kohaku_weight_in09")).to_be_visible()
    choose(page, "preset", "WRAP08")
    expect(page.locator("#kohaku_weights_picture .kohaku-block")).to_have_count(26)
    expect(page.locator("#kohaku_weight_out11 input[type=number]")).to_have_value("1")


@pytest.mark.parametrize(
    ("name", "typed", "formula"),
    [
        ('it\'s "odd"', '"it', '"it\'s \\"odd\\""'),
        ("1digit", "1di", '"1digit"'),
        ("name-with-1e-3", "0.5*name-w", '0.5*"name-with-1e-3"'),
    ],
)
def test_odd_names_are_completed_as_the_formula_reads_them(
    page: Page, site: Site, name: str, typed: str, formula: str
) -> None:
    site.output("base8").rename(site.output(name))
    page.click("#kohaku_refresh")
    page.wait_for_function("(name) => window.kohaku.candidates().models.some((model) => model.name === name)", arg=name)
    page.click(FORMULA)
    page.keyboard.type(typed)
    page.keyboard.press("Tab")
    formula_is(page, formula)


@pytest.mark.parametrize("button", ["merge", "enter"])
def test_what_was_changed_last_is_merged_however_soon_the_button_is_pressed(
    page: Page, site: Site, button: str
) -> None:
    open_source(page, "Simple")
    choose(page, "model_1", "beta7")
    choose(page, "model_2", "anxl3")
    formula_is(page, "weighted_sum(beta7, anxl3, alpha=0.5)")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    page.fill("#kohaku_name input", "result")
    page.fill("#kohaku_setting_1 input[type=number]", "0.77")
    if button == "merge":
        page.click("#kohaku_merge")
    else:
        page.press(FORMULA, "Control+Enter")
    expect_state(page, "done")
    recipe = site.workbench.history.entries()[0].parsed()
    assert recipe is not None
    assert recipe.formula == "weighted_sum(beta7, anxl3, alpha=0.77)"


def test_block_weights_that_were_changed_last_are_merged(page: Page, site: Site) -> None:
    type_formula(page, f"weighted_sum(beta7, anxl3, mbw({GAMMA}))")
    expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_be_visible()
    open_source(page, "Block weights")
    page.fill("#kohaku_name input", "result")
    page.fill(WEIGHTS, GAMMA.replace("0.05", "0.9"))
    page.click("#kohaku_merge")
    expect_state(page, "done")
    recipe = site.workbench.history.entries()[0].parsed()
    assert recipe is not None
    assert recipe.formula == f"weighted_sum(beta7, anxl3, mbw({GAMMA.replace('0.05', '0.9')}))"


def test_changes_that_come_while_the_formula_is_being_written_are_not_lost(page: Page) -> None:
    open_source(page, "Simple")
    choose(page, "model_1", "beta7")
    choose(page, "model_2", "anxl3")
    formula_is(page, "weighted_sum(beta7, anxl3, alpha=0.5)")
    page.route("**/run/predict*", lambda route: (page.wait_for_timeout(700), route.continue_()))
    for value in ("0.1", "0.2", "0.3"):
        page.fill("#kohaku_setting_1 input[type=number]", value)
        page.wait_for_timeout(400)
    formula_is(page, "weighted_sum(beta7, anxl3, alpha=0.3)")


def test_a_plan_that_comes_leaves_the_keyboard_where_it_was(page: Page) -> None:
    type_formula(page, "$alpha = 0.5 in [0, 1]\nbeta7 + $alpha*(anxl3 - anxl2)")
    slider = page.locator(f"{PLAN} [data-kohaku-parameter]")
    slider.focus()
    for step in range(1, 4):
        page.keyboard.press("ArrowRight")
        formula_is(page, f"$alpha = {0.5 + step / 100:g} in [0, 1]\nbeta7 + $alpha*(anxl3 - anxl2)")
        expect(page.locator(f"{PLAN} .kohaku-coefficients")).to_contain_text(f"{0.5 + step / 100:g}")
        expect(slider).to_be_focused()
    page.locator(f"{PLAN} input[name=kohaku-base]").first.focus()
    page.keyboard.press("ArrowDown")
    expect(page.locator(f"{PLAN} input[name=kohaku-base][value=anxl3]")).to_be_checked()
    page.wait_for_timeout(800)  # until the plan of that base is there
    expect(page.locator(f"{PLAN} input[name=kohaku-base][value=anxl3]")).to_be_focused()
    page.click("#kohaku_merge_sources >> text=Recipes")
    type_formula(page, "beta7")
    expect(page.locator(FORMULA)).to_be_focused()


def test_sliders_show_the_weights_of_a_formula_that_was_typed(page: Page) -> None:
    open_source(page, "Block weights")
    type_formula(page, f"weighted_sum(beta7, anxl3, mbw({GAMMA}))")
    expect(page.locator(WEIGHTS)).to_have_value(GAMMA)
    expect(page.locator("#kohaku_weight_in01 input[type=number]")).to_have_value("0.1")
    type_formula(page, "weighted_sum(beta7, anxl3, mbw(0, 0" + ", 1" * 18 + "))")
    expect(page.locator("#kohaku_weight_in01 input[type=number]")).to_have_value("1")
    type_formula(page, 'weighted_sum(beta7, anxl3, mbw("gamma"))')
    expect(page.locator(WEIGHTS)).to_have_value(GAMMA)
    page.fill("#kohaku_weight_in00 input[type=number]", "0.7")
    formula_is(page, f"weighted_sum(beta7, anxl3, mbw({GAMMA.replace('0,0.1', '0,0.7', 1)}))")
    page.wait_for_timeout(800)
    page.reload()
    open_source(page, "Block weights")
    expect(page.locator(WEIGHTS)).to_have_value(GAMMA.replace("0,0.1", "0,0.7", 1))


def test_moving_one_slider_changes_no_other_weight(page: Page) -> None:
    exact = "0.916666667," + GAMMA.split(",", 1)[1]
    open_source(page, "Block weights")
    type_formula(page, f"weighted_sum(beta7, anxl3, mbw({exact}))")
    expect(page.locator(WEIGHTS)).to_have_value(exact)
    page.fill("#kohaku_weight_out08 input[type=number]", "0.25")
    formula_is(page, f"weighted_sum(beta7, anxl3, mbw({exact.removesuffix('0.05')}0.25))")


def test_numbers_beyond_a_slider_stay_as_they_were_typed(page: Page) -> None:
    open_source(page, "Simple")
    choose(page, "model_1", "beta7")
    choose(page, "model_2", "anxl3")
    alpha = page.locator("#kohaku_setting_1 input[type=number]")
    alpha.fill("1.7")
    formula_is(page, "weighted_sum(beta7, anxl3, alpha=1.7)")
    page.click(FORMULA)
    page.wait_for_timeout(800)  # a change would be written after 300 ms
    formula_is(page, "weighted_sum(beta7, anxl3, alpha=1.7)")
    expect(alpha).to_have_value("1.7")
    open_source(page, "Block weights")
    page.fill(WEIGHTS, "1.5,-0.5" + ",0" * 18)
    block = page.locator("#kohaku_weight_base input[type=number]")
    expect(block).to_have_value("1.5")
    block.focus()
    page.keyboard.press("Tab")
    page.wait_for_timeout(300)
    expect(block).to_have_value("1.5")


def test_simple_mode_means_the_file_that_was_chosen_there(page: Page) -> None:
    bound = page.locator(f'{PLAN} [data-kohaku-role="beta7"]')
    type_formula(page, "0.5*beta7 + 0.5*anxl3")
    bound.select_option("base7.safetensors")
    expect(page.locator(f'{PLAN} [data-kohaku-role="beta7"].kohaku-chosen')).to_have_value("base7.safetensors")
    open_source(page, "Simple")
    choose(page, "model_1", "beta7")
    choose(page, "model_2", "anxl2")
    formula_is(page, "weighted_sum(beta7, anxl2, alpha=0.5)")
    expect(page.locator(f'{PLAN} [data-kohaku-role="anxl2"]')).to_have_value("anxl2.safetensors")
    expect(bound).to_have_value("beta7.safetensors")


def test_a_list_is_taken_as_other_tools_write_it(page: Page) -> None:
    open_source(page, "Simple")
    choose(page, "model_1", "beta7")
    choose(page, "model_2", "anxl3")
    page.check("#kohaku_by_blocks input")
    open_source(page, "Block weights")
    for pasted in ("mine\t" + GAMMA, "[" + GAMMA.replace(",", "; ") + "]"):
        page.fill(WEIGHTS, "0.5," * 20)
        formula_is(page, f"weighted_sum(beta7, anxl3, alpha=mbw({','.join(['0.5'] * 20)}))")
        page.fill(WEIGHTS, pasted)
        formula_is(page, f"weighted_sum(beta7, anxl3, alpha=mbw({GAMMA}))")
        expect(page.locator("#kohaku_weight_out08 input[type=number]")).to_have_value("0.05")
    page.fill(WEIGHTS, ";".join(["0.25"] * 20))
    open_source(page, "Simple")
    choose(page, "model_2", "base7")
    formula_is(page, f"weighted_sum(beta7, base7, alpha=mbw({','.join(['0.25'] * 20)}))")
