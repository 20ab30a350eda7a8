"""Named recipes: shipped ones, and the user's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib_kohaku.errors import FailedError, OutputExistsError, RecipeError, RefusedError, UnsafeNameError
from lib_kohaku.merge.formula.parser import parse_formula
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.recipe_store import RecipeStore


@pytest.fixture
def store(tmp_path: Path) -> RecipeStore:
    return RecipeStore(tmp_path / "recipes")


def names(store: RecipeStore) -> list[str]:
    return [stored.name for stored in store.list()[0]]


SHIPPED = ["gamma-rev1", "gamma-rev2", "gamma-rev2-mbw"]


def test_shipped_recipes_say_what_the_card_says() -> None:
    store = RecipeStore(None)
    assert sorted(names(store)) == SHIPPED
    card = {
        "gamma-rev1": "beta7 + 0.8*(anxl3-anxl2) + 0.5*(base7-beta7)",
        "gamma-rev2": "beta7 + 1.0*(anxl3-anxl2) + 0.25*(base8-beta7)",
    }
    for name, formula in card.items():
        assert parse_formula(store.get(name).formula) == parse_formula(formula)
    listed = "0,0.1,0.1,0,0.1,0.1,0,0.1,0.1,0,0,0,0,0,0.05,0.05,0.05,0.05,0.05,0.05"
    assert listed in store.get("gamma-rev2-mbw").formula


def test_own_recipes(store: RecipeStore) -> None:
    path = store.save("mine", Recipe("a + b", name="another", title="Quite another"))
    assert path.name == "mine.json"
    assert store.get("mine") == Recipe("a + b", name="mine")
    with pytest.raises(OutputExistsError):
        store.save("mine", Recipe("b"))
    store.save("mine.json", Recipe("b"), overwrite=True)
    assert store.get("mine").formula == "b"
    store.rename("mine", "yours")
    assert "mine" not in names(store)
    assert store.get("yours") == Recipe("b", name="yours")
    store.delete("yours")
    assert sorted(names(store)) == SHIPPED


def test_own_recipes_hide_shipped_ones(store: RecipeStore) -> None:
    store.save("gamma-rev1", Recipe("mine"))
    assert store.get("gamma-rev1").formula == "mine"
    store.delete("gamma-rev1")
    assert "beta7" in store.get("gamma-rev1").formula


def test_shipped_recipes_stay(store: RecipeStore) -> None:
    for action in (lambda: store.delete("gamma-rev1"), lambda: store.rename("gamma-rev1", "x")):
        with pytest.raises(RecipeError, match="came with the extension"):
            action()


def test_renaming_onto_another_keeps_both(store: RecipeStore) -> None:
    store.save("a", Recipe("a"))
    store.save("b", Recipe("b"))
    with pytest.raises(OutputExistsError):
        store.rename("a", "b")
    assert (store.get("a").formula, store.get("b").formula) == ("a", "b")
    with pytest.raises(OutputExistsError):
        store.rename("a", "a")
    assert store.get("a").formula == "a"


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".hidden", "nul", "x" * 300])
def test_unsafe_names(store: RecipeStore, name: str, tmp_path: Path) -> None:
    for action in (lambda: store.save(name, Recipe("a")), lambda: store.delete(name)):
        with pytest.raises(UnsafeNameError):
            action()
    assert list(tmp_path.rglob("*.json")) == []


def test_unknown_names_get_a_hint(store: RecipeStore) -> None:
    with pytest.raises(RecipeError, match="Did you mean gamma-rev1"):
        store.get("gama-rev1")
    with pytest.raises(RecipeError, match="There are gamma-rev1"):
        store.get("something else")
    with pytest.raises(RecipeError, match="There is no recipe 'none'"):
        store.delete("none")


def test_damaged_files_are_named_and_skipped(store: RecipeStore, tmp_path: Path) -> None:
    store.save("good", Recipe("a"))
    (tmp_path / "recipes" / "bad.json").write_text("{")
    (tmp_path / "recipes" / "folder.json").mkdir()
    recipes, problems = store.list()
    assert [stored.name for stored in recipes if not stored.shipped] == ["good"]
    assert [problem.split(":")[0] for problem in problems] == ["bad.json", "folder.json"]


def test_no_folder() -> None:
    with pytest.raises(RefusedError, match="no folder for recipes"):
        RecipeStore(None).save("a", Recipe("a"))


def test_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedError):
        RecipeStore(tmp_path / "file" / "recipes").save("a", Recipe("a"))
