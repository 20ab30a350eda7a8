"""Everything that is refused or warned of before work starts, in words."""

from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import CheckpointError, FormulaError, PlanError, RecipeError, RefusedError
from lib_kohaku.merge.plan.build import check_output, make_plan, require_runnable
from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.merge.recipe import ModelReference, Recipe
from lib_kohaku.merge.to_file import merge_to_file
from tests.support.files import save
from tests.support.merging import plan, write_models
from tests.support.samples import Family

UNET = "model.diffusion_model."
ONE = {"w": torch.ones(2)}


@pytest.fixture
def models(tmp_path: Path) -> ModelLibrary:
    return write_models(tmp_path, {role: {"w": torch.full((2,), float(i))} for i, role in enumerate("abc")})


def refused(made: MergePlan) -> str:
    assert made.refusals
    with pytest.raises(PlanError) as caught:
        require_runnable(made)
    assert all(reason in str(caught.value) for reason in made.refusals)
    return str(caught.value)


def test_nothing_to_complain_about(models: ModelLibrary) -> None:
    made = plan("weighted_sum(a, b, 0.5)", models)
    assert (made.refusals, made.warnings) == ((), ())


def test_sd1_into_sdxl(sd1: Family, sdxl: Family) -> None:
    made = plan("0.5*beta7 + 0.5*one", ModelLibrary([sdxl.folder, sd1.folder]))
    text = refused(made)
    assert "one.safetensors is Stable Diffusion 1" in text
    assert "beta7.safetensors is SDXL base" in text
    assert made.tensors == ()


def test_20_values_on_sd1(sd1: Family) -> None:
    with pytest.raises(FormulaError, match="20 block weights given; this architecture has 26"):
        plan("weighted_sum(one, two, mbw('gamma'))", sd1.library)


def test_block_weights_on_an_unknown_architecture(models: ModelLibrary) -> None:
    with pytest.raises(FormulaError, match="not defined for this architecture"):
        plan("weighted_sum(a, b, mbw('gamma'))", models)


def test_unknown_architectures_merge_by_formula(models: ModelLibrary) -> None:
    made = plan("0.5*a + 0.5*b", models)
    assert made.architecture.id == "unknown"
    assert made.component_actions == {"other": "merge"}


def test_strangers_without_a_common_tensor(tmp_path: Path) -> None:
    library = write_models(tmp_path, {"a": {"w": torch.ones(1)}, "b": {"v": torch.ones(1)}})
    assert "b.safetensors has no tensor in common with a.safetensors" in refused(plan("0.5*a + 0.5*b", library))


def test_one_side_unknown(sdxl: Family, tmp_path: Path) -> None:
    save(tmp_path / "part.safetensors", {f"{UNET}out.2.bias": torch.ones(4).half()})
    made = plan("0.5*beta7 + 0.5*part", ModelLibrary([sdxl.folder, tmp_path]))
    assert made.refusals == ()
    assert any("part.safetensors is of unknown architecture; it has 1 tensors in common" in w for w in made.warnings)
    assert any("part.safetensors lacks tensors that beta7.safetensors has" in w for w in made.warnings)


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("a - b", "is a difference, not a model: its coefficients add up to 0"),
        ("a + b - 2*c", "is a difference"),
        ("0*a + 0*b", "is a difference"),
        ("b + c - 2*b", "is a difference"),
    ],
)
def test_differences_are_no_models(models: ModelLibrary, formula: str, words: str) -> None:
    assert words in refused(plan(formula, models))


@pytest.mark.parametrize(
    ("formula", "total"), [("0.5*a + 0.8*b", "1.3"), ("a + b", "2"), ("a - 0.5*b", "0.5"), ("-a", "-1")]
)
def test_sums_that_are_not_one_are_named(models: ModelLibrary, formula: str, total: str) -> None:
    made = plan(formula, models)
    assert made.refusals == ()
    assert any(f"add up to {total}, not 1" in warning for warning in made.warnings)


def test_sums_are_named_with_their_blocks(sdxl: Family) -> None:
    made = plan("beta7 + blocks(IN07=0.5)*anxl3", sdxl.library)
    (warning,) = [warning for warning in made.warnings if "add up" in warning]
    assert warning == "The coefficients in IN07 add up to 1.5, not 1: the weights are scaled by that."


def test_differences_in_some_blocks_only(sdxl: Family) -> None:
    made = plan("(1 - blocks(IN07=1))*beta7", sdxl.library)
    assert "The result in IN07 is a difference" in refused(made)


def test_models_that_cancel(models: ModelLibrary) -> None:
    made = plan("a + 0.5*(b - b) + 0*c", models)
    assert [warning.split()[0] for warning in made.warnings] == ["b", "c"]
    assert all("no influence" in warning for warning in made.warnings)


