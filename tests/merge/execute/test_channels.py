"""First convolutions with 4, 8 and 9 input channels, and 1x1 convolutions that are linear layers elsewhere."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest
import torch

from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.errors import PlanError
from lib_kohaku.merge.plan.shapes import mergeable, same_shape
from tests.support.algebra import Algebra
from tests.support.exact import combination
from tests.support.files import same_bits
from tests.support.merging import merge_tensors

CONV = "model.diffusion_model.input_blocks.0.0.weight"


def conv(channels: int, seed: int) -> torch.Tensor:
    return torch.randn(6, channels, 3, 3, generator=torch.Generator().manual_seed(seed)).half()


def exact(formula: str, models: dict[str, torch.Tensor], first: int, end: int, missing: str = "") -> torch.Tensor:
    coefficients = Algebra(formula).coefficients("x", tuple(missing))
    inputs = [models[str(role)][:, first:end] for role in coefficients]
    shape = inputs[0].shape
    return torch.tensor(combination(list(coefficients.values()), inputs, torch.float16)).reshape(shape)


@pytest.mark.parametrize("formula", ["0.7*a + 0.3*b", "weighted_sum(a, b, 0.1)", "a + 0.8*(b - a)"])
def test_inpainting_base(tmp_path: Path, formula: str) -> None:
    """9 channels with 4: the shared four are merged to the last bit, the mask's five are the base's."""
    models = {"a": conv(9, 1), "b": conv(4, 2)}
    result = merge_tensors(formula, {role: {CONV: values} for role, values in models.items()}, tmp_path)[CONV]
    assert result.shape == (6, 9, 3, 3)
    assert torch.equal(result[:, :4].double(), exact(formula, models, 0, 4))
    assert same_bits(result[:, 4:], models["a"][:, 4:])


def test_inpainting_into_a_plain_base(tmp_path: Path) -> None:
    models = {"a": conv(4, 1), "b": conv(9, 2)}
    result = merge_tensors("0.7*a + 0.3*b", {role: {CONV: values} for role, values in models.items()}, tmp_path)[CONV]
    assert torch.equal(result.double(), exact("0.7*a + 0.3*b", models, 0, 4))


def test_making_an_inpainting_model(tmp_path: Path) -> None:
    """The well-known recipe: model + (inpainting - base model). The mask's channels stay."""
    models = {"inpaint": conv(9, 1), "model": conv(4, 2), "base": conv(4, 3)}
    formula = "inpaint + (model - base)"
    result = merge_tensors(formula, {role: {CONV: values} for role, values in models.items()}, tmp_path)[CONV]
    assert torch.equal(result[:, :4].double(), exact(formula, models, 0, 4))
    assert same_bits(result[:, 4:], models["inpaint"][:, 4:])


def test_three_widths(tmp_path: Path) -> None:
    models = {"a": conv(9, 1), "b": conv(8, 2), "c": conv(4, 3)}
    formula = "0.5*a + 0.3*b + 0.2*c"
    result = merge_tensors(formula, {role: {CONV: values} for role, values in models.items()}, tmp_path)[CONV]
    assert torch.equal(result[:, :4].double(), exact(formula, models, 0, 4))
    assert torch.equal(result[:, 4:8].double(), exact(formula, models, 4, 8, missing="c"))
    assert same_bits(result[:, 8:], models["a"][:, 8:])


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        ((4, 3), (4, 3, 1, 1), True),
        ((4, 3, 1, 1), (4, 3), True),
        ((4,), (4, 1), True),
        ((), (1,), True),
        ((4, 3), (3, 4), False),
        ((4, 3), (12,), False),
        ((4, 3, 1, 1), (4, 3, 3, 3), False),
        ((1, 4), (4,), False),
    ],
)
def test_same_shape(one: tuple[int, ...], other: tuple[int, ...], expected: bool) -> None:
    assert same_shape(one, other) is expected


def test_1x1_convolution_and_linear(tmp_path: Path) -> None:
    a, b = torch.randn(4, 3, 1, 1), torch.randn(4, 3)
    for base, other in ((a, b), (b, a)):
        result = merge_tensors("0.25*p + 0.75*q", {"p": {"w": base}, "q": {"w": other}}, tmp_path)["w"]
        assert result.shape == base.shape
        wanted = combination([Fraction(1, 4), Fraction(3, 4)], [base, other], torch.float32)
        assert result.double().reshape(-1).tolist() == wanted


@pytest.mark.parametrize(
    ("key", "one", "other"),
    [
        ("w", (4, 3), (3, 4)),
        ("w", (4, 9, 3, 3), (4, 4, 3, 3)),
        (CONV, (4, 9, 3, 3), (6, 4, 3, 3)),
        (CONV, (4, 9, 3, 3), (4, 4, 1, 1)),
        (CONV, (4, 9), (4, 4)),
    ],
)
def test_shapes_that_do_not_go_together(tmp_path: Path, key: str, one: tuple[int, ...], other: tuple[int, ...]) -> None:
    with pytest.raises(
        PlanError, match=r"different shapes.*is \[4.* in a.safetensors but \[.* in b.safetensors"
    ) as caught:
        merge_tensors("0.5*a + 0.5*b", {"a": {key: torch.zeros(one)}, "b": {key: torch.zeros(other)}}, tmp_path)
    assert key in str(caught.value)


def test_channels_differ_either_way() -> None:
    nine, four = (TensorInfo(CONV, DTYPES["F16"], (6, n, 3, 3), 0, 2) for n in (9, 4))
    assert mergeable(nine, four)
    assert mergeable(four, nine)
    assert not mergeable(replace(nine, name="other"), replace(four, name="other"))
