"""Merging into fp8 files with scales: the same weights, codes and scales as a conversion would give, rounded once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import RecipeError, RefusedError
from lib_kohaku.fp8.errors import NotFiniteError
from lib_kohaku.fp8.files.convert import convert_file
from lib_kohaku.fp8.files.plan import Profile
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.fp8.policy import Policy
from lib_kohaku.merge.execute import batches, run
from lib_kohaku.merge.plan.describe import describe_plan
from lib_kohaku.merge.recipe import Recipe, recipe_from_json, recipe_to_json
from lib_kohaku.merge.verify.run import verify_file
from tests.fp8.files import few_sdxl, small_sdxl, write
from tests.fp8.oracle import nearest_codes
from tests.support.files import digest, load, metadata_of, same_bits, save
from tests.support.merging import merge, merge_report, plan, write_models

E4M3 = torch.float8_e4m3fn
UNET = "model.diffusion_model."
W = f"{UNET}input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight"
SCALE = W.removesuffix(".weight") + ".scale_weight"
KEYS = {
    f"{UNET}label_emb.0.0.weight": torch.zeros(1, 1).half(),
    f"{UNET}input_blocks.7.1.transformer_blocks.0.attn2.to_k.weight": torch.ones(2, 2).half(),
}
UNET_FP8 = {"unet": "fp8_e4m3fn"}


def models(folder: Path, a: torch.Tensor, b: torch.Tensor) -> ModelLibrary:
    return write_models(folder, {"a": {**KEYS, W: a}, "b": {**KEYS, W: b}})


def codes_of(tensor: torch.Tensor) -> list[int]:
    return tensor.view(torch.uint8).reshape(-1).tolist()


def test_worked_by_hand(tmp_path: Path) -> None:
    """Sums are 3, -0.75, 0.01, 0: 3 / 2^-7 = 384 is below 448, 3 / 2^-8 above; 96 and 1.28 follow."""
    library = models(
        tmp_path, torch.tensor([[2.0, -0.5], [0.0, 0.0]]), torch.tensor([[4.0, -1.0], [0.02, 0.0]]).float()
    )
    result = merge("0.5*a + 0.5*b", library, tmp_path / "m.safetensors", dtypes=UNET_FP8, fp8_profile="webui")
    assert result[W].dtype == E4M3
    assert result[W].float().tolist() == [[384.0, -96.0], [1.25, 0.0]]
    assert (result[SCALE].dtype, result[SCALE].shape, result[SCALE].item()) == (torch.float32, (), 2.0**-7)


def test_results_are_rounded_once(tmp_path: Path) -> None:
    """17 lies between the codes of 16 and 18. What is a hair above goes up, though float32 does not see the hair."""
    a = torch.tensor([[256.0, 17.0, 17.0, -17.0]]).double()
    b = torch.tensor([[0.0, 2.0**-30, -(2.0**-30), 2.0**-30]]).double()
    library = models(tmp_path, a, b)
    result = merge("a + 1*b - 0*b", library, tmp_path / "m.safetensors", dtypes=UNET_FP8, fp8_profile="webui")
    scale = result[SCALE].item()
    assert (result[W].double() * scale).tolist() == [[256.0, 18.0, 16.0, -16.0]]


def test_every_value_against_exact_arithmetic(tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(1)
    a, b = (torch.randn(50, 40, generator=generator).half() for _ in range(2))
    b[0] *= 1e-3
    result = merge(
        "a + 0.25*(b - a)", models(tmp_path, a, b), tmp_path / "m.safetensors", dtypes=UNET_FP8, fp8_profile="webui"
    )
    values = 0.75 * a.double() + 0.25 * b.double()  # exact: 11 and 2 bits
    scale = result[SCALE].item()
    assert values.abs().max() / scale <= 448 < values.abs().max() / (scale / 2)
    assert codes_of(result[W]) == nearest_codes((values / scale).numpy(), "e4m3fn").reshape(-1).tolist()


@pytest.mark.parametrize("texts", [False, True])
def test_the_file_is_that_of_a_conversion_of_the_merge(tmp_path: Path, texts: bool) -> None:
    """0.5*a + 0.5*b of float16 values is exact in float32, so a detour over a float32 file loses nothing."""
    for seed, name in enumerate("ab"):
        write(tmp_path / f"{name}.safetensors", small_sdxl(seed=seed))
    library, formula = ModelLibrary([tmp_path]), "0.5*a + 0.5*b"
    dtypes = {**UNET_FP8, "default": "fp32"}
    if texts:
        dtypes |= {"te1": "fp8_e4m3fn", "te2": "fp8_e4m3fn"}
    found = merge(formula, library, tmp_path / "m.safetensors", dtypes=dtypes, fp8_profile="webui")
    merge(formula, library, tmp_path / "wide.safetensors", dtypes={"default": "fp32"})
    convert_file(tmp_path / "wide.safetensors", tmp_path / "c.safetensors", Profile.WEBUI, Policy(text_encoders=texts))
    converted = load(tmp_path / "c.safetensors")
    assert found.keys() == converted.keys()
    assert sum(tensor.dtype == E4M3 for tensor in found.values()) > 700
    for name, tensor in found.items():
        if converted[name].dtype == tensor.dtype:
            assert same_bits(tensor, converted[name]), name
        else:  # what stays of the UNet is 16 bit in a merge to fp8, as wide as it was in a conversion
            assert (tensor.dtype, converted[name].dtype) == (torch.float16, torch.float32)
            assert torch.equal(tensor, converted[name].half())


def test_slices_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = models(tmp_path, torch.randn(64, 1000).half(), torch.randn(64, 1000).half())
    settings: dict[str, Any] = {"dtypes": UNET_FP8, "fp8_profile": "webui", "name": "x"}
    merge("0.3*a + 0.7*b", library, tmp_path / "whole.safetensors", **settings)
    computer = run.Computer
    monkeypatch.setattr(run, "batch_limit", lambda models: 30_000)
    monkeypatch.setattr(batches, "MAX_GAP", 0)
    monkeypatch.setattr(run, "Computer", lambda sink, seed, **more: computer(sink, seed, 777, **more))
    merge("0.3*a + 0.7*b", library, tmp_path / "cut.safetensors", **settings)
    monkeypatch.undo()
    assert digest(tmp_path / "whole.safetensors") == digest(tmp_path / "cut.safetensors")


def test_every_tensor_begins_at_a_multiple_of_its_element_size(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        write(tmp_path / f"{name}.safetensors", few_sdxl(seed=seed))
    merge(
        "0.5*a + 0.5*b",
        ModelLibrary([tmp_path]),
        tmp_path / "m.safetensors",
        dtypes={**UNET_FP8, "vae": "fp32"},
        fp8_profile="webui",
    )
    with Fp8Checkpoint(tmp_path / "m.safetensors") as file:
        start = file.checkpoint.header.data_start
        assert all((info.start - start) % (info.dtype.bits // 8) == 0 for info in file.checkpoint.tensors.values())
        assert file.layout.scheme == "scaled"
        # The convolution of 3 x 5 x 3 x 3 weights has an odd number of them.
        assert file.checkpoint.tensors[f"{UNET}input_blocks.3.0.op.weight"].dtype.name == "F16"


def test_the_comfyui_profile(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        write(tmp_path / f"{name}.safetensors", small_sdxl(seed=seed))
    result = merge(
        "0.5*a + 0.5*b",
        ModelLibrary([tmp_path]),
        tmp_path / "m.safetensors",
        dtypes={"default": "fp8_e4m3fn"},
        fp8_profile="comfyui",
    )
    marker = result.pop(f"{UNET}scaled_fp8")
    assert (marker.dtype, marker.shape) == (E4M3, (2,))
    eights = [name for name, tensor in result.items() if tensor.dtype == E4M3]
    assert len(eights) > 600
    assert all(name.startswith(UNET) and result[name].dim() == 2 for name in eights)
    assert all(name.removesuffix(".weight") + ".scale_weight" in result for name in eights)


def test_the_plain_profile_leaves_norms_and_the_like(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        write(tmp_path / f"{name}.safetensors", small_sdxl(seed=seed))
    library = ModelLibrary([tmp_path])
    result = merge("0.5*a + 0.5*b", library, tmp_path / "m.safetensors", dtypes=UNET_FP8, fp8_profile="plain")
    assert not any(name.endswith(("scale_weight", "scaled_fp8")) for name in result)
    assert result[f"{UNET}out.2.weight"].dtype == torch.float16, "the last convolution"
    assert result[f"{UNET}time_embed.0.weight"].dtype == torch.float16
    assert result[W].dtype == E4M3
    values = 0.5 * load(tmp_path / "a.safetensors")[W].double() + 0.5 * load(tmp_path / "b.safetensors")[W].double()
    assert codes_of(result[W]) == nearest_codes(values.numpy(), "e4m3fn").reshape(-1).tolist()


def test_codes_that_are_taken_over_keep_their_scale(tmp_path: Path) -> None:
    """Encoding them anew with a power of two would round a second time."""
    codes = torch.randint(0, 0x7E, (4, 8), dtype=torch.uint8)
    scales = {"b": torch.tensor(0.0123456789), "c": torch.rand(4) + 0.1, "d": None}
    for name, scale in scales.items():
        tensors = {**KEYS, W: codes.view(E4M3)}
        save(tmp_path / f"{name}.safetensors", tensors if scale is None else {**tensors, SCALE: scale})
    save(tmp_path / "a.safetensors", {**KEYS, W: torch.ones(4, 8).half()})
    library = ModelLibrary([tmp_path])
    for name, scale in scales.items():
        output = tmp_path / f"m{name}.safetensors"
        merge(f"{name} + 0*a", library, output, dtypes=UNET_FP8, fp8_profile="webui")
        result = load(output)
        assert same_bits(result[W], codes.view(E4M3))
        if scale is None:
            assert SCALE not in result
        else:
            assert torch.equal(result[SCALE], scale)
        assert verify_file(output, library, check_all=True).passed
    merge("c + 0*a", library, tmp_path / "x.safetensors", dtypes=UNET_FP8, fp8_profile="comfyui")
    assert load(tmp_path / "x.safetensors")[SCALE].shape == (), "ComfyUI knows one scale per weight"
    merge("d + 0*a", library, tmp_path / "y.safetensors", dtypes=UNET_FP8, fp8_profile="comfyui")
    assert load(tmp_path / "y.safetensors")[SCALE].item() == 1.0
    merge("b + 0*a", library, tmp_path / "z.safetensors", dtypes=UNET_FP8, fp8_profile="plain")
    plain = load(tmp_path / "z.safetensors")
    exact = codes.view(E4M3).float().double() * scales["b"].double()
    assert codes_of(plain[W]) == nearest_codes(exact.numpy(), "e4m3fn").reshape(-1).tolist()
    assert SCALE not in plain


def test_a_base_with_scales_stays_fp8_under_a_profile(tmp_path: Path) -> None:
    for seed, name in enumerate("ab"):
        write(tmp_path / f"{name}.safetensors", few_sdxl(seed=seed))
    convert_file(tmp_path / "a.safetensors", tmp_path / "fp8.safetensors", Profile.WEBUI, Policy())
    result = merge("0.5*fp8 + 0.5*b", ModelLibrary([tmp_path]), tmp_path / "m.safetensors", fp8_profile="webui")
    assert result[W].dtype == E4M3
    assert SCALE in result
    keep = merge("0.5*fp8 + 0.5*b", ModelLibrary([tmp_path]), tmp_path / "n.safetensors")
    assert keep[W].dtype == torch.float16
    assert SCALE not in keep


@pytest.mark.parametrize("profile", ["webui", "comfyui", "plain"])
@pytest.mark.parametrize("wanted", ["fp8_e4m3fn", "fp8_e5m2"])
def test_files_of_every_profile_verify_and_changed_ones_do_not(tmp_path: Path, profile: str, wanted: str) -> None:
    for seed, name in enumerate("ab"):
        write(tmp_path / f"{name}.safetensors", few_sdxl(seed=seed))
    library, output = ModelLibrary([tmp_path]), tmp_path / "m.safetensors"
    merge_report("a + 0.3*(b - a)", library, output, dtypes={"unet": wanted}, fp8_profile=profile)
    report = verify_file(output, library, check_all=True)
    assert (report.differing, report.layout_problems) == (0, ())
    assert verify_file(output, library).passed
    metadata, tensors = metadata_of(output), load(output)
    changed = {name: tensor.clone() for name, tensor in tensors.items()}
    changed[W].view(torch.uint8)[1, 1] ^= 3
    save(output, changed, metadata)
    assert not verify_file(output, library, check_all=True).passed
    if profile != "plain":
        save(output, {**tensors, SCALE: tensors[SCALE] * 2}, metadata)
        assert not verify_file(output, library, check_all=True).passed
        save(output, {name: tensor for name, tensor in tensors.items() if name != SCALE}, metadata)
        assert f"{SCALE} is missing" in verify_file(output, library, check_all=True).layout_problems
    if profile == "comfyui":
        save(output, {**tensors, f"{UNET}scaled_fp8": torch.ones(2).to(tensors[W].dtype)}, metadata)
        assert not verify_file(output, library, check_all=True).passed


def test_a_result_that_is_no_number_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    library = models(tmp_path, torch.full((2, 2), 60000.0).half(), torch.full((2, 2), float("inf")).half())
    with pytest.raises(NotFiniteError, match=r"to_q\.weight' holds NaN or infinity"):
        merge("0.5*a + 0.5*b", library, tmp_path / "m.safetensors", dtypes=UNET_FP8, fp8_profile="webui")
    assert len(list(tmp_path.iterdir())) == 2


def test_without_a_profile_finite_values_never_become_nan(tmp_path: Path) -> None:
    edge = torch.tensor([[464.0, 465.0, 480.0, 1e4, -1e4, 65504.0, 448.0, 2.0**-10]]).half()
    result = merge("0.5*a + 0.5*b", models(tmp_path, edge, edge), tmp_path / "m.safetensors", dtypes=UNET_FP8)
    assert result[W].float().tolist() == [[448.0, 448.0, 448.0, 448.0, -448.0, 448.0, 448.0, 0.0]]


def test_plans_say_what_people_should_know(tmp_path: Path) -> None:
    library = models(tmp_path, torch.ones(2, 2).half(), torch.ones(2, 2).half())
    loses = plan("0.5*a + 0.5*b", library, dtypes=UNET_FP8)
    assert any("loses small weights" in warning for warning in loses.warnings)
    nothing = plan("0.5*a + 0.5*b", library, fp8_profile="webui")
    assert any("Nothing is written in fp8" in warning for warning in nothing.warnings)
    good = plan("0.5*a + 0.5*b", library, dtypes=UNET_FP8, fp8_profile="webui")
    assert good.warnings == ()
    assert "fp8           2 weights, 2 with a scale, webui profile" in describe_plan(good)


def test_the_recipe_says_it_and_the_file_for_whom_it_is(tmp_path: Path) -> None:
    recipe = Recipe("a + b", dtypes=UNET_FP8, fp8_profile="webui")
    assert recipe_from_json(recipe_to_json(recipe)) == recipe
    assert "fp8_profile" not in recipe_to_json(Recipe("a + b")), "older versions refuse what they do not know"
    with pytest.raises(RecipeError, match="no fp8 profile 'best'"):
        Recipe("a", fp8_profile="best")
    library = models(tmp_path, torch.ones(2, 2).half(), torch.ones(2, 2).half())
    merge("0.5*a + 0.5*b", library, tmp_path / "m.safetensors", dtypes=UNET_FP8, fp8_profile="webui")
    details = json.loads(metadata_of(tmp_path / "m.safetensors")["kohaku.fp8"])
    assert (details["profile"], details["format"], details["converted"]) == ("webui", "e4m3fn", 2)


def test_scaled_text_encoders_are_nothing_for_comfyui(tmp_path: Path) -> None:
    write(tmp_path / "a.safetensors", few_sdxl())
    with pytest.raises(RefusedError, match="ComfyUI reads scaled text encoders only from files of their own"):
        plan("a", ModelLibrary([tmp_path]), dtypes={"te2": "fp8_e4m3fn"}, fp8_profile="comfyui")
