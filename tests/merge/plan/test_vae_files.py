"""The VAE of a file that holds nothing else, put into a merge."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.merge.plan.build import make_plan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.to_file import merge_to_file
from lib_kohaku.merge.verify.run import verify_file
from tests.support.files import digest, load, metadata_of, save
from tests.support.merging import plan
from tests.support.samples import Family

FIRST = "first_stage_model."
FORMULA = "0.5*beta7 + 0.5*anxl3"
BAKED = {"vae": "from:sdxl_vae"}


@pytest.fixture(scope="module")
def vae(sdxl: Family, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As Stability AI's ``sdxl_vae.safetensors``: names without a prefix, fp32, and a loss that nobody needs."""
    path = tmp_path_factory.mktemp("VAE") / "sdxl_vae.safetensors"
    tensors = {
        name[len(FIRST) :]: values.float() * 1.5
        for name, values in load(sdxl.path("base8")).items()
        if name.startswith(FIRST)
    }
    save(path, {**tensors, "loss.logvar": torch.zeros(1)})
    return path


@pytest.fixture
def models(sdxl: Family, vae: Path) -> ModelLibrary:
    return ModelLibrary([sdxl.folder], [vae])


@pytest.mark.parametrize("dtypes", [{}, {"vae": "fp32"}], ids=str)
def test_it_gets_into_the_result_and_nothing_else_changes(
    models: ModelLibrary, sdxl: Family, vae: Path, tmp_path: Path, dtypes: dict[str, str]
) -> None:
    ordinary, baked = tmp_path / "ordinary.safetensors", tmp_path / "baked.safetensors"
    merge_to_file(make_plan(Recipe(FORMULA), models), ordinary)
    made = make_plan(Recipe(FORMULA, components=BAKED, dtypes=dtypes), models, hash_of=digest)
    assert (made.refusals, made.warnings) == ((), ())
    merge_to_file(made, baked)
    before, after, given = load(ordinary), load(baked), load(vae)
    assert before.keys() == after.keys()
    replaced = {name for name in after if name.startswith(FIRST)}
    assert len(replaced) > 200
    for name, values in after.items():
        expected = given[name[len(FIRST) :]] if name in replaced else before[name]
        wanted = torch.float32 if name in replaced and dtypes else before[name].dtype
        assert values.dtype is wanted
        assert torch.equal(values, expected.to(wanted)), name
    assert json.loads(metadata_of(baked)["sd_merge_recipe"])["recipe"]["models"]["sdxl_vae"]["sha256"] == digest(vae)
    report = verify_file(baked, models, check_all=True, hash_of=digest)
    assert report.passed
    assert report.differing == 0


def test_what_its_own_prediction_would_be_does_not_matter(models: ModelLibrary, sdxl: Family, tmp_path: Path) -> None:
    folder = tmp_path / "v"
    folder.mkdir()
    for name in ("beta7", "anxl3"):
        save(folder / f"{name}.safetensors", {**load(sdxl.path(name)), "v_pred": torch.zeros(0)})
    made = plan(FORMULA, ModelLibrary([folder], models.vaes.values()), components=BAKED)
    assert (made.refusals, made.warnings) == ((), ())


@pytest.mark.parametrize("component", ["unet", "te1"])
def test_it_has_no_other_component(models: ModelLibrary, component: str) -> None:
    made = plan(FORMULA, models, components={component: "from:sdxl_vae"})
    assert made.refusals == (f"sdxl_vae.safetensors has no tensor of the {component} of beta7.safetensors.",)


def test_it_is_no_model_of_a_formula(models: ModelLibrary) -> None:
    made = plan("0.5*beta7 + 0.5*sdxl_vae", models)
    assert made.refusals == (
        "sdxl_vae.safetensors has no tensor in common with beta7.safetensors. "
        "sdxl_vae.safetensors is a VAE, not a checkpoint.",
    )


def test_a_base_without_a_vae_says_so(models: ModelLibrary, sdxl: Family, tmp_path: Path) -> None:
    for name in ("beta7", "anxl3"):
        kept = {key: values for key, values in load(sdxl.path(name)).items() if not key.startswith(FIRST)}
        save(tmp_path / f"{name}.safetensors", kept)
    made = plan(FORMULA, ModelLibrary([tmp_path], models.vaes.values()), components=BAKED)
    assert made.refusals == ()
    assert made.warnings == (
        "beta7.safetensors has no VAE, and a merge adds no tensors: that of sdxl_vae is left out.",
    )


def test_one_of_another_kind_or_a_half_one(models: ModelLibrary, vae: Path, tmp_path: Path) -> None:
    names = {"diffusers": {"encoder.down_blocks.0.resnets.0.conv1.weight": torch.zeros(2)}, "half": load(vae)}
    del names["half"]["decoder.conv_out.weight"]
    for name, tensors in names.items():
        save(tmp_path / f"{name}.safetensors", tensors)
    library = ModelLibrary(models.roots, [tmp_path / f"{name}.safetensors" for name in names])
    made = plan(FORMULA, library, components={"vae": "from:diffusers"})
    assert "diffusers.safetensors has no tensor in common with beta7.safetensors." in made.refusals
    made = plan(FORMULA, library, components={"vae": "from:half"})
    assert made.refusals == ()
    assert made.warnings == ("half.safetensors lacks tensors that beta7.safetensors has (1 vae): they stay unchanged.",)
