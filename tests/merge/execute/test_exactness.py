"""Merged values against exact rational arithmetic."""

from __future__ import annotations

import os
import random
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from lib_kohaku.merge.execute.kernel import LinearKernel, scale_coefficients
from tests.support.algebra import Algebra
from tests.support.exact import combination
from tests.support.files import same_bits
from tests.support.merging import merge_tensors

REV1 = "beta7 + 0.8*(anxl3 - anxl2) + 0.5*(base7 - beta7)"
ROLES = ("beta7", "anxl2", "anxl3", "base7")


def weights(seed: int, dtype: torch.dtype, count: int = 4000, std: float = 0.03) -> torch.Tensor:
    return (torch.randn(count, generator=torch.Generator().manual_seed(seed)) * std).to(dtype)


def expected(formula: str, models: dict[str, torch.Tensor], dtype: torch.dtype) -> torch.Tensor:
    coefficients = Algebra(formula).coefficients()
    values = combination(list(coefficients.values()), [models[role] for role in coefficients], dtype)
    return torch.tensor(values, dtype=torch.float64)


@pytest.mark.parametrize("formula", [REV1, "0.333*beta7 + 0.667*anxl3", "average([beta7, anxl2, anxl3])"])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16], ids=str)
def test_sixteen_bit_inputs_are_exact(tmp_path: Path, formula: str, dtype: torch.dtype) -> None:
    """Not one element of some thousand is off, ties included: formula over 16-bit models, 16-bit result."""
    models = {role: weights(seed, dtype) for seed, role in enumerate(ROLES)}
    result = merge_tensors(formula, {role: {"w": values} for role, values in models.items()}, tmp_path)
    assert result["w"].dtype == dtype
    assert torch.equal(result["w"].double(), expected(formula, models, dtype))


def test_decimal_coefficients_make_exact_ties(tmp_path: Path) -> None:
    """0.5*a + 0.5*b of neighbours lies in the middle; 0.1 and 0.9 of values ten steps apart meet representable ones."""
    start = torch.arange(1024, 2048, dtype=torch.float32)
    models = {"a": start.half(), "b": (start + 1).half(), "c": (start + 10).half()}
    for formula in ("0.5*a + 0.5*b", "0.9*a + 0.1*c", "a + 0.3*(c - a) + 0.5*(b - a)", "0.25*a + 0.75*b"):
        result = merge_tensors(formula, {role: {"w": values} for role, values in models.items()}, tmp_path)
        assert torch.equal(result["w"].double(), expected(formula, models, torch.float16)), formula


@pytest.mark.parametrize("output", ["fp32", "fp16", "bf16"])
def test_mixed_inputs(tmp_path: Path, output: str) -> None:
    """float32, bfloat16, float16 and float8 inputs in one formula."""
    dtypes = (torch.float32, torch.bfloat16, torch.float16, torch.float8_e4m3fn)
    models = {role: weights(i, dtype, 2000) for i, (role, dtype) in enumerate(zip(ROLES, dtypes, strict=True))}
    result = merge_tensors(REV1, {k: {"w": v} for k, v in models.items()}, tmp_path, dtypes={"default": output})
    kind = {"fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[output]
    assert result["w"].dtype == kind
    assert torch.equal(result["w"].double(), expected(REV1, models, kind))


def test_full_range_of_float16(tmp_path: Path) -> None:
    """Subnormals, the largest values and zeros in one tensor."""
    codes = torch.tensor(random.Random(4).choices(range(0x7C00), k=3000), dtype=torch.int32)
    first = (codes.to(torch.int16)).view(torch.float16)
    second = first.flip(0).neg()
    models = {"a": first, "b": second}
    for formula in ("0.5*a + 0.5*b", "0.75*a + 0.25*b", "a + 0.1*(b - a)"):
        result = merge_tensors(formula, {role: {"w": values} for role, values in models.items()}, tmp_path)
        assert torch.equal(result["w"].double(), expected(formula, models, torch.float16)), formula


def test_values_that_are_not_finite(tmp_path: Path) -> None:
    inf, nan = float("inf"), float("nan")
    models = {
        "a": {"w": torch.tensor([inf, -inf, inf, nan, 1.0, 65504.0, -0.0, 0.0]).half()},
        "b": {"w": torch.tensor([1.0, 1.0, -inf, 1.0, nan, 65504.0, -0.0, -0.0]).half()},
    }
    result = merge_tensors("2*a - b", models, tmp_path)["w"].tolist()
    assert result[:2] == [inf, -inf]
    assert result[2] == inf
    assert all(value != value for value in result[3:5])
    assert result[5] == 65504.0
    assert merge_tensors("a + b - 0.5*a - 0.5*a", models, tmp_path)["w"][2] == -inf
    assert merge_tensors("0.5*a + 0.5*b", models, tmp_path)["w"][2].isnan()


COEFFICIENTS = st.decimals(-2, 2, places=2).map(Fraction)


@given(
    coefficients=st.lists(COEFFICIENTS, min_size=1, max_size=5).map(tuple),
    seed=st.integers(0, 1 << 30),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32]),
)
def test_kernel_sums_are_exact_before_the_division(
    coefficients: tuple[Fraction, ...], seed: int, dtype: torch.dtype
) -> None:
    inputs = [weights(seed + i, dtype, 64) for i in range(len(coefficients))]
    found = LinearKernel(64).combine(inputs, coefficients)
    exact = combination(list(coefficients), inputs, torch.float64)
    # One division is rounded once: the correctly rounded float64 result.
    assert found.tolist() == exact


