"""X/Y/Z plots, driven as the webui drives them."""

from __future__ import annotations

import copy
from types import SimpleNamespace

import pytest

from lib_kohaku.errors import KohakuError
from lib_kohaku.merge.infotext import INFOTEXT_KEY
from lib_kohaku.merge.recipe import Recipe

FORMULA = "$k = 0.5 in [0, 1]\nbeta7 + $k*(anxl3 - beta7)"
RECIPE, PARAMETER, WEIGHTS = (f"[Kohaku] {name}" for name in ("Recipe", "Merge parameter", "Block weights"))


class Plot:
    """The plot script and the part of the webui that makes images."""

    def __init__(self, fake, hooks) -> None:
        self.fake, self.hooks = fake, hooks
        self.comments: list[str] = []
        self.break_at: str = ""

    def axis(self, label: str):
        return next(option for option in self.fake.xyz.axis_options if option.label == label)

    def run(self, *axes: tuple[str, list[str]], **fields):
        """Cells of a grid along the first axis, with one value for every other; what each was made with."""
        for label, values in axes:
            self.axis(label).confirm(None, values)
        p = SimpleNamespace(extra_generation_params={}, n_iter=1, comment=self.comments.append, **fields)
        seen = []
        for value in axes[0][1]:
            cell = copy.copy(p)
            self.axis(axes[0][0]).apply(cell, value, axes[0][1])
            for label, values in axes[1:]:
                self.axis(label).apply(cell, values[0], values)
            seen.append(self.image(cell, broken=value == self.break_at))
        self.fake.before_image()
        return seen

    def image(self, p=None, *, broken: bool = False):
        """The name, the weights and the infotext's recipe that an image is made with; None for no image."""
        p = p or SimpleNamespace(extra_generation_params={}, n_iter=1, comment=self.comments.append)
        self.hooks.before_process(p)
        self.fake.before_image()
        p.sd_model_name = self.fake.model.sd_checkpoint_info.name_for_extra
        self.hooks.process(p)
        made = None
        for _ in range(p.n_iter):
            self.fake.before_image()
            self.hooks.before_process_batch(p)
            weight = self.fake.model.model.diffusion_model.out._modules["2"].weight
            made = (p.sd_model_name, float(weight.flatten()[0]), p.extra_generation_params.get(INFOTEXT_KEY, ""))
        if broken:
            return None
        self.hooks.postprocess(p)
        return made


@pytest.fixture
def plot(fake, workbench) -> Plot:
    from lib_kohaku import webui

    webui.add_axes()
    workbench.recipes.save("mix", Recipe(FORMULA))
    fake.load("beta7")
    return Plot(fake, webui.image_hooks())


def loads(fake) -> int:
    return sum(event.startswith("load ") for event in fake.events)


def test_axes_are_added_once(fake, plot):
    from lib_kohaku import webui

    for _ in range(2):
        webui.add_axes()
    prompt = [f"[Kohaku] {name}" for name in ("Quality", "Rating", "Year", "Prompt format", "Preset")]
    labels = [option.label for option in fake.xyz.axis_options]
    assert labels == [RECIPE, PARAMETER, WEIGHTS, *prompt, "[Kohaku] fp8"]
    assert "mix" in plot.axis(RECIPE).choices() and "GRAD_V" in plot.axis(WEIGHTS).choices()
    assert plot.axis(PARAMETER).choices is None


def test_without_the_plot_script_nothing_is_added(fake, workbench):
    from lib_kohaku import webui

    fake.modules["scripts"].scripts_data.clear()
    webui.add_axes()
    assert fake.xyz.axis_options == []


def test_a_grid_keeps_the_recipe_that_the_tab_showed_when_it_began(fake, plot, workbench):
    workbench.draft = Recipe(FORMULA)
    fake.state.begin("task(1)")
    (first,) = plot.run((PARAMETER, ["k=0.25"]))
    workbench.draft = Recipe("$k = 0.5 in [0, 1]\nanxl3 + $k*(beta7 - anxl3)")  # somebody types meanwhile
    (second,) = plot.run((PARAMETER, ["k=0.25"]))
    assert second == first
    fake.state.end()
    fake.state.begin("task(2)")
    (third,) = plot.run((PARAMETER, ["k=0.25"]))
    assert third[1] != first[1]


