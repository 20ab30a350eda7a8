"""What a merged file says about itself, and reading it from files of others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.checkpoint.metadata import MAX_ENTRY_LENGTH, json_entry, licences
from lib_kohaku.merge.embed import read_embedded_merge
from lib_kohaku.merge.plan.build import make_plan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.to_file import merge_to_file
from lib_kohaku.version import __version__
from tests.support.files import digest, metadata_of, save
from tests.support.merging import plan
from tests.support.samples import Family

ONE = {"w": torch.ones(2)}


def make(folder: Path, formula: str, name: str = "merged", title: str = "", **options: Any) -> dict[str, str]:
    made = make_plan(Recipe(formula, name=title, **options), ModelLibrary([folder]), hash_of=digest)
    merge_to_file(made, folder / f"{name}.safetensors")
    return metadata_of(folder / f"{name}.safetensors")


def test_entries_of_the_webui(tmp_path: Path) -> None:
    for role in "ab":
        save(tmp_path / f"{role}.safetensors", ONE)
    metadata = make(tmp_path, "0.5*a + 0.5*b", parameters={}, name="result")
    recipe = json.loads(metadata["sd_merge_recipe"])
    assert recipe["type"] == "sd-webui-kohaku"
    assert recipe["version"] == __version__
    assert recipe["recipe"]["formula"] == "0.5*a + 0.5*b"
    hashes = {role: digest(tmp_path / f"{role}.safetensors") for role in "ab"}
    assert recipe["recipe"]["models"]["a"] == {"file": "a.safetensors", "sha256": hashes["a"]}
    # Small files have the AutoV1 of no bytes at all. Equal files are one parent, under the later name.
    entry = {"name": "b.safetensors", "legacy_hash": "e3b0c442", "sd_merge_recipe": None}
    assert hashes["a"] == hashes["b"]
    assert json.loads(metadata["sd_merge_models"]) == {hashes["a"]: entry}
    assert metadata["format"] == "pt"
    assert metadata["modelspec.title"] == "result"
    assert metadata["modelspec.merged_from"] == "a.safetensors, b.safetensors"
    assert str(tmp_path) not in json.dumps(metadata), "no folders of this machine"


def test_read_back(tmp_path: Path) -> None:
    save(tmp_path / "a.safetensors", ONE)
    save(tmp_path / "b.safetensors", {"w": torch.zeros(2)})
    formula = "$k = 0.25 in [0, 1]\nweighted_sum(a, b, $k)"
    metadata = make(tmp_path, formula, parameters={"k": 0.75}, dtypes={"default": "bf16"}, seed=7, title="T")
    merge = read_embedded_merge(metadata)
    assert merge is not None
    assert merge.recipe is not None
    assert merge.recipe.formula == formula
    assert merge.recipe.parameters == {"k": 0.75}
    assert merge.recipe.seed == 7
    assert merge.recipe.dtypes == {"default": "bf16"}
    again = make_plan(merge.recipe, ModelLibrary([tmp_path]), hash_of=digest)
    merge_to_file(again, tmp_path / "sub.safetensors")
    assert digest(tmp_path / "merged.safetensors") == digest(tmp_path / "sub.safetensors"), "whatever the file's name"


def test_architecture_and_inherited_entries(sdxl: Family, tmp_path: Path) -> None:
    merge_to_file(plan("0.5*beta7 + 0.5*anxl3", sdxl.library), tmp_path / "m.safetensors")
    assert metadata_of(tmp_path / "m.safetensors")["modelspec.architecture"] == "stable-diffusion-xl-v1-base"
    inherited = {"modelspec.resolution": "1024x1024", "modelspec.author": "somebody", "ss_tag": "x"}
    save(tmp_path / "a.safetensors", ONE, inherited)
    save(tmp_path / "b.safetensors", ONE, {"modelspec.resolution": "512x512"})
    metadata = make(tmp_path, "0.5*a + 0.5*b")
    assert metadata["modelspec.resolution"] == "1024x1024"
    assert "modelspec.author" not in metadata
    assert "ss_tag" not in metadata
    assert "modelspec.license" not in metadata


def test_licences_are_carried(tmp_path: Path) -> None:
    for role, licence in (("a", "faipl-1.0-sd"), ("b", ""), ("c", " openrail++ "), ("d", "faipl-1.0-sd")):
        save(tmp_path / f"{role}.safetensors", ONE, {"modelspec.license": licence})
    assert make(tmp_path, "average([a, b, c, d])")["modelspec.license"] == "faipl-1.0-sd, openrail++"
    assert licences([{}, {"modelspec.license": " "}]) == ""


def test_parents_recipes_are_carried_through_generations(tmp_path: Path) -> None:
    for number, role in enumerate("abc"):
        save(tmp_path / f"{role}.safetensors", {"w": torch.full((2,), float(number))})
    make(tmp_path, "0.5*a + 0.5*b", "child")
    metadata = make(tmp_path, "0.5*child + 0.5*c", "grandchild")
    parents = json.loads(metadata["sd_merge_models"])
    assert {entry["name"] for entry in parents.values()} == {f"{name}.safetensors" for name in ("a", "b", "c", "child")}
    child = parents[digest(tmp_path / "child.safetensors")]
    assert child["sd_merge_recipe"]["recipe"]["formula"] == "0.5*a + 0.5*b"


@pytest.mark.parametrize(
    "hostile",
    [
        {"sd_merge_models": json.dumps({"k": "\ud800"})},
        {"sd_merge_recipe": json.dumps({"type": "\ud800"})},
        {"sd_merge_models": '{"a":' * 3000 + "1" + "}" * 3000},
        {"sd_merge_models": '{"a":' * 970 + "1" + "}" * 970},
        {"sd_merge_recipe": "[" * 100_000},
        {"sd_merge_models": '{"k": NaN}'},
        {"sd_merge_models": '{"k": 1e999}'},
        {"sd_merge_models": "[1]", "sd_merge_recipe": "5"},
        {"sd_merge_recipe": json.dumps({"type": []})},
        {"sd_merge_recipe": json.dumps({"type": {"a": 1}})},
        {"sd_merge_recipe": json.dumps({"type": "sd-webui-kohaku", "recipe": 5})},
        {"modelspec.license": "x" * 100_000},
        {"modelspec.resolution": "\x1b[2J\n"},
    ],
    ids=range(13),
)
def test_hostile_parents(tmp_path: Path, hostile: dict[str, str]) -> None:
    """Whatever a parent's metadata hold, the merge runs and its own metadata are JSON."""
    save(tmp_path / "a.safetensors", ONE, hostile)
    save(tmp_path / "b.safetensors", ONE)
    metadata = make(tmp_path, "0.5*a + 0.5*b")
    for name in ("sd_merge_models", "sd_merge_recipe"):
        json.loads(metadata[name], parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
        metadata[name].encode()
    read_embedded_merge(hostile)


@pytest.mark.parametrize(
    ("metadata", "tool", "words"),
    [
        ({"sd_merge_recipe": '{"type": "webui", "interp_method": "Weighted sum"}'}, "stable-diffusion-webui", "interp"),
        (
            {"sd_merge_recipe": '{"type": "sd-webui-supermerger", "calc_mode": "normal"}'},
            "sd-webui-supermerger",
            "calc",
        ),
        ({"sd_merge_recipe": '{"calc_mode": "normal"}'}, "an unknown tool", "calc_mode"),
        ({"sd_merge_recipe": "A + B by hand"}, "a merger", "A + B by hand"),
        ({"mecha_recipe": "version 0.1.0\nmodel 'x'"}, "sd-mecha", "version 0.1.0"),
        ({"sd_mecha_recipe": "version 0.1.0"}, "sd-mecha", "version"),
        ({"sd_merge_recipe": '{"type": "sd-webui-kohaku", "recipe": {"kohaku_recipe": 99}}'}, "sd-webui-kohaku", "99"),
    ],
)
def test_recipes_of_others(metadata: dict[str, str], tool: str, words: str) -> None:
    merge = read_embedded_merge(metadata)
    assert merge is not None
    assert merge.tool == tool
    assert merge.recipe is None
    assert words in merge.text


def test_no_recipe() -> None:
    assert read_embedded_merge({}) is None
    assert read_embedded_merge({"sd_merge_recipe": "", "format": "pt"}) is None


@given(text=st.text(max_size=40))
def test_any_entry(text: str) -> None:
    for name in ("sd_merge_recipe", "mecha_recipe"):
        merge = read_embedded_merge({name: text})
        assert merge is None or isinstance(merge.text, str)


def test_entries_that_are_too_long() -> None:
    assert json_entry({"k": '"' + "x" * MAX_ENTRY_LENGTH + '"'}, "k") is None
    assert json_entry({"k": '{"a": [1, "é"]}'}, "k") == {"a": [1, "é"]}
    assert json_entry({}, "k") is None
