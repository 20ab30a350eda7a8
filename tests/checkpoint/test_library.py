"""Names to files: exact, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from lib_kohaku.checkpoint import library
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import CheckpointError


def make(root: Path, *names: str) -> ModelLibrary:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(b"")
    return ModelLibrary([root])


def test_all_forms_of_a_name(tmp_path: Path) -> None:
    models = make(tmp_path, "sub/Kohaku-XL v1.5.safetensors", "other.ckpt")
    path = tmp_path / "sub/Kohaku-XL v1.5.safetensors"
    for name in (
        "sub/Kohaku-XL v1.5.safetensors", "sub/Kohaku-XL v1.5", "Kohaku-XL v1.5.safetensors", "Kohaku-XL v1.5",
        "KOHAKU-XL V1.5", "sub\\Kohaku-XL v1.5",
    ):  # fmt: skip
        assert models.find(name) == path, name
    assert models.find("other") == tmp_path / "other.ckpt"


@pytest.mark.parametrize("name", ["Kohaku", "v1.5", "XL v1.5", "Kohaku-XL v1", "", "/", ".", "*", "ub/Kohaku-XL v1.5"])
def test_parts_of_a_name_are_not_enough(tmp_path: Path, name: str) -> None:
    assert make(tmp_path, "sub/Kohaku-XL v1.5.safetensors").find(name) is None


def test_case_matters_where_it_has_to(tmp_path: Path) -> None:
    models = make(tmp_path, "a.safetensors", "A.safetensors")
    assert models.find("a") == tmp_path / "a.safetensors"
    assert models.find("A") == tmp_path / "A.safetensors"
    models = make(tmp_path, "Bee.safetensors", "bEE.safetensors")
    with pytest.raises(CheckpointError, match=r"Several .*Bee\.safetensors, bEE\.safetensors"):
        models.find("bee")


def test_ambiguity_is_told_with_names_that_work(tmp_path: Path) -> None:
    models = make(tmp_path, "x.safetensors", "old/x.safetensors", "new/x.safetensors", "x.ckpt")
    with pytest.raises(CheckpointError) as caught:
        models.find("x")
    listed = ["new/x.safetensors", "old/x.safetensors", "x.ckpt", "x.safetensors"]
    assert ", ".join(listed) in str(caught.value)
    for name in listed:
        assert models.find(name) == tmp_path / name


def test_first_root_wins_for_the_same_relative_name(tmp_path: Path) -> None:
    make(tmp_path / "one", "a.safetensors")
    make(tmp_path / "two", "a.safetensors", "b.safetensors")
    models = ModelLibrary([tmp_path / "one", tmp_path / "two"])
    assert models.find("a") == tmp_path / "one" / "a.safetensors"
    assert models.names == ["a.safetensors", "b.safetensors"]


def test_only_checkpoints_and_nothing_hidden(tmp_path: Path) -> None:
    models = make(
        tmp_path, "a.safetensors", "b.txt", ".c.safetensors", ".git/d.safetensors", "e.PT", "f.pth", "g.json",
        ".a.safetensors.0.kohaku-tmp",
    )  # fmt: skip
    assert models.names == ["a.safetensors", "e.PT", "f.pth"]


def test_suggestions(tmp_path: Path) -> None:
    models = make(tmp_path, "sub/anxl3.safetensors", "anxl2.safetensors", "unrelated.safetensors")
    assert set(models.suggest("anxl")) == {"anxl2", "anxl3"}
    assert models.suggest("ANXL3")[0] == "anxl3"
    assert models.suggest("zzzzzz") == []


def test_link_loops_end(tmp_path: Path) -> None:
    models = tmp_path / "models"
    make(models, "sub/a.safetensors")
    (models / "sub" / "up").symlink_to(models)
    (models / "self").symlink_to(models / "self")
    found = ModelLibrary([models])
    assert found.names == ["sub/a.safetensors"]


def test_linked_folders_are_followed(tmp_path: Path) -> None:
    make(tmp_path / "elsewhere", "a.safetensors")
    models = tmp_path / "models"
    models.mkdir()
    (models / "link").symlink_to(tmp_path / "elsewhere")
    assert ModelLibrary([models]).find("a") == models / "link" / "a.safetensors"


def test_missing_root(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="there is no such folder"):
        ModelLibrary([tmp_path / "none"])


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "MAX_FILES", 2)
    with pytest.raises(CheckpointError, match="more than 2"):
        make(tmp_path, "a.pt", "b.pt", "c.pt")


def test_names_that_are_not_unicode(tmp_path: Path) -> None:
    try:
        Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.safetensors")).write_bytes(b"")
    except OSError:
        pytest.skip("this file system has Unicode names only")
    assert len(ModelLibrary([tmp_path]).names) == 1


@pytest.mark.parametrize(
    "name",
    [
        "animagine-xl-3.0", "Animagine XL 3.0", "sub/animagineXLV3_v30", "animagine_xl_v3", "animagine-xl-3.0-fp16",
        "AnimagineXL3.0_pruned_fp16", "animaginexl30-fp16-v2",
    ],
)  # fmt: skip
def test_a_model_is_known_by_its_usual_names(tmp_path: Path, name: str) -> None:
    models = make(tmp_path, f"{name}.safetensors", "other.safetensors")
    assert models.find_known_as(["animagine xl 3.0", "animagine xl v3"]) == tmp_path / f"{name}.safetensors"


@pytest.mark.parametrize(
    "name",
    [
        "animagine-xl-3.1", "animagineXLV31_v31", "animagine-xl-3.0-base", "my-animagine-xl-3.0",
        "animagine-xl-3.0-mix", "animagine-xl-30.5", "animagine", "fp16", "v3",
    ],
)  # fmt: skip
def test_other_models_are_not_taken_for_it(tmp_path: Path, name: str) -> None:
    assert make(tmp_path, f"{name}.safetensors").find_known_as(["animagine xl 3.0", "animagine xl v3", "", "-"]) is None


def test_of_several_that_may_be_meant_none_is_taken_unless_one_is_called_just_so(tmp_path: Path) -> None:
    models = make(tmp_path, "beta7-fp16.safetensors", "beta7-fp32.safetensors")
    with pytest.raises(CheckpointError, match=r"beta7-fp16\.safetensors, beta7-fp32\.safetensors"):
        models.find_known_as(["beta7"])
    models = make(tmp_path, "Beta_7.safetensors")
    assert models.find_known_as(["beta7"]) == tmp_path / "Beta_7.safetensors"


def test_vaes_are_found_where_no_checkpoint_is_meant(tmp_path: Path) -> None:
    vaes = tmp_path / "VAE"
    make(vaes, "sdxl_vae.safetensors", "both.pt", "same.safetensors")
    make(tmp_path / "models", "both.safetensors", "same.safetensors", "near.vae.pt")
    files = [*vaes.iterdir(), tmp_path / "models/near.vae.pt"]
    models = ModelLibrary([tmp_path / "models"], files)
    assert models.names == ["both.safetensors", "near.vae.pt", "same.safetensors"]
    assert sorted(models.vaes) == ["both.pt", "sdxl_vae.safetensors"]
    assert models.find("SDXL_VAE") == vaes / "sdxl_vae.safetensors"
    assert models.find("both") == tmp_path / "models/both.safetensors"
    assert models.find("both.pt") == vaes / "both.pt"
    assert models.find("same") == tmp_path / "models/same.safetensors"
    assert models.everything.keys() == {*models.names, *models.vaes}
