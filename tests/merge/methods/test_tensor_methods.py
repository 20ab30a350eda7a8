"""The extension point: methods that see values, registered for a test."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from lib_kohaku.errors import FormulaError
from lib_kohaku.merge.execute import run
from lib_kohaku.merge.execute.batches import needs_whole
from lib_kohaku.merge.methods.base import ModelInput, Setting, TensorContext, TensorMethod
from lib_kohaku.merge.methods.describe import method_documents
from lib_kohaku.merge.methods.registry import METHODS
from lib_kohaku.merge.plan.document import plan_document
from lib_kohaku.merge.verify.run import verify_file
from tests.support.files import load, same_bits
from tests.support.merging import merge, merge_tensors, plan, write_models
from tests.support.samples import Family

SEEN: list[tuple[str, tuple[int, ...], dict[str, float], int]] = []


def larger(tensors: Sequence[torch.Tensor], settings: Mapping[str, float], context: TensorContext) -> torch.Tensor:
    """Elementwise: the one with the larger magnitude, times a setting."""
    a, b = tensors
    assert a.dtype == b.dtype == torch.float64
    SEEN.append((context.key, tuple(a.shape), dict(settings), context.seed))
    return torch.where(a.abs() >= b.abs(), a, b) * settings["gain"]


def unit(tensors: Sequence[torch.Tensor], settings: Mapping[str, float], context: TensorContext) -> torch.Tensor:
    """Whole tensors: the difference of two models, normalised, with noise from the seed."""
    delta = tensors[0]
    SEEN.append((context.key, tuple(delta.shape), dict(settings), context.seed))
    noise = torch.rand(delta.shape, generator=torch.Generator().manual_seed(context.seed), dtype=torch.float64)
    return delta / (delta.norm() + 1e-12) + settings["noise"] * noise


def total(tensors: Sequence[torch.Tensor], settings: Mapping[str, float], context: TensorContext) -> torch.Tensor:
    """A list of models with a weight each, destroying its inputs as it may."""
    result = tensors[0].mul_(settings["weights0"])
    for index, values in enumerate(tensors[1:], start=1):
        result.add_(values, alpha=settings[f"weights{index}"])
    return result


TOYS = (
    TensorMethod(
        "larger", "Larger", "Toy.", "max", "test", (ModelInput("a"), ModelInput("b")),
        (Setting("gain", "Factor.", Fraction(1)),), apply=larger, elementwise=True,
    ),
    TensorMethod(
        "unit", "Unit", "Toy.", "d/|d|", "test", (ModelInput("d", "delta"),),
        (Setting("noise", "Noise.", Fraction(0)),), "delta", apply=unit,
    ),
    TensorMethod(
        "total", "Total", "Toy.", "sum", "test", (ModelInput("models", many=True),),
        (Setting("weights", "Weights.", many=True),), apply=total,
    ),
)  # fmt: skip


@pytest.fixture(autouse=True)
def toys(monkeypatch: pytest.MonkeyPatch) -> None:
    for method in TOYS:
        monkeypatch.setitem(METHODS, method.name, method)
    SEEN.clear()


A = torch.tensor([[1.0, -3.0, 0.5], [0.0, 2.0, -2.0]]).half()
B = torch.tensor([[-2.0, 1.0, 0.5], [4.0, -2.0, 1.0]]).half()
C = torch.tensor([[1.0, 1.0, 1.0], [1.0, 1.0, 1.0]]).half()
MODELS = {"a": {"w": A, "z": A[0]}, "b": {"w": B, "z": B[0]}, "c": {"w": C, "z": C[0]}}


def test_elementwise(tmp_path: Path) -> None:
    result = merge_tensors("larger(a, b)", MODELS, tmp_path)
    assert result["w"].tolist() == [[-2.0, -3.0, 0.5], [4.0, 2.0, -2.0]]
    assert result["z"].tolist() == [-2.0, -3.0, 0.5]


def test_inside_a_linear_formula(tmp_path: Path) -> None:
    result = merge_tensors("0.5*c + 0.5*larger(a, b, gain=2)", MODELS, tmp_path)
    assert result["w"].tolist() == [[-1.5, -2.5, 1.0], [4.5, 2.5, -1.5]]


def test_linear_forms_inside_a_method(tmp_path: Path) -> None:
    result = merge_tensors("larger(0.5*a + 0.5*b, c)", MODELS, tmp_path)
    assert result["w"].tolist() == [[1.0, -1.0, 1.0], [2.0, 1.0, 1.0]]


def test_methods_inside_methods(tmp_path: Path) -> None:
    result = merge_tensors("larger(larger(a, b), 3*c)", MODELS, tmp_path)
    assert result["w"].tolist() == [[3.0, -3.0, 3.0], [4.0, 3.0, 3.0]]


def test_deltas(tmp_path: Path) -> None:
    result = merge_tensors("c + 5*unit(a - b)", MODELS, tmp_path)
    delta = A.double() - B.double()
    wanted = (C.double() + 5 * delta / (delta.norm() + 1e-12)).numpy().astype("float16")
    assert result["w"].tolist() == wanted.tolist()
    folder = tmp_path / "again"
    folder.mkdir()
    made = plan("c + 5*unit(a - b)", write_models(folder, MODELS))
    assert (made.base, made.warnings, made.refusals) == ("c", (), ())


def test_the_result_of_a_delta_method_is_no_model(tmp_path: Path) -> None:
    made = plan("unit(a - b)", write_models(tmp_path, MODELS))
    assert "is a difference" in made.refusals[0]


def test_lists(tmp_path: Path) -> None:
    result = merge_tensors("total([a, b, c], [0.5, 0.25, 0.25])", MODELS, tmp_path)
    wanted = (0.5 * A.double() + 0.25 * B.double() + 0.25 * C.double()).numpy().astype("float16")
    assert result["w"].tolist() == wanted.tolist()


def test_inputs_may_be_destroyed_without_harm(tmp_path: Path) -> None:
    """The same model inside the method and beside it."""
    result = merge_tensors("0.5*a + 0.5*total([a, a], [1, 1]) - 0.5*a", MODELS, tmp_path)
    assert same_bits(result["w"], A)


def test_shapes_and_calls(tmp_path: Path) -> None:
    merge_tensors("c + unit(a - b)", MODELS, tmp_path)
    assert sorted((key, shape) for key, shape, _, _ in SEEN) == [("w", (2, 3)), ("z", (3,))], "whole, once a tensor"


def test_elementwise_methods_see_slices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "batch_limit", lambda models: 16_384)
    generator = torch.Generator().manual_seed(0)
    models = {role: {"w": torch.randn(3, 5000, generator=generator)} for role in "ab"}
    result = merge_tensors("larger(a, b)", models, tmp_path)["w"]
    a, b = models["a"]["w"], models["b"]["w"]
    assert torch.equal(result, torch.where(a.abs() >= b.abs(), a, b))
    assert len(SEEN) > 2
    assert all(len(shape) == 1 for _, shape, _, _ in SEEN)
    SEEN.clear()
    delta = merge_tensors("a + unit(b - a)", models, tmp_path)["w"]
    assert delta.shape == (3, 5000)
    assert [shape for _, shape, _, _ in SEEN] == [(3, 5000)], "others are never cut"


def test_what_is_shared_is_computed_once(tmp_path: Path) -> None:
    """Every level uses the one before twice: without memory the last of 40 would take 2^40 calls."""
    lines = ["d0 = larger(a, b)"]
    lines += [f"d{level} = larger(d{level - 1}, 0.5*d{level - 1} + 0.5*b)" for level in range(1, 40)]
    result = merge_tensors("\n".join([*lines, "d39"]), MODELS, tmp_path)
    assert [key for key, *_ in SEEN].count("w") == 40
    expected = torch.where(A.abs() >= B.abs(), A, B).double()
    for _ in range(1, 40):
        other = 0.5 * expected + 0.5 * B.double()
        expected = torch.where(expected.abs() >= other.abs(), expected, other)
    assert torch.equal(result["w"], expected.half())


def test_a_kept_result_is_not_destroyed_by_those_who_use_it(tmp_path: Path) -> None:
    result = merge_tensors("d = larger(a, b)\n0.5*total([d, d], [1, 1]) + 0.25*d - 0.25*d", MODELS, tmp_path)
    assert torch.equal(result["w"], torch.where(A.abs() >= B.abs(), A, B))


def test_a_method_that_needs_whole_tensors_gets_them_inside_of_one_that_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "batch_limit", lambda models: 16_384)
    generator = torch.Generator().manual_seed(0)
    models = {role: {"w": torch.randn(3, 5000, generator=generator)} for role in "abc"}
    result = merge_tensors("larger(c, c + unit(b - a))", models, tmp_path)["w"]
    assert {shape for _, shape, _, _ in SEEN} == {(3, 5000)}
    delta = models["b"]["w"].double() - models["a"]["w"].double()
    c = models["c"]["w"].double()
    other = c + delta / (delta.norm() + 1e-12)
    assert torch.allclose(result.double(), torch.where(c.abs() >= other.abs(), c, other), atol=1e-7)


def test_block_weights_as_settings(small: Family, tmp_path: Path) -> None:
    merge("larger(beta7, anxl3, gain=blocks(IN07=0.5, default=1))", small.library, tmp_path / "m.safetensors")
    gains = {key: settings["gain"] for key, _, settings, _ in SEEN}
    assert {gain for key, gain in gains.items() if "input_blocks.7." in key} == {0.5}
    assert {gain for key, gain in gains.items() if "input_blocks.7." not in key} == {1.0}


def test_lists_of_block_weights(small: Family, tmp_path: Path) -> None:
    formula = "total([beta7, anxl3], [1 - mbw('gamma'), mbw('gamma')])"
    ours = merge(formula, small.library, tmp_path / "m.safetensors")
    plain = merge("weighted_sum(beta7, anxl3, mbw('gamma'))", small.library, tmp_path / "n.safetensors")
    for key in plain:
        assert torch.allclose(ours[key].float(), plain[key].float(), atol=1e-3), key


def test_seeds_depend_on_recipe_and_key_only(tmp_path: Path) -> None:
    def seeds(**recipe: int) -> tuple[dict[str, int], dict[str, torch.Tensor]]:
        SEEN.clear()
        result = merge_tensors("c + unit(a - b, noise=1)", MODELS, tmp_path, **recipe)
        return {key: seed for key, _, _, seed in SEEN}, result

    first, one = seeds(seed=1)
    again, two = seeds(seed=1)
    other, three = seeds(seed=2)
    assert first == again != other
    assert first["w"] != first["z"]
    assert all(same_bits(one[key], two[key]) for key in one)
    assert not same_bits(one["w"], three["w"])


@pytest.mark.parametrize(
    ("formula", "missing", "wanted"),
    [
        ("0.5*c + 0.5*larger(a, b)", "b", C),
        ("0.5*c + 0.5*larger(a, b)", "a", C),
        ("c + unit(a - b)", "b", C),
        ("larger(c, a)", "a", C),
    ],
)
def test_missing_inputs(tmp_path: Path, formula: str, missing: str, wanted: torch.Tensor) -> None:
    """A method cannot do without one of its inputs: the base, or no difference, stands in for its result."""
    models = {role: dict(tensors) for role, tensors in MODELS.items()}
    del models[missing]["w"]
    result = merge_tensors(formula, models, tmp_path, base="c")
    assert same_bits(result["w"], wanted)
    assert not same_bits(result["z"], C[0]), "where all have it, the method works"


def test_inpainting_models(tmp_path: Path) -> None:
    """A method on the channels that all models have; the base keeps the others."""
    key = "model.diffusion_model.input_blocks.0.0.weight"
    nine, four = torch.randn(2, 9, 3, 3).half(), torch.randn(2, 4, 3, 3).half()
    result = merge_tensors("larger(a, b)", {"a": {key: nine}, "b": {key: four}}, tmp_path)[key]
    shared = nine[:, :4]
    assert torch.equal(result[:, :4], torch.where(shared.abs() >= four.abs(), shared, four))
    assert same_bits(result[:, 4:], nine[:, 4:])


def test_plan_and_verify(tmp_path: Path) -> None:
    library = write_models(tmp_path, MODELS)
    made = plan("0.5*c + 0.5*larger(a, b) + unit(a - b)", library)
    assert [row.methods for row in made.rows] == [("larger", "unit")]
    assert made.rows[0].total == 1
    assert all(needs_whole(tensor) for tensor in made.tensors)
    json.dumps(plan_document(made))
    path = tmp_path / "m.safetensors"
    merge("0.5*c + 0.5*larger(a, b) + unit(a - b, noise=1)", library, path)
    report = verify_file(path, library, check_all=True)
    assert report.passed
    tensors = load(path)
    assert tensors.keys() == {"w", "z"}


def test_elementwise_results_are_verified_in_slices(tmp_path: Path) -> None:
    library = write_models(tmp_path, MODELS)
    merge("0.5*c + 0.5*larger(a, b)", library, tmp_path / "m.safetensors")
    assert verify_file(tmp_path / "m.safetensors", library, check_all=True).passed


def test_documents_list_them() -> None:
    assert {"larger", "unit", "total"} <= {document["name"] for document in method_documents()}


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        ("larger(a)", "needs b"),
        ("larger(a, b, gain=c)", "gain has to be a number"),
        ("larger(a, 2)", "b has to be a model"),
        ("total(a, [1])", "models is a list"),
        ("total([], [])", "models is a list"),
        ("larger(a, b)*larger(a, b)", "two models cannot be multiplied"),
        ("larger(a, b, gain=1/0)", "division by zero"),
    ],
)
def test_mistakes(tmp_path: Path, formula: str, words: str) -> None:
    with pytest.raises(FormulaError, match=words):
        plan(formula, write_models(tmp_path, MODELS))
