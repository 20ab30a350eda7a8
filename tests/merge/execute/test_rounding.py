"""One rounding, correct to the last bit, against fractions."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.checkpoint.dtypes import from_torch
from lib_kohaku.merge.execute.rounding import Rounder, round_to_odd_
from tests.support.exact import FORMATS, rounded

SMALL = [torch.float16, torch.bfloat16, torch.float8_e4m3fn, torch.float8_e5m2]


def round_tensor(values: list[float], dtype: torch.dtype) -> tuple[list[float], bool]:
    wide = torch.tensor(values, dtype=torch.float64)
    out = torch.empty(len(values), dtype=dtype)
    finite = Rounder(len(values)).round(wide, torch.empty_like(wide), out, from_torch(dtype))
    return out.double().tolist(), finite


def same(left: float, right: float) -> bool:
    return left == right or (math.isnan(left) and math.isnan(right))


def all_values(dtype: torch.dtype) -> list[float]:
    """Every finite value of a small type, ascending."""
    if dtype.itemsize == 1:
        codes = torch.arange(256, dtype=torch.uint8).view(dtype)
    else:
        codes = torch.arange(-(1 << 15), 1 << 15, dtype=torch.int32).to(torch.int16).view(dtype)
    values = codes.float().double()
    return sorted(set(values[values.isfinite()].tolist()))


@pytest.mark.parametrize("dtype", SMALL, ids=str)
def test_every_value_every_tie_and_their_neighbours(dtype: torch.dtype) -> None:
    """Each value, the middle to the next one, and what lies just beside that middle."""
    values = all_values(dtype)
    if dtype is torch.bfloat16:
        # Below float32's normal numbers the way over float32 rounds twice; no weight is that small.
        values = [value for value in values if abs(value) >= 2.0**-125 or value == 0]
    middles = [(low + high) / 2 for low, high in itertools.pairwise(values)]
    cases = values + [beside for middle in middles for beside in (middle, *around(middle))]
    if dtype is not torch.float8_e4m3fn and dtype is not torch.float8_e5m2:
        cases = cases[:: 7 if len(cases) > 10_000 else 1]
    found, _ = round_tensor(cases, dtype)
    for case, result in zip(cases, found, strict=True):
        assert result == rounded(Fraction(case), dtype), case.hex()


def around(value: float) -> tuple[float, float]:
    return math.nextafter(value, -math.inf), math.nextafter(value, math.inf)


MAGNITUDES = st.one_of(
    st.floats(-70000, 70000),
    st.floats(-1e-4, 1e-4),
    st.floats(-1, 1),
    st.builds(
        lambda sign, k, e: sign * k * 2.0**e, st.sampled_from((1.0, -1.0)), st.integers(0, 4096), st.integers(-30, 5)
    ),
)


@given(values=st.lists(MAGNITUDES, min_size=1, max_size=30))
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, *SMALL[2:]], ids=str)
def test_any_value(dtype: torch.dtype, values: list[float]) -> None:
    # Smaller than the smallest normal float32 the intermediate step is not exact; see above.
    values = [value for value in values if value == 0 or abs(value) > 2.0**-126]
    found, _ = round_tensor(values or [0.0], dtype)
    assert all(same(result, rounded(Fraction(value), dtype)) for value, result in zip(values, found, strict=False))


@given(values=st.lists(st.floats(allow_nan=False, width=64), min_size=1, max_size=30))
def test_round_to_odd_by_definition(values: list[float]) -> None:
    """Kept if float32 has it; else the neighbour towards zero or away whose last bit is set."""
    wide = torch.tensor(values, dtype=torch.float64)
    round_to_odd_(wide, torch.empty_like(wide))
    for value, result in zip(values, wide.tolist(), strict=True):
        if value == 0 or math.isinf(value):
            assert result == value
            continue
        mantissa, exponent = math.frexp(abs(value))
        scaled = Fraction(mantissa) * 2**24  # 24 bits before the point, as float32 keeps
        cut = scaled.numerator // scaled.denominator
        expected = Fraction(cut if scaled == cut else cut | 1) / 2**24
        if abs(value) < 2.0**-1022:
            continue  # float64's own subnormals have fewer bits
        assert Fraction(abs(result)) == expected * (Fraction(2) ** exponent)
        assert math.copysign(1, result) == math.copysign(1, value)


@pytest.mark.parametrize("dtype", [*FORMATS], ids=str)
def test_zeros_keep_their_sign_and_nan_stays(dtype: torch.dtype) -> None:
    found, finite = round_tensor([0.0, -0.0, math.nan], dtype)
    assert not finite
    assert [math.copysign(1, found[0]), math.copysign(1, found[1])] == [1.0, -1.0]
    assert math.isnan(found[2])


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32], ids=str)
def test_overflow(dtype: torch.dtype) -> None:
    largest = float(FORMATS[dtype].largest)
    edge = largest + 2.0 ** (math.frexp(largest)[1] - FORMATS[dtype].mantissa - 2)  # half a step further
    for value, expected in [
        (largest, largest),
        (math.nextafter(edge, 0), largest),
        (edge, math.inf),
        (-edge, -math.inf),
    ]:
        found, finite = round_tensor([value], dtype)
        assert found == [expected], value
        assert finite is math.isfinite(expected)
    found, finite = round_tensor([1.0, -math.inf, math.inf], dtype)
    assert found == [1.0, -math.inf, math.inf]
    assert not finite


@pytest.mark.parametrize(("dtype", "largest"), [(torch.float8_e4m3fn, 448.0), (torch.float8_e5m2, 57344.0)])
def test_float8_is_clamped(dtype: torch.dtype, largest: float) -> None:
    values = [largest, largest + 1, 1e6, 1e300, -1e300, math.nextafter(largest, 0)]
    found, finite = round_tensor(values, dtype)
    assert found == [largest, largest, largest, largest, -largest, largest]
    assert finite is False, "1e300 is beyond float32 and was clamped from infinity"
    found, finite = round_tensor(values[:3], dtype)
    assert finite is True


def test_torch_itself_rounds_twice() -> None:
    """Why all this is needed: just above a tie, torch's own conversion goes the wrong way."""
    value = 1 + 2.0**-11 + 2.0**-40
    assert torch.tensor([value], dtype=torch.float64).half().item() == 1.0
    assert round_tensor([value], torch.float16)[0] == [1 + 2.0**-10]
