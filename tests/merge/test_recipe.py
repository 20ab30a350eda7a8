"""Recipes as text: nothing is lost, nothing hostile gets in."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.checkpoint.dtypes import OUTPUT_DTYPES
from lib_kohaku.errors import RecipeError
from lib_kohaku.merge.recipe import (
    COMPONENTS,
    MAX_RECIPE_BYTES,
    ModelReference,
    Recipe,
    read_recipe_file,
    recipe_from_json,
    recipe_to_json,
)

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
RECIPES = st.builds(
    Recipe,
    formula=TEXT,
    name=TEXT,
    title=TEXT,
    description=TEXT,
    models=st.dictionaries(
        TEXT, st.builds(ModelReference, TEXT, TEXT, st.lists(TEXT, max_size=2).map(tuple)), max_size=3
    ),
    parameters=st.dictionaries(TEXT, NUMBERS, max_size=3),
    profile=TEXT,
    base=TEXT,
    components=st.dictionaries(
        st.sampled_from(COMPONENTS), st.sampled_from(["merge", "base", "drop", "from:x", "from:two words"]), max_size=3
    ),
    dtypes=st.dictionaries(
        st.sampled_from([*COMPONENTS, "default"]), st.sampled_from(["keep", *OUTPUT_DTYPES]), max_size=3
    ),
    seed=st.integers(0, (1 << 63) - 1),
)


@given(recipe=RECIPES)
def test_round_trip(recipe: Recipe) -> None:
    text = recipe_to_json(recipe)
    assert recipe_from_json(text) == recipe
    assert recipe_to_json(recipe_from_json(text)) == text
    text.encode()


def test_text_by_hand() -> None:
    recipe = Recipe("a + $k*b", name="Füchse", models={"a": ModelReference("a.safetensors")}, parameters={"k": 0.5})
    assert json.loads(recipe_to_json(recipe)) == {
        "kohaku_recipe": 1,
        "formula": "a + $k*b",
        "name": "Füchse",
        "models": {"a": {"file": "a.safetensors"}},
        "parameters": {"k": 0.5},
        "profile": "supermerger",
    }
    assert "Füchse" in recipe_to_json(recipe)


def document(**changes: Any) -> str:
    return json.dumps({"kohaku_recipe": 1, "formula": "a", **changes})


def test_smallest() -> None:
    assert recipe_from_json(document()) == Recipe("a")


HOSTILE: list[tuple[str, str]] = [
    ("", "not valid JSON"),
    ("{", "not valid JSON"),
    ("[" * 100_000, "not valid JSON"),
    ("[]", "not a Kohaku recipe"),
    ("null", "not a Kohaku recipe"),
    ('{"formula": "a"}', "not a Kohaku recipe"),
    (document(kohaku_recipe=2), "another format than 1"),
    (document(kohaku_recipe="1"), "another format"),
    (document(kohaku_recipe=None), "another format"),
    (document(kohaku_recipe=[1]), "another format"),
    ('{"kohaku_recipe": 1}', "no formula"),
    (document(formula=None), "no formula"),
    (document(formula=["a"]), "no formula"),
    (document(extra=1), "unknown fields: extra"),
    (document(__class__=1), "unknown fields"),
    (document(name=5), "name is not text"),
    (document(profile=None), "profile is not text"),
    (document(seed="1"), "seed"),
    (document(seed=-1), "seed"),
    (document(seed=1.0), "seed"),
    (document(seed=True), "seed"),
    (document(seed=1 << 63), "seed"),
    (document(models=[]), "models are not a table"),
    (document(models={"a": "x"}), "model 'a' are not a table"),
    (document(models={"a": {"path": "x"}}), "other fields"),
    (document(models={"a": {"file": 5}}), "not text"),
    (document(models={"a": {"names": "x"}}), "not a list"),
    (document(models={"a": {"names": [1]}}), "not a list"),
    (document(models={"a": {"names": ["x"] * 51}}), "not a list"),
    (document(parameters={"k": "0.5"}), "not all finite numbers"),
    (document(parameters={"k": True}), "not all finite numbers"),
    (document(parameters={"k": None}), "not all finite numbers"),
    (document(parameters={"k": 10**400}), "not all finite numbers"),
    (document(parameters={"k": float("nan")}), "not all finite numbers"),
    (document(parameters={"k": float("inf")}), "not all finite numbers"),
    (document(parameters=[0.5]), "not a table"),
    (document(components={"unet": 1}), "not all text"),
    (document(components={"unet": "x"}), "not merge, base"),
    (document(components={"x": "merge"}), "no component 'x'"),
    (document(dtypes={"unet": ["fp16"]}), "not all text"),
    (document(dtypes={"unet": "int8"}), "not keep"),
    (document(name="\ud800"), "not valid JSON"),
    (document(models={"\udfff": {}}), "not valid JSON"),
    (document(name="x" * MAX_RECIPE_BYTES), "longer than"),
]


@pytest.mark.parametrize(("text", "words"), HOSTILE, ids=range(len(HOSTILE)))
def test_hostile(text: str, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        recipe_from_json(text)
    assert words in str(caught.value)
    assert len(str(caught.value)) < 500


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=3)),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["formula", "name", "models", "parameters", "profile", "components", "dtypes", "seed", "base", "description"]
)


@given(changes=st.dictionaries(FIELDS, JSON, max_size=3))
def test_any_document(changes: dict[str, Any]) -> None:
    try:
        recipe = recipe_from_json(document(**changes))
    except RecipeError:
        return
    assert recipe_from_json(recipe_to_json(recipe)) == recipe


def test_files(tmp_path: Path) -> None:
    path = tmp_path / "r.json"
    path.write_text(document(), "utf-8")
    assert read_recipe_file(path) == Recipe("a")
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(RecipeError, match=r"r\.json: cannot be read"):
        read_recipe_file(path)
    path.write_bytes(b" " * (4 * MAX_RECIPE_BYTES + 1))
    with pytest.raises(RecipeError, match="too large"):
        read_recipe_file(path)
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe_file(tmp_path)
    with pytest.raises(RecipeError, match="cannot be read"):
        read_recipe_file(tmp_path / "none.json")


def test_policies_and_types_have_defaults() -> None:
    recipe = Recipe("a", components={"unet": "base"}, dtypes={"default": "fp16", "vae": "keep"})
    assert [recipe.policy(name) for name in ("unet", "te1", "vae", "ema")] == ["base", "merge", "base", "base"]
    assert [recipe.dtype(name) for name in ("unet", "vae")] == ["fp16", "keep"]
    assert Recipe("a").dtype("unet") == "keep"