def test_unknown_names_all_at_once_with_suggestions(sdxl: Family) -> None:
    with pytest.raises(PlanError) as caught:
        plan("beta7 + 0.8*(anxl33 - anx2) + zzz", sdxl.library)
    text = str(caught.value)
    assert "no checkpoint 'anxl33'" in text
    assert "Did you mean anxl3" in text
    assert "no checkpoint 'anx2'" in text
    assert "no checkpoint 'zzz'" in text
    assert str(sdxl.folder) in text


@pytest.mark.parametrize("name", ["n" * 5000, "~nobody-at-all", "a\\b/../c", ".", "/", "no/such/folder/x"])
def test_names_that_no_file_can_have(models: ModelLibrary, name: str) -> None:
    with pytest.raises(PlanError, match="There is no checkpoint"):
        make_plan(Recipe("x"), models, {"x": name})


def test_binding_a_role_that_does_not_exist(models: ModelLibrary) -> None:
    with pytest.raises(PlanError, match="The formula has no model 'typo'"):
        make_plan(Recipe("0.5*a + 0.5*b"), models, {"typo": "c"})


def test_bindings_beat_references_beat_roles(models: ModelLibrary) -> None:
    recipe = Recipe("0.5*a + 0.5*x", models={"a": ModelReference("b.safetensors"), "x": ModelReference("gone.ckpt")})
    with pytest.raises(PlanError, match="no checkpoint 'x'"):
        make_plan(recipe, models)
    made = make_plan(recipe, models, {"x": "c"})
    assert [(model.role, model.path.name) for model in made.models] == [("a", "b.safetensors"), ("x", "c.safetensors")]


def test_paths_outside_of_the_library(tmp_path: Path, models: ModelLibrary) -> None:
    elsewhere = save(tmp_path / "sub.st", ONE)
    assert make_plan(Recipe("x"), models, {"x": str(elsewhere)}).models[0].path == elsewhere


def test_damaged_input(tmp_path: Path) -> None:
    library = write_models(tmp_path, {"a": ONE, "b": ONE})
    (tmp_path / "b.safetensors").write_bytes((tmp_path / "b.safetensors").read_bytes()[:-1])
    with pytest.raises(CheckpointError, match=r"b\.safetensors: tensor 'w': the file is truncated"):
        plan("0.5*a + 0.5*b", library)


def test_another_hash_than_the_recipe_s(models: ModelLibrary) -> None:
    recipe = Recipe("a", models={"a": ModelReference("a.safetensors", "1" * 64)})
    made = make_plan(recipe, models, hash_of=lambda path: "2" * 64)
    (warning,) = made.warnings
    assert "a.safetensors has hash 2222222222, the recipe was made with 1111111111" in warning
    assert make_plan(recipe, models).warnings == (), "no hash, no warning"


def test_predictions(tmp_path: Path) -> None:
    save(tmp_path / "eps.safetensors", ONE)
    save(tmp_path / "vee.safetensors", {**ONE, "v_pred": torch.ones(1)})
    library = ModelLibrary([tmp_path])
    text = refused(plan("0.5*eps + 0.5*vee", library))
    assert "eps.safetensors: epsilon" in text
    assert "vee.safetensors: v" in text
    made = make_plan(Recipe("0.5*eps + 0.5*vee"), library, allow_prediction_mismatch=True)
    assert made.refusals == ()
    assert any("predict different things" in warning for warning in made.warnings)


FP8 = torch.float8_e4m3fn
INT8 = torch.frombuffer(bytearray(b'{"format": "int8_tensorwise"}'), dtype=torch.uint8)


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"x.scale_weight": torch.ones(1)}, "there is a scale 'x.scale_weight' but no weight for it"),
        ({"x.weight_scale": torch.ones(1)}, "there is a scale 'x.weight_scale' but no weight for it"),
        ({"w.scale_weight": torch.ones(1)}, "'w' has a scale but is F32"),
        ({"x.comfy_quant": torch.ones(1)}, "'x.comfy_quant' cannot be read"),
        ({"x.comfy_quant": INT8}, "'int8_tensorwise', which is not supported"),
        ({"x.weight_scale_2": torch.ones(1)}, "nvfp4"),
        ({"x.qweight": torch.ones(1)}, "4-bit integers"),
        ({"w": torch.ones(2, 3).to(FP8), "w.scale_weight": torch.ones(3)}, "has shape [3]"),
        ({"w": torch.ones(2, 3).to(FP8), "w.scale_weight": torch.ones(2, 3)}, "has shape [2, 3]"),
        ({"w": torch.ones(2).to(FP8), "w.scale_weight": torch.ones(1).to(FP8)}, "of type F8_E4M3"),
    ],
)
def test_quantised_files_that_cannot_be_understood(tmp_path: Path, tensors: dict, words: str) -> None:
    library = write_models(tmp_path, {"a": ONE, "b": {**ONE, **tensors}})
    text = refused(plan("0.5*a + 0.5*b", library))
    assert "b.safetensors: " in text
    assert words in text


