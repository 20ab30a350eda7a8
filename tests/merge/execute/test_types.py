"""Element types of the output, and tensors that are never computed with."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch

from tests.support.exact import combination
from tests.support.files import entry, load, raw_file, same_bits, save, save_in_order
from tests.support.merging import merge, merge_report, merge_tensors, write_models
from tests.support.samples import Family

HALF = Fraction(1, 2)
UNET = "model.diffusion_model."
FP8 = {"fp8_e4m3fn": torch.float8_e4m3fn, "fp8_e5m2": torch.float8_e5m2}


@pytest.mark.parametrize(
    ("wanted", "dtype"), [("fp32", torch.float32), ("fp16", torch.float16), ("bf16", torch.bfloat16)]
)
def test_one_type_for_all(sd1: Family, tmp_path: Path, wanted: str, dtype: torch.dtype) -> None:
    result = merge("0.5*one + 0.5*two", sd1.library, tmp_path / "m.safetensors", dtypes={"default": wanted})
    one, two = load(sd1.path("one")), load(sd1.path("two"))
    assert result.keys() == one.keys()
    for key, values in result.items():
        if not key.startswith((UNET, "cond_stage_model.", "first_stage_model.")) or "position_ids" in key:
            assert same_bits(values, one[key]), f"{key}: ids and schedules are copied, whatever the type"
        elif key.startswith("first_stage_model."):
            assert values.dtype == dtype
            assert values.double().reshape(-1).tolist() == combination([Fraction(1)], [one[key]], dtype)
        else:
            assert values.dtype == dtype
            assert values.double().reshape(-1).tolist() == combination([HALF, HALF], [one[key], two[key]], dtype)


@pytest.mark.parametrize("wanted", FP8)
def test_float8_is_for_unet_matrices_only(sdxl: Family, tmp_path: Path, wanted: str) -> None:
    result = merge("0.5*beta7 + 0.5*anxl3", sdxl.library, tmp_path / "m.safetensors", dtypes={"default": wanted})
    inputs = load(sdxl.path("beta7")), load(sdxl.path("anxl3"))
    eights = 0
    for key, values in result.items():
        if key.startswith(UNET) and values.dim() >= 2:
            assert values.dtype == FP8[wanted], key
            exact = combination([HALF, HALF], [tensors[key] for tensors in inputs], FP8[wanted])
            assert values.double().reshape(-1).tolist() == exact, key
            eights += 1
        else:
            assert values.dtype == inputs[0][key].dtype, key
    assert eights > 700


def test_float8_outside_the_unet_falls_back_to_16_bits(tmp_path: Path) -> None:
    key = f"{UNET}label_emb.0.0.weight"
    xl = f"{UNET}input_blocks.7.1.transformer_blocks.0.attn2.to_k.weight"
    tensors = {
        key: torch.ones(2, 2),
        xl: torch.ones(2, 2),
        f"{UNET}out.0.bias": torch.ones(2),
        "conditioner.embedders.0.w": torch.ones(2, 2),
        "conditioner.embedders.1.w": torch.ones(2, 2).bfloat16(),
    }
    result = merge_tensors("a + 0*b", {"a": tensors, "b": tensors}, tmp_path, dtypes={"default": "fp8_e4m3fn"})
    kinds = {name: values.dtype for name, values in result.items()}
    assert kinds[key] == kinds[xl] == torch.float8_e4m3fn
    assert kinds[f"{UNET}out.0.bias"] == kinds["conditioner.embedders.0.w"] == torch.float16
    assert kinds["conditioner.embedders.1.w"] == torch.bfloat16


def test_a_type_per_component(sdxl: Family, tmp_path: Path) -> None:
    dtypes = {"default": "bf16", "unet": "fp8_e5m2", "te2": "fp32", "vae": "keep"}
    result = merge("0.5*beta7 + 0.5*anxl3", sdxl.library, tmp_path / "m.safetensors", dtypes=dtypes)
    found: dict[str, set[torch.dtype]] = {}
    for key, values in result.items():
        part = "unet" if key.startswith(UNET) else ".".join(key.split(".")[:3])
        part = "vae" if key.startswith("first_stage_model") else part
        if values.is_floating_point():
            found.setdefault(part, set()).add(values.dtype)
    assert found == {
        "unet": {torch.float8_e5m2, torch.float16},
        "conditioner.embedders.0": {torch.bfloat16},
        "conditioner.embedders.1": {torch.float32},
        "vae": {torch.float16},
    }


def test_float8_reports_infinities(tmp_path: Path) -> None:
    key = f"{UNET}label_emb.0.0.weight"
    xl = f"{UNET}input_blocks.7.1.transformer_blocks.0.attn2.to_k.weight"
    a = {key: torch.tensor([[500.0, -60000.0, 448.0]]).half(), xl: torch.tensor([[float("inf"), 1.0]]).half()}
    b = {key: torch.tensor([[500.0, -60000.0, 440.0]]).half(), xl: torch.tensor([[1.0, 1.0]]).half()}
    library = write_models(tmp_path, {"a": a, "b": b})
    output = tmp_path / "m.safetensors"
    report = merge_report("0.5*a + 0.5*b", library, output, dtypes={"unet": "fp8_e4m3fn"})
    result = load(output)
    assert result[key].float().tolist() == [[448.0, -448.0, 448.0]]
    assert result[xl].float().tolist() == [[448.0, 1.0]]
    assert report.not_finite == (xl,)


def test_overflow_of_float16_is_reported(tmp_path: Path) -> None:
    models = {
        "a": {"w": torch.tensor([60000.0, 1.0]).half(), "v": torch.tensor([65504.0]).half()},
        "b": {"w": torch.tensor([-60000.0, 1.0]).half(), "v": torch.tensor([65504.0]).half()},
    }
    report = merge_report("2*a - b", write_models(tmp_path, models), tmp_path / "m.safetensors")
    assert report.not_finite == ("w",)
    assert load(tmp_path / "m.safetensors")["w"].tolist() == [float("inf"), 1.0]


INTEGERS = {
    "i64": torch.tensor([1 << 62, -5]),
    "i32": torch.tensor([[1, 2]], dtype=torch.int32),
    "i16": torch.tensor([3], dtype=torch.int16),
    "i8": torch.tensor([-3], dtype=torch.int8),
    "u8": torch.tensor([255], dtype=torch.uint8),
    "bool": torch.tensor([True, False]),
    "betas": torch.tensor([0.1, 0.2]),
    "te.position_ids": torch.tensor([0.0, 1.0]),
    "empty": torch.empty(0, 3),
    "scalar": torch.tensor(1.5),
}


def test_integers_schedules_scalars_and_empty_tensors(tmp_path: Path) -> None:
    other = {name: values.clone() if values.dtype == torch.bool else values + 1 for name, values in INTEGERS.items()}
    models = {"a": {**INTEGERS, "w": torch.ones(3)}, "b": {**other, "w": torch.zeros(3)}}
    result = merge_tensors("weighted_sum(a, b, 0.25)", models, tmp_path, dtypes={"default": "bf16"})
    assert result["w"].tolist() == [0.75] * 3
    assert result["scalar"].item() == 1.75
    assert result["scalar"].shape == ()
    assert result["empty"].shape == (0, 3)
    for name in ("i64", "i32", "i16", "i8", "u8", "bool", "betas", "te.position_ids"):
        assert same_bits(result[name], INTEGERS[name]), name


def test_only_zero_sized_tensors_and_one_scalar(tmp_path: Path) -> None:
    models = {role: {"e": torch.empty(0), "f": torch.empty(3, 0, 2)} for role in "ab"}
    result = merge_tensors("0.5*a + 0.5*b", models, tmp_path)
    assert {name: tuple(values.shape) for name, values in result.items()} == {"e": (0,), "f": (3, 0, 2)}


def test_types_that_torch_lacks_are_copied(tmp_path: Path) -> None:
    header = {"w": entry("F32", [1], 0, 4), "x": entry("F4", [4], 4, 6), "y": entry("U16", [1], 6, 8)}
    for role, data in (("a", b"\0\0\x80?\x12\x34\x56\x78"), ("b", b"\0\0\0@\xff\xff\xff\xff")):
        raw_file(tmp_path / f"{role}.safetensors", header, data)
    output = tmp_path / "m.safetensors"
    merge_report("0.5*a + 0.5*b", write_models(tmp_path, {}), output)
    content = output.read_bytes()
    assert content.endswith(b"\0\0\xc0?" + b"\x56\x78" + b"\x12\x34"), "1.5, then the widest type first"


def test_pickled_inputs(tmp_path: Path) -> None:
    a, b = {"w": torch.tensor([1.0, 2.0]).half()}, {"w": torch.tensor([3.0, 5.0]).bfloat16()}
    torch.save({"state_dict": a}, tmp_path / "a.ckpt")
    save(tmp_path / "b.safetensors", b)
    result = merge("0.5*a + 0.5*b", write_models(tmp_path, {}), tmp_path / "m.safetensors")
    assert result["w"].tolist() == [2.0, 3.5]
    assert result["w"].dtype == torch.float16


def test_files_with_other_orders_of_tensors(tmp_path: Path) -> None:
    names = [f"t{i:02}" for i in range(40)]
    a = {name: torch.full((i + 1,), float(i)).half() for i, name in enumerate(names)}
    b = {name: a[name] + 2 for name in sorted(names, key=lambda name: hash((name, 7)) % 1000)}
    save_in_order(tmp_path / "a.safetensors", a)
    save_in_order(tmp_path / "b.safetensors", b)
    result = merge("0.5*a + 0.5*b", write_models(tmp_path, {}), tmp_path / "m.safetensors")
    for i, name in enumerate(names):
        assert result[name].tolist() == [i + 1.0] * (i + 1)


def test_one_file_under_two_names(tmp_path: Path) -> None:
    library = write_models(tmp_path, {"a": {"w": torch.tensor([1.0])}, "b": {"w": torch.tensor([3.0])}})
    (tmp_path / "c.safetensors").symlink_to(tmp_path / "b.safetensors")
    library = type(library)([tmp_path])
    assert merge("a + 0.5*(b - c) + 0.5*(c - a)", library, tmp_path / "m.safetensors")["w"].tolist() == [2.0]