def test_each_cell_is_its_merge_and_the_checkpoint_comes_back(fake, plot):
    before = plot.image()
    fake.events.clear()
    first, second = plot.run((PARAMETER, ["k=0.25", "k=0.75"]), (RECIPE, ["mix"]))
    assert loads(fake) == 1  # at the end, not between the cells
    assert first[0] == "mix k=0.25 (unsaved merge)" and '"k":0.25' in first[2]
    assert second[0] == "mix k=0.75 (unsaved merge)" and '"k":0.75' in second[2]
    assert len({before[1], first[1], second[1]}) == 3
    # half way between the two lies the recipe's own default
    (middle,) = plot.run((RECIPE, ["mix"]))
    assert middle[1] == pytest.approx((first[1] + second[1]) / 2, rel=1e-3)
    assert plot.image() == before


def test_cells_of_one_merge_are_merged_once(fake, plot):
    fake.events.clear()
    plot.run((RECIPE, ["mix", "mix", "mix"]))
    assert fake.events.count("undo hijack") == 1


def test_the_tabs_recipe_is_varied_when_none_is_named(plot, workbench):
    (cell,) = plot.run((PARAMETER, ["k=1"]))
    assert cell is None and "Type a formula" in plot.comments[0]
    workbench.draft = Recipe(FORMULA, name="typed")
    (cell,) = plot.run((PARAMETER, ["k=1"]))
    assert cell[0] == "typed k=1 (unsaved merge)"


def test_the_recipe_that_was_loaded_is_varied_too(fake, plot, host, workbench):
    from lib_kohaku.progress import SilentProgress

    host.load_unsaved(workbench.plan(Recipe(FORMULA, name="mine")), "mine", SilentProgress())
    cells = plot.run((PARAMETER, ["k=0.1", "k=0.9"]))
    assert [cell[0] for cell in cells] == ["mine k=0.1 (unsaved merge)", "mine k=0.9 (unsaved merge)"]
    assert not host.loaded_model().unsaved  # the grid has ended it, and says so


def test_block_weights_take_the_place_of_the_formulas_own(plot, workbench):
    workbench.recipes.save("blocks", Recipe('beta7 + mbw("FLAT_50")*(anxl3 - beta7)'))
    half, none = plot.run((WEIGHTS, ["FLAT_50", ",".join(["0"] * 20)]), (RECIPE, ["blocks"]))
    assert "FLAT_50" in half[0] and "mbw" in none[0]
    assert none[1] == plot.image()[1] != half[1]


def test_a_cell_that_cannot_be_merged_makes_no_image(plot):
    cells = plot.run((PARAMETER, ["mix: k=0.2", "mix: other=1", "mix: k=7"]))
    assert cells[0] is not None and cells[1:] == [None, None]
    assert len(plot.comments) == 2 and "other" in plot.comments[0]


def test_a_cell_that_breaks_off_does_not_leave_its_merge_to_the_next_image(fake, plot):
    before = plot.image()
    plot.break_at = "mix: k=0.9"
    plot.run((PARAMETER, ["mix: k=0.1", "mix: k=0.9"]))
    fake.state.begin("the next task")
    assert plot.image() == before


def test_images_that_other_scripts_make_inside_a_cell_are_the_cells(fake, plot):
    p = SimpleNamespace(extra_generation_params={}, n_iter=1, comment=plot.comments.append)
    plot.axis(RECIPE).apply(p, "mix", ["mix"])
    plot.hooks.before_process(p)
    plot.hooks.process(p)
    inner = plot.image()
    assert inner[0] == "mix (unsaved merge)"


def test_a_refiner_that_replaced_the_model_is_noticed(fake, plot):
    p = SimpleNamespace(extra_generation_params={}, n_iter=2, comment=plot.comments.append)
    plot.axis(RECIPE).apply(p, "mix", ["mix"])
    plot.hooks.before_process(p)
    plot.hooks.process(p)
    merged = p.sd_model_name
    fake.sd_models.reload_model_weights(info=fake.sd_models.checkpoint_aliases["anxl2.safetensors"])
    fake.before_image()
    plot.hooks.before_process_batch(p)
    assert fake.model.sd_checkpoint_info.name_for_extra == merged


@pytest.mark.parametrize(
    ("label", "value"),
    [(RECIPE, "no such"), (PARAMETER, "k"), (PARAMETER, "k=x"), (PARAMETER, ""), (PARAMETER, "=1"), (WEIGHTS, "FLAT")],
)
def test_wrong_values_are_refused_before_the_first_image(plot, label, value):
    with pytest.raises(KohakuError):
        plot.axis(label).confirm(None, [value])


def test_the_infotext_can_be_switched_off(fake, plot):
    fake.opts.data["kohaku_infotext"] = False
    (cell,) = plot.run((RECIPE, ["mix"]))
    assert cell[2] == ""
