"""Decoding: all 256 codes, all routes, all layouts."""

from __future__ import annotations

import pytest
import torch

from lib_kohaku.fp8.codecs import E4M3FN, E5M2, FORMATS, Fp8Format, Quantised, decode, format_named
from lib_kohaku.fp8.codecs.decode import decode_by_table, decode_native
from lib_kohaku.fp8.errors import Fp8Error

ALL_CODES = torch.arange(256, dtype=torch.int32).to(torch.uint8)
DTYPES = [torch.float16, torch.bfloat16, torch.float32]


def same_numbers(left, right):
    """Equal bit for bit, but for the payload of a NaN."""
    bits = torch.int32 if left.dtype == torch.float32 else torch.int16
    return torch.equal(left.isnan(), right.isnan()) and torch.equal(
        left[~left.isnan()].view(bits), right[~right.isnan()].view(bits)
    )


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_all_codes_equal_torch(fmt, dtype):
    native = ALL_CODES.view(getattr(torch, fmt.torch_name)).to(dtype)
    assert same_numbers(decode(ALL_CODES, fmt, 1.0, dtype), native)
    assert same_numbers(decode_by_table(ALL_CODES, fmt, 1.0, dtype), native)
    # large enough for the table of pairs, and of odd length
    many = ALL_CODES.repeat(1000)[:-1]
    assert same_numbers(decode(many, fmt, 1.0, dtype), native.repeat(1000)[:-1])


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
@pytest.mark.parametrize("scale", [2.0**-9, 0.25, 8.0, 2.0**-30, 2.0**12, 0.0123, 2.0**40])
def test_every_route_gives_the_same_scaled_values(fmt, dtype, scale):
    magnitudes = ALL_CODES & 0x7F
    codes = ALL_CODES[magnitudes < fmt.first_special]
    limit = torch.finfo(dtype).max
    exact = torch.tensor([fmt.value(code) for code in codes.tolist()]) * torch.tensor(scale)
    expected = exact.clamp(-limit, limit).to(dtype)
    assert same_numbers(decode(codes, fmt, scale, dtype), expected)
    assert same_numbers(decode_by_table(codes, fmt, scale, dtype), expected)
    assert same_numbers(decode_native(codes, fmt, scale, dtype), expected)
    per_channel = decode(codes.view(-1, 1), fmt, torch.full((len(codes),), scale), dtype)
    assert same_numbers(per_channel.view(-1), expected)


def test_the_code_next_above_the_largest_fp16_stays_finite():
    # 65504 / 2**8 = 255.9 rounds to 256: 65536 is beyond fp16
    code = torch.tensor([0x78], dtype=torch.uint8)
    assert E4M3FN.value(0x78) == 256.0
    assert decode(code, E4M3FN, 2.0**8, torch.float16).item() == 65504.0
    assert decode(code, E4M3FN, torch.tensor([2.0**8]), torch.float16).item() == 65504.0


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_layouts(dtype):
    torch.manual_seed(0)
    codes = torch.randint(0, 0x7F, (64, 64, 5, 5), dtype=torch.int32).to(torch.uint8)
    scales = 2.0 ** torch.arange(-32, 32)
    for scale in (0.5, scales.float()):
        plain = decode(codes, E4M3FN, scale, dtype)
        last = decode(codes.to(memory_format=torch.channels_last), E4M3FN, scale, dtype)
        assert torch.equal(plain, last)
        assert last.is_contiguous(memory_format=torch.channels_last)
        if isinstance(scale, float):
            by_table = decode_by_table(codes.to(memory_format=torch.channels_last), E4M3FN, scale, dtype)
            assert torch.equal(by_table, plain) and by_table.is_contiguous(memory_format=torch.channels_last)
        assert torch.equal(decode(codes[:, ::2], E4M3FN, scale, dtype), plain[:, ::2])


@pytest.mark.parametrize("start", [1, 2, 3])
def test_odd_addresses(start):
    codes = ALL_CODES.repeat(600)
    expected = decode(codes.clone(), E5M2, 1.0, torch.float16)[start:]
    assert same_numbers(decode(codes[start:], E5M2, 1.0, torch.float16), expected)


def test_tables_made_in_inference_mode_serve_gradients():
    scale = 2.0**-77  # used nowhere else, so the table is made here
    with torch.inference_mode():
        decode(ALL_CODES[:8], E4M3FN, scale, torch.float32)
    weight = decode(ALL_CODES[:8].clone(), E4M3FN, scale, torch.float32)
    x = torch.ones(8, requires_grad=True)
    (x * weight).sum().backward()
    assert x.grad is not None and torch.equal(x.grad, weight)


def test_scale_shapes_are_checked():
    with pytest.raises(Fp8Error, match=r"needs \(4,\) scales, not \(3,\)"):
        Quantised(torch.zeros(4, 2, dtype=torch.uint8), E4M3FN, torch.ones(3))


def test_float64_is_no_compute_type():
    with pytest.raises(Fp8Error, match="float64"):
        decode(ALL_CODES, E4M3FN, 1.0, torch.float64)


@pytest.mark.parametrize(
    ("name", "fmt"), [("e4m3fn", E4M3FN), ("float8_e5m2", E5M2), ("F8_E4M3", E4M3FN), ("F8_E5M2", E5M2)]
)
def test_format_names(name: str, fmt: Fp8Format):
    assert format_named(name) is fmt


def test_unknown_format_name():
    with pytest.raises(Fp8Error, match="there are e4m3fn, e5m2"):
        format_named("e4m3fnuz")