def test_types_that_cannot_be_computed_with(tmp_path: Path) -> None:
    library = write_models(tmp_path, {"a": ONE, "b": {"w": torch.tensor([1, 2])}})
    text = refused(plan("0.5*a + 0.5*b", library))
    assert "element types cannot be computed with: w" in text


def test_missing_and_extra_keys_are_counted_by_component(sdxl: Family, tmp_path: Path) -> None:
    from tests.support.files import load

    tensors = load(sdxl.path("anxl3"))
    dropped = [f"{UNET}out.2.bias", f"{UNET}out.2.weight", "first_stage_model.quant_conv.bias"]
    partial = {name: values for name, values in tensors.items() if name not in dropped}
    save(tmp_path / "partial.safetensors", {**partial, "conditioner.embedders.0.extra": torch.ones(1)})
    made = plan("0.5*beta7 + 0.5*partial", ModelLibrary([sdxl.folder, tmp_path]))
    difference = made.differences["partial"]
    assert dict(difference.missing) == {"unet": 2, "vae": 1}
    assert dict(difference.extra) == {"te1": 1}
    assert "partial.safetensors lacks tensors that beta7.safetensors has (2 unet, 1 vae): they stay unchanged." in (
        made.warnings
    )
    assert any("has tensors that beta7.safetensors lacks (1 te1): they are left out" in w for w in made.warnings)


def test_what_is_left_out_does_not_stay_unchanged(sdxl: Family, tmp_path: Path) -> None:
    from tests.support.files import load

    tensors = load(sdxl.path("beta7"))
    ema = {"model_ema.diffusion_modeloutweight": torch.ones(2)}
    save(tmp_path / "full.safetensors", {**tensors, **ema})
    save(
        tmp_path / "partial.safetensors", {n: t for n, t in tensors.items() if n != "first_stage_model.quant_conv.bias"}
    )
    library = ModelLibrary([tmp_path])

    def lacking(**components: str) -> list[str]:
        return [
            text for text in plan("0.5*full + 0.5*partial", library, components=components).warnings if "lacks" in text
        ]

    both = "partial.safetensors lacks tensors that full.safetensors has (1 ema, 1 vae): they stay unchanged."
    assert lacking() == [both]
    assert lacking(ema="drop") == [both.replace("1 ema, ", "")]
    assert lacking(ema="drop", vae="drop") == []


def test_channels_of_an_inpainting_model_that_the_base_lacks(sdxl: Family, tmp_path: Path) -> None:
    from tests.support.files import load

    key = f"{UNET}input_blocks.0.0.weight"
    tensors = load(sdxl.path("base7"))
    save(tmp_path / "inpaint.safetensors", {**tensors, key: torch.cat([tensors[key], torch.ones(4, 5, 3, 3)], 1)})
    library = ModelLibrary([sdxl.folder, tmp_path])
    lost = plan("anxl3 + (inpaint - beta7)", library).warnings
    assert lost == (
        "inpaint.safetensors takes 9 channels and anxl3.safetensors 4, as inpainting models and others do: what it has "
        "more is left out. Make inpaint.safetensors the base to keep it.",
    )
    assert plan("anxl3 + (inpaint - beta7)", library, base="inpaint").warnings == ()
    assert plan("inpaint + (anxl3 - beta7)", library).warnings == ()


def test_what_is_no_checkpoint_is_called_by_its_name(tmp_path: Path) -> None:
    down, up = "lora_unet_out.lora_down.weight", "lora_unet_out.lora_up.weight"
    lora = {down: torch.ones(2, 2), up: torch.ones(2, 2)}
    vae = {f"{part}.conv_in.weight": torch.ones(2) for part in ("encoder", "decoder")}
    library = write_models(tmp_path, {"a": ONE, "lora": lora, "lora2": lora, "vae": vae})
    assert "lora.safetensors is a LoRA, not a checkpoint." in refused(plan("0.5*a + 0.5*lora", library))
    assert "lora.safetensors is a LoRA, not a checkpoint." in refused(plan("0.5*lora + 0.5*a", library))
    assert "vae.safetensors is a VAE, not a checkpoint." in refused(plan("0.5*a + 0.5*vae", library))
    two = plan("0.5*lora + 0.5*lora2", library)
    assert two.warnings == (
        "lora.safetensors and lora2.safetensors are LoRAs: the average of their factors is not the average of what "
        "they do.",
    )
    assert plan("lora", library).warnings == ()
    assert plan("0.5*vae + 0.5*a", library).refusals != plan("0.5*vae + 0.5*vae", library).refusals == ()


# -- the base and the components ----------------------------------------------------------------------------------