@pytest.mark.parametrize(
    ("coefficients", "numerators", "divisor"),
    [
        ("1/2 4/5 -4/5 1/2", (5, 8, -8, 5), 10),
        ("1 1 -1", (1, 1, -1), 1),
        ("1/3 1/3 1/3", (1, 1, 1), 3),
        ("0.7125 1 -0.95 0.2375", (57, 80, -76, 19), 80),
        ("0.12345678 0.87654322", (0.12345678, 0.87654322), 1),
        ("2000000 1/2", (2000000.0, 0.5), 1),
    ],
)
def test_common_denominators(coefficients: str, numerators: tuple[float, ...], divisor: int) -> None:
    scaled = scale_coefficients(tuple(Fraction(text) for text in coefficients.split()))
    assert (scaled.numerators, scaled.divisor) == (numerators, divisor)


def test_awkward_coefficients_stay_within_a_unit(tmp_path: Path) -> None:
    """Eight decimals have no small denominator: at most 0.02 % of elements may be off, by one unit."""
    formula = "0.12345678*beta7 + 0.87654322*anxl3"
    models = {role: weights(i, torch.float16, 20_000) for i, role in enumerate(("beta7", "anxl3"))}
    result = merge_tensors(formula, {role: {"w": values} for role, values in models.items()}, tmp_path)["w"]
    correct = expected(formula, models, torch.float16).half()
    different = result != correct
    assert different.float().mean() <= 2e-4
    assert ((result.view(torch.int16) - correct.view(torch.int16)).abs()[different] <= 1).all()


@settings(max_examples=200 if os.environ.get("KOHAKU_THOROUGH") else 8)
@given(
    seed=st.integers(0, 1 << 30),
    dtype=st.sampled_from([torch.float16, torch.bfloat16, torch.float32, torch.float8_e5m2]),
)
def test_identities(seed: int, dtype: torch.dtype, tmp_path_factory: pytest.TempPathFactory) -> None:
    """alpha 0 is A and alpha 1 is B bit for bit; A + (B - B) = A; a blend of A with itself is A."""
    folder = tmp_path_factory.mktemp("identities")
    a, b = weights(seed, dtype, 50, 1.0), weights(seed + 1, dtype, 50, 1.0)
    models = {"a": {"w": a, "v": a.reshape(5, 10)}, "b": {"w": b, "v": b.reshape(5, 10)}}
    for formula, wanted in [
        ("weighted_sum(a, b, 0)", a),
        ("weighted_sum(a, b, 1)", b),
        ("a + (b - b)", a),
        ("a + 0.3*(a - a) + 0*b", a),
        ("weighted_sum(a, a, 0.3)", a),
        ("a + 1*(b - a)", b),
    ]:
        result = merge_tensors(formula, models, folder)
        assert same_bits(result["w"], wanted), formula
        assert same_bits(result["v"], wanted.reshape(5, 10)), formula


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("weighted_sum(weighted_sum(beta7, anxl2, 0.3), anxl3, 0.2)", "0.56*beta7 + 0.24*anxl2 + 0.2*anxl3"),
        (REV1, "0.5*beta7 + 0.8*anxl3 - 0.8*anxl2 + 0.5*base7"),
        ("d = anxl3 - anxl2\nx = beta7 + 0.4*d\nx + 0.4*d", "add_difference(beta7, anxl3, anxl2, 0.8)"),
        ("sum_twice(beta7, anxl2, anxl3, 0.1, 0.5)", "triple_sum(beta7, anxl2, anxl3, 0.05, 0.5)"),
    ],
)
def test_nested_is_collapsed(tmp_path: Path, one: str, other: str) -> None:
    models = {role: {"w": weights(i, torch.float16)} for i, role in enumerate(ROLES)}
    results = [merge_tensors(formula, models, tmp_path)["w"] for formula in (one, other)]
    assert same_bits(*results)
