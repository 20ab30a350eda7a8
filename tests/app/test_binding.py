"""Roles find their files by themselves; what is only guessed is never taken."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib_kohaku.app.binding import BY_HASH, BY_NAME, BY_USUAL_NAME, CHOSEN, MISSING, REMEMBERED, RoleBinding, bind_roles
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.merge.algebra.resolve import resolve_formula
from lib_kohaku.merge.recipe import ModelReference, Recipe
from lib_kohaku.merge.recipe_store import RecipeStore

OTHER, MINE = "1" * 64, "2" * 64


class Folder:
    """Empty files, some with hashes that are known."""

    def __init__(self, root: Path, *names: str, **hashes: str) -> None:
        for name in names:
            (root / f"{name}.safetensors").parent.mkdir(parents=True, exist_ok=True)
            (root / f"{name}.safetensors").touch()
        self.library = ModelLibrary([root])
        self.hashes = hashes
        self.asked: list[str] = []

    def known(self, path: Path) -> str:
        self.asked.append(path.stem)
        return self.hashes.get(path.stem.replace("-", "_"), "")

    def bind(
        self,
        formula: str,
        models: dict[str, ModelReference] | None = None,
        chosen: dict[str, str] | None = None,
        **remembered: ModelReference,
    ) -> RoleBinding:
        recipe = Recipe(formula, models=models or {})
        return bind_roles(recipe, resolve_formula(formula), self.library, chosen or {}, self.known, remembered)[0]


def found(binding: RoleBinding) -> tuple[str, str]:
    return binding.file.removesuffix(".safetensors"), binding.how


def test_the_card_s_recipes_bind_to_the_files_as_they_are_published(tmp_path: Path) -> None:
    names = ("kohakuXLBeta_beta7", "animagine-xl-2.0", "sub/animagineXLV3_v30", "kohaku-xl-base7", "kohaku-xl-base8")
    folder = Folder(tmp_path, *names)
    for stored in RecipeStore(None).list()[0]:
        resolved = resolve_formula(stored.recipe.formula)
        bound = bind_roles(stored.recipe, resolved, folder.library, {}, folder.known)
        assert {binding.how for binding in bound} == {BY_USUAL_NAME}, stored.name
        assert {binding.role: binding.file for binding in bound}["anxl3"] == "sub/animagineXLV3_v30.safetensors"
    assert folder.asked == []  # no recipe names a hash: nothing is looked up


def test_what_was_chosen_comes_first_then_hash_then_exact_names_then_usual_ones(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "a", "named", "second", "hashed", hashed=MINE)
    reference = ModelReference("gone.safetensors", MINE, ("second", "named"))
    assert found(folder.bind("a", {"a": reference}, {"a": "named.safetensors"})) == ("named", CHOSEN)
    assert found(folder.bind("a", {"a": reference})) == ("hashed", BY_HASH)
    gone = ModelReference("gone", OTHER, ("second", "named"))
    assert found(folder.bind("a", {"a": gone})) == ("a", BY_NAME)
    assert found(folder.bind("x", {"x": gone})) == ("second", BY_USUAL_NAME)
    assert found(folder.bind("a", {"a": ModelReference("gone")})) == ("a", BY_NAME)


def test_a_file_that_has_the_hash_is_found_without_looking_at_all_others(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "a", *map("other{}".format, range(50)), a=MINE)
    assert found(folder.bind("x", {"x": ModelReference("a.safetensors", MINE)})) == ("a", BY_HASH)
    assert folder.asked == ["a"]


def test_unknown_hashes_are_equal_to_nothing(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "a", "b")
    assert found(folder.bind("x", {"x": ModelReference("gone", OTHER)})) == ("", MISSING)
    assert found(folder.bind("x", {"x": ModelReference("gone", "")})) == ("", MISSING)


def test_a_role_means_what_it_meant_in_the_last_merge(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "kept", "moved", "replaced", "beta7", moved=MINE, replaced=OTHER)
    assert found(folder.bind("x", x=ModelReference("kept.safetensors", MINE + "0"))) == ("kept", REMEMBERED)
    assert found(folder.bind("x", x=ModelReference("kept.safetensors", MINE))) == ("moved", REMEMBERED)
    assert found(folder.bind("x", x=ModelReference("replaced.safetensors", "3" * 64))) == ("", MISSING)
    assert found(folder.bind("x", x=ModelReference("gone.safetensors"))) == ("", MISSING)
    # A file of the role's own name beats the memory.
    assert found(folder.bind("beta7", beta7=ModelReference("kept.safetensors"))) == ("beta7", BY_NAME)


@pytest.mark.parametrize("name", ["../a", "/etc/passwd", "~", ""])
def test_names_in_a_recipe_are_no_paths(tmp_path: Path, name: str) -> None:
    folder = Folder(tmp_path / "models", "b")
    (tmp_path / "a.safetensors").touch()
    assert found(folder.bind("x", {"x": ModelReference(name, "", (name,))})) == ("", MISSING)


def test_words_of_a_name_are_suggested_before_likeness(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "KohakuXL-base8_fp16-pruned", "base9", "zzz")
    binding = folder.bind("base8")
    assert binding.how == MISSING
    assert binding.suggestions == ("KohakuXL-base8_fp16-pruned", "base9")


def test_of_files_that_are_called_alike_one_has_to_be_chosen(tmp_path: Path) -> None:
    folder = Folder(tmp_path, "anxl3", "sub/anxl3", "anxl2", "other/Beta", "sub/beta")
    binding = folder.bind("anxl3")
    assert (binding.file, binding.how) == ("", MISSING)
    assert "Several checkpoints are called 'anxl3'" in binding.problem
    assert binding.suggestions == ("anxl3.safetensors", "sub/anxl3.safetensors")
    assert folder.bind("beta").file == "sub/beta.safetensors"  # its very letters
    assert folder.bind("BETA").suggestions == ("other/Beta.safetensors", "sub/beta.safetensors")