def test_base_by_hand(models: ModelLibrary) -> None:
    assert plan("0.5*a + 0.5*b", models).base == "a"
    assert plan("0.5*a + 0.5*b", models, base="b").base == "b"


def test_components_by_hand(sdxl: Family, models: ModelLibrary) -> None:
    made = plan("0.5*beta7 + 0.5*anxl3", sdxl.library, components={"te1": "drop", "te2": "base", "vae": "merge"})
    assert dict(made.component_actions) == {"te1": "drop", "te2": "base", "unet": "merge", "vae": "merge"}
    assert not any(tensor.component == "te1" for tensor in made.tensors)
    for tensor in made.tensors:
        expected = {"beta7"} if tensor.component == "te2" or tensor.raw else {"beta7", "anxl3"}
        assert set(tensor.inputs) == expected
    assert "Nothing is merged" in refused(plan("0.5*a + 0.5*b", models, components={"other": "base"}))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"components": {"unit": "merge"}}, "no component 'unit'"),
        ({"components": {"unet": "average"}}, "'average' is not merge, base, drop or from:ROLE"),
        ({"components": {"vae": "from:"}}, "'from:' is not"),
        ({"dtypes": {"unet": "fp64"}}, "'fp64' is not keep, fp32"),
        ({"dtypes": {"all": "fp16"}}, "no component 'all'"),
        ({"seed": -1}, "seed"),
        ({"seed": 1 << 63}, "seed"),
        ({"seed": True}, "seed"),
    ],
)
def test_settings_that_mean_nothing(settings: dict[str, object], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        Recipe("a", **settings)  # type: ignore[arg-type]


def test_profile_that_does_not_exist(sdxl: Family) -> None:
    with pytest.raises(RefusedError, match="no block profile 'other'"):
        plan("weighted_sum(beta7, anxl3, mbw('gamma'))", sdxl.library, profile="other")


def test_component_from_a_model_outside_of_the_formula(sdxl: Family) -> None:
    made = plan("0.5*beta7 + 0.5*anxl3", sdxl.library, components={"vae": "from:base8"})
    assert [model.role for model in made.models] == ["beta7", "anxl3", "base8"]
    assert made.warnings == ()


# -- the output ---------------------------------------------------------------------------------------------------


def why_not(made: MergePlan, output: Path, *, overwrite: bool = False) -> str:
    reasons = check_output(made, output, overwrite=overwrite)
    with pytest.raises(PlanError):
        merge_to_file(made, output, overwrite=overwrite)
    return "\n".join(reasons)


def test_outputs_that_are_refused(models: ModelLibrary, tmp_path: Path) -> None:
    made = plan("0.5*a + 0.5*b", models)
    existing = tmp_path / "there.safetensors"
    existing.write_text("precious")
    folder = tmp_path / "folder.safetensors"
    folder.mkdir()
    assert "exists already" in why_not(made, existing)
    assert check_output(made, existing, overwrite=True) == []
    assert "is a folder" in why_not(made, folder, overwrite=True)
    assert "does not exist" in why_not(made, tmp_path / "no" / "x.safetensors")
    assert "has to end in .safetensors" in why_not(made, tmp_path / "x.ckpt")
    assert "not usable as a file name" in why_not(made, tmp_path / ("x" * 300 + ".safetensors"))
    assert existing.read_text() == "precious"


@pytest.mark.parametrize("how", ["itself", "symlink", "hardlink", "dots"])
def test_an_input_is_never_the_output(models: ModelLibrary, tmp_path: Path, how: str) -> None:
    made = plan("0.5*a + 0.5*b", models)
    source = tmp_path / "b.safetensors"
    before = source.read_bytes()
    output = tmp_path / "out.safetensors"
    if how == "symlink":
        output.symlink_to(source)
    elif how == "hardlink":
        output.hardlink_to(source)
    elif how == "dots":
        (tmp_path / "sub").mkdir()
        output = tmp_path / "sub" / ".." / "b.safetensors"
    else:
        output = source
    assert "is one of the inputs (b)" in why_not(made, output, overwrite=True)
    assert source.read_bytes() == before


def test_disk_space(models: ModelLibrary, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = plan("0.5*a + 0.5*b", models)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=made.bytes_written + (16 << 20) - 1))
    assert "0.02 GB are needed" in why_not(made, tmp_path / "x.safetensors")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=made.bytes_written + (16 << 20)))
    assert check_output(made, tmp_path / "x.safetensors", overwrite=False) == []


def test_all_reasons_at_once(models: ModelLibrary, tmp_path: Path) -> None:
    made = plan("a - b", models)
    (tmp_path / "x.ckpt").write_text("")
    with pytest.raises(PlanError) as caught:
        merge_to_file(made, tmp_path / "x.ckpt")
    assert len(str(caught.value).splitlines()) == 3
