"""X/Y/Z plots of merges in the real webui."""

from __future__ import annotations

from typing import Any

import pytest

from tests.webui.server import Webui

FORMULA = "$alpha = 0.5 in [0, 1]\nmini_a + $alpha*(mini_b - mini_c)"
PARAMETER, RECIPE, WEIGHTS, FP8 = (f"[Kohaku] {name}" for name in ("Merge parameter", "Recipe", "Block weights", "fp8"))
PROMPT_AXES = tuple(f"[Kohaku] {name}" for name in ("Quality", "Rating", "Year", "Preset", "Prompt format"))


@pytest.fixture(scope="module", autouse=True)
def recipe(webui: Webui) -> None:
    document = {"kohaku_recipe": 1, "name": "mix", "formula": FORMULA}
    webui.kohaku("PUT", "/recipes/mix", {"recipe": document})


def axis_labels(webui: Webui) -> list[str]:
    scripts = webui.call("GET", "/sdapi/v1/script-info")[1]
    plot = next(script for script in scripts if script["name"] == "x/y/z plot" and not script["is_img2img"])
    return list(plot["args"][0]["choices"])


def grid(webui: Webui, x: tuple[str, str], y: tuple[str, str] = ("Nothing", ""), **changes: Any) -> list[bytes]:
    """The cells of a grid, row by row."""
    labels = axis_labels(webui)
    axes: list[Any] = []
    for label, values in (x, y, ("Nothing", "")):
        axes += [labels.index(label), values, []]
    # legend, lone images, sub grids, keep -1 seeds, vary x, vary y, vary z, margin, values as text
    flags = [False, True, False, True, False, False, False, 0, True]
    images, _ = webui.images(script_name="x/y/z plot", script_args=[*axes, *flags], **changes)
    return images[1:]


def unsaved(webui: Webui, **changes: Any) -> bytes:
    """The image of a merge that was loaded by itself."""
    job = webui.job("/load-unsaved", {"recipe": "mix", **changes})
    assert job["state"] == "done", job["message"]
    image = webui.image()
    webui.job("/restore", {})
    return image


def test_every_axis_is_there_once(webui: Webui):
    ours = [label for label in axis_labels(webui) if "Kohaku" in label]
    assert sorted(ours) == sorted((PARAMETER, RECIPE, WEIGHTS, FP8, *PROMPT_AXES))


def test_cells_are_the_merges_and_the_model_comes_back(webui: Webui):
    before = webui.image()
    cells = grid(webui, (PARAMETER, "alpha=0.3,alpha=0.6"), (RECIPE, "mix"))
    assert webui.kohaku("GET", "/loaded")["unsaved"] is False
    assert webui.image() == before
    assert cells == [unsaved(webui, parameters={"alpha": alpha}) for alpha in (0.3, 0.6)]


def test_block_weights_say_where_the_merge_takes_place(webui: Webui):
    none = ",".join(["0"] * 20)
    everywhere = ",".join(["1"] * 20)
    cells = grid(webui, (WEIGHTS, f'FLAT_50,"{none}","{everywhere}"'), (RECIPE, "mix"))
    assert len(set(cells)) == 3
    assert cells[1] == webui.image()  # the base alone
    assert cells[2] == unsaved(webui)


def test_a_cell_that_cannot_be_merged_is_empty_and_the_others_are_not(webui: Webui):
    before = webui.image()
    cells = grid(webui, (PARAMETER, "mix: alpha=0.3,mix: beta=1,mix: alpha=0.6"))
    assert len(set(cells)) == 3
    assert len(set(cells[1])) == 1  # one colour
    assert webui.image() == before


def test_a_wrong_value_is_refused_before_the_first_image(webui: Webui):
    status, _ = webui.call(
        "POST",
        "/sdapi/v1/txt2img",
        {
            "steps": 1,
            "width": 64,
            "height": 64,
            "script_name": "x/y/z plot",
            "script_args": [axis_labels(webui).index(RECIPE), "no such", [], 0, "", [], 0, "", [], *[False] * 8, True],
        },
    )
    assert status == 500
    assert "There is no recipe" in webui.log


def test_batches_and_other_axes_go_together(webui: Webui):
    cells = grid(webui, (PARAMETER, "mix: alpha=0.3,mix: alpha=0.6"), ("Seed", "5,6"), n_iter=2)
    assert len(set(cells)) == 4
    assert cells[0] == unsaved(webui, parameters={"alpha": 0.3})
