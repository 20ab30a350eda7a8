"""Merging from fp8 files: every scheme, exact values of codes with their scales, damaged ones."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
import torch

from lib_kohaku.fp8.errors import Fp8FileError, NotFiniteError
from lib_kohaku.merge.execute import batches, run
from lib_kohaku.merge.methods.registry import METHODS
from lib_kohaku.merge.verify.run import verify_file
from tests.merge.methods.test_tensor_methods import TOYS
from tests.support.exact import combination
from tests.support.files import load, metadata_of, same_bits, save
from tests.support.merging import merge, merge_report, merge_tensors, plan, write_models

HALF = Fraction(1, 2)
E4M3, E5M2 = torch.float8_e4m3fn, torch.float8_e5m2
COMFY = torch.frombuffer(bytearray(b'{"format": "float8_e4m3fn"}'), dtype=torch.uint8)
# Of 24 bits, as tools choose them, and a power of two.
ODD, EVEN = torch.tensor(0.0123456789), torch.tensor(2.0**-9)
ROWS = torch.tensor([0.0123456789, 3.3333333e-5, 1.7, 2.0**-12])


def codes(seed: int, shape: tuple[int, ...], dtype: torch.dtype = E4M3) -> torch.Tensor:
    """Every finite code among others."""
    generator = torch.Generator().manual_seed(seed)
    found = torch.randint(0, 256, shape, generator=generator).to(torch.uint8)
    last = 0x7E if dtype == E4M3 else 0x7B
    return torch.where((found & 0x7F) > last, found & 0x80, found).view(dtype)


def decoded(found: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
    """What the codes stand for: 4 bits times 24, exact in float64."""
    by_row = scale.double().reshape(-1, *[1] * (found.dim() - 1))
    return (found.float().double() * by_row).reshape(found.shape)


SCHEMES = {
    "one number": (E4M3, {"l.scale_weight": ODD}, ODD),
    "a power of two": (E4M3, {"l.scale_weight": EVEN}, EVEN),
    "a list of one": (E4M3, {"l.scale_weight": ODD[None], "scaled_fp8": torch.zeros(2, dtype=E4M3)}, ODD),
    "in half precision": (E4M3, {"l.scale_weight": ODD.half()}, ODD.half().float()),
    "with a scale for activations": (E4M3, {"l.scale_weight": ODD, "l.scale_input": torch.tensor(2.0)}, ODD),
    "mixed": (E4M3, {"l.weight_scale": ODD, "l.comfy_quant": COMFY}, ODD),
    "mixed with activations": (E4M3, {"l.weight_scale": ODD, "l.input_scale": torch.tensor(2.0)}, ODD),
    "by channel": (E4M3, {"l.weight_scale": ROWS}, ROWS),
    "by channel, as a column": (E4M3, {"l.weight_scale": ROWS[:, None].clone()}, ROWS),
    "e5m2": (E5M2, {"l.scale_weight": ODD}, ODD),
    "plain": (E4M3, {}, torch.tensor(1.0)),
    "plain e5m2": (E5M2, {}, torch.tensor(1.0)),
}


@pytest.mark.parametrize("shape", [(4, 6), (4, 3, 3, 3)])
@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("wanted", ["fp32", "fp16"])
def test_results_are_the_rounded_values_of_the_decoded_inputs(
    tmp_path: Path, scheme: str, shape: tuple[int, ...], wanted: str
) -> None:
    dtype, companions, scale = SCHEMES[scheme]
    a = torch.randn(shape, generator=torch.Generator().manual_seed(1)).half()
    b = codes(2, shape, dtype)
    models = {"a": {"l.weight": a}, "b": {"l.weight": b, **companions}}
    result = merge_tensors("a + 0.7*(b - a)", models, tmp_path, dtypes={"default": wanted})
    assert list(result) == ["l.weight"]
    kind = {"fp32": torch.float32, "fp16": torch.float16}[wanted]
    exact = combination([Fraction(3, 10), Fraction(7, 10)], [a, decoded(b, scale)], kind)
    assert result["l.weight"].double().reshape(-1).tolist() == exact


def test_two_fp8_models_of_different_schemes(tmp_path: Path) -> None:
    a, b = codes(3, (4, 6)), codes(4, (4, 6), E5M2)
    models = {"a": {"l.weight": a, "l.scale_weight": ODD}, "b": {"l.weight": b, "l.weight_scale": ROWS}}
    result = merge_tensors("0.5*a + 0.5*b", models, tmp_path)
    exact = combination([HALF, HALF], [decoded(a, ODD), decoded(b, ROWS)], torch.float16)
    assert result["l.weight"].dtype == torch.float16, "a base with scales gives 16 bit"
    assert result["l.weight"].double().reshape(-1).tolist() == exact


def test_slices_and_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = torch.randn(64, 1000).half(), codes(5, (64, 1000))
    rows = torch.rand(64) + 0.01
    library = write_models(tmp_path, {"a": {"l.weight": a}, "b": {"l.weight": b, "l.weight_scale": rows}})
    whole = merge("0.5*a + 0.5*b", library, tmp_path / "whole.safetensors")
    computer = run.Computer
    monkeypatch.setattr(run, "batch_limit", lambda models: 30_000)
    monkeypatch.setattr(batches, "MAX_GAP", 0)
    monkeypatch.setattr(run, "Computer", lambda sink, seed, **more: computer(sink, seed, 777, **more))
    cut = merge("0.5*a + 0.5*b", library, tmp_path / "cut.safetensors")
    assert same_bits(whole["l.weight"], cut["l.weight"])
    exact = combination([HALF, HALF], [a, decoded(b, rows)], torch.float16)
    assert whole["l.weight"].double().reshape(-1).tolist() == exact


def test_what_is_taken_over_is_decoded_too(tmp_path: Path) -> None:
    """With a coefficient of 1 the codes could be copied, but not without their scale."""
    a, b = torch.randn(4, 6).half(), codes(6, (4, 6))
    models = {"b": {"l.weight": b, "l.scale_weight": ODD}, "a": {"l.weight": a}}
    result = merge_tensors("b + 0*a", models, tmp_path)
    exact = combination([Fraction(1)], [decoded(b, ODD)], torch.float16)
    assert result["l.weight"].double().reshape(-1).tolist() == exact


def test_codes_without_scales_are_still_copied(tmp_path: Path) -> None:
    a, b = codes(7, (4, 6)), codes(8, (4, 6))
    result = merge_tensors("a + 0*b", {"a": {"w": a}, "b": {"w": b}}, tmp_path)
    assert same_bits(result["w"], a)


def test_scales_and_markers_are_no_tensors_of_the_model(tmp_path: Path) -> None:
    a = {"l.weight": torch.randn(4, 6).half(), "n.weight": torch.ones(4).half()}
    b = {"l.weight": codes(9, (4, 6)), "l.scale_weight": ODD, "scaled_fp8": torch.zeros(2, dtype=E4M3)}
    library = write_models(tmp_path, {"a": a, "b": {**b, "n.weight": torch.zeros(4).half()}})
    made = plan("0.5*a + 0.5*b", library)
    assert (made.refusals, dict(made.differences["b"].extra), dict(made.differences["b"].missing)) == ((), {}, {})
    assert not any("lacks" in warning for warning in made.warnings)
    base = plan("0.5*b + 0.5*a", library)
    assert sorted(tensor.spec.name for tensor in base.tensors) == ["l.weight", "n.weight"]
    assert any("holds fp8 weights with scales" in warning for warning in base.warnings)


@pytest.mark.parametrize("name", ["larger", "unit"])
def test_methods_see_decoded_values(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """One that may be given slices, and one that needs the tensor as a whole."""
    method = next(toy for toy in TOYS if toy.name == name)
    monkeypatch.setitem(METHODS, name, method)
    a, b = torch.zeros(4, 6).half(), codes(10, (4, 6))
    formula = "larger(a, b)" if name == "larger" else "a + unit(b - a)"
    models = {"a": {"l.weight": a}, "b": {"l.weight": b, "l.weight_scale": ROWS}}
    result = merge_tensors(formula, models, tmp_path, dtypes={"default": "fp32"})["l.weight"]
    values = decoded(b, ROWS)
    expected = values if name == "larger" else values / values.norm()  # the toy takes the larger magnitude
    assert torch.equal(result, expected.float())


@pytest.mark.parametrize("name", ["w", "other"])
@pytest.mark.parametrize("formula", ["0.5*a + 0.5*b", "b + 0*a"])
def test_codes_that_are_no_numbers_are_refused_in_words(tmp_path: Path, name: str, formula: str) -> None:
    b = {"w": codes(11, (4, 6)), "w.scale_weight": ODD, "other": codes(12, (4, 6))}
    b[name].view(torch.uint8)[2, 3] = 0xFF
    a = {"w": torch.ones(4, 6).half(), "other": torch.ones(4, 6).half()}
    library = write_models(tmp_path, {"a": a, "b": b})
    with pytest.raises(NotFiniteError, match=f"'{name}' of model 'b' holds 1 code for NaN"):
        merge(formula, library, tmp_path / "m.safetensors")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors", "b.safetensors"]


@pytest.mark.parametrize("bad", [0.0, -1.0, float("nan"), float("inf")])
def test_scales_that_are_no_positive_numbers_are_refused_in_words(tmp_path: Path, bad: float) -> None:
    b = {"w": codes(13, (4, 6)), "w.scale_weight": torch.tensor([0.5, bad, 0.5, 0.5])}
    library = write_models(tmp_path, {"a": {"w": torch.ones(4, 6).half()}, "b": b})
    with pytest.raises(Fp8FileError, match=r"'w\.scale_weight' is not a positive number"):
        merge("0.5*a + 0.5*b", library, tmp_path / "m.safetensors")
    assert len(list(tmp_path.iterdir())) == 2


def test_the_file_verifies(tmp_path: Path) -> None:
    models = {
        "a": {"l.weight": torch.randn(32, 64).half()},
        "b": {"l.weight": codes(14, (32, 64)), "l.weight_scale": torch.rand(32) * 0.01 + 1e-5},
    }
    library, output = write_models(tmp_path, models), tmp_path / "m.safetensors"
    merge_report("a + 0.3*(b - a)", library, output)
    assert verify_file(output, library, check_all=True).differing == 0
    tensors = load(output)
    tensors["l.weight"][3, 4] += 0.5
    save(output, tensors, metadata_of(output))
    assert not verify_file(output, library, check_all=True).passed
