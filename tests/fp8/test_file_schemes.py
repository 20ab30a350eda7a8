"""Every marker scheme of fp8.md section 5 is read; everything else is refused in words."""

from __future__ import annotations

import json

import pytest
import torch

from lib_kohaku.fp8.errors import Fp8FileError, NotFiniteError
from lib_kohaku.fp8.files.layout import MIXED, PLAIN, SCALED
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from tests.fp8.files import UNET, write

E4M3, E5M2 = torch.float8_e4m3fn, torch.float8_e5m2
WEIGHT = torch.tensor([[1.0, -2.0, 0.5], [448.0, 0.0, -0.25]])
PER_CHANNEL = torch.tensor([0.5, 0.125])


def quant_json(text):
    return torch.tensor(list(text.encode()), dtype=torch.uint8)


def read(path):
    with Fp8Checkpoint(path) as file:
        return file.layout, {name: file.tensor(name) for name in file.names}


SCHEMES = {
    "plain e4m3fn": ({"a.weight": WEIGHT.to(E4M3)}, {}, PLAIN, WEIGHT),
    "plain e5m2": ({"a.weight": WEIGHT.to(E5M2)}, {}, PLAIN, WEIGHT),
    "scaled": (
        {
            "a.weight": WEIGHT.to(E4M3),
            "a.scale_weight": torch.tensor(0.25),
            "a.scale_input": torch.tensor(1.0),
            f"{UNET}scaled_fp8": torch.zeros(2).to(E4M3),
        },
        {},
        SCALED,
        WEIGHT * 0.25,
    ),
    "scaled, e4m3fn said by a float32 marker, scale of one element": (
        {"a.weight": WEIGHT.to(E4M3), "a.scale_weight": torch.tensor([3.0]), "scaled_fp8": torch.zeros(2)},
        {},
        SCALED,
        WEIGHT * 3,
    ),
    "scaled per channel": (
        {"a.weight": WEIGHT.to(E4M3), "a.scale_weight": PER_CHANNEL.view(2, 1)},
        {},
        SCALED,
        WEIGHT * PER_CHANNEL[:, None],
    ),
    "mixed, bytes of JSON": (
        {
            "a.weight": WEIGHT.to(E4M3),
            "a.weight_scale": torch.tensor(0.1),
            "a.input_scale": torch.tensor(1.0),
            "a.comfy_quant": quant_json('{"format": "float8_e4m3fn"}'),
        },
        {},
        MIXED,
        WEIGHT * torch.tensor(0.1),
    ),
    "mixed, in the header": (
        {"a.weight": WEIGHT.to(E5M2), "a.weight_scale": torch.tensor(2.0)},
        {"_quantization_metadata": '{"format_version": "1.0", "layers": {"a": {"format": "float8_e5m2"}}}'},
        MIXED,
        WEIGHT * 2,
    ),
    "mixed, rowwise": (
        {
            "a.weight": WEIGHT.to(E4M3),
            "a.weight_scale": PER_CHANNEL,
            "a.comfy_quant": quant_json('{"format": "float8_e4m3fn_rowwise"}'),
        },
        {},
        MIXED,
        WEIGHT * PER_CHANNEL[:, None],
    ),
    "attention": (
        {"x.attn.in_proj_weight": WEIGHT.to(E4M3), "x.attn.in_proj_weight.scale_weight": torch.tensor(0.5)},
        {},
        SCALED,
        WEIGHT * 0.5,
    ),
}


@pytest.mark.parametrize("name", SCHEMES)
def test_schemes_that_are_read(name, tmp_path):
    tensors, metadata, scheme, expected = SCHEMES[name]
    others = {"norm.weight": torch.ones(3).half(), "ids": torch.arange(4)}
    layout, found = read(write(tmp_path / "file.safetensors", {**tensors, **others}, metadata))
    assert layout.scheme == scheme
    weight = next(key for key in tensors if key.endswith("weight") and "scale" not in key)
    assert set(found) == {weight, *others}  # scales and markers are no tensors of the model
    assert torch.equal(found[weight], expected)
    assert torch.equal(found["norm.weight"], others["norm.weight"]) and torch.equal(found["ids"], others["ids"])
    assert len(layout.activation_scales) == sum("input" in key for key in tensors)


def test_a_file_without_fp8(tmp_path):
    layout, found = read(write(tmp_path / "file.safetensors", {"a.weight": WEIGHT.half(), "a.bias": torch.ones(2)}))
    assert layout.scheme == "" and not layout.weights and set(found) == {"a.weight", "a.bias"}


U8 = torch.zeros(2, 3, dtype=torch.uint8)
FP8 = WEIGHT.to(E4M3)
REFUSED = {
    "nvfp4": ({"a.weight": U8, "a.weight_scale": FP8[0], "a.weight_scale_2": torch.ones(())}, {}, "nvfp4"),
    "blocks of an LLM": ({"a.weight": FP8, "a.weight_scale_inv": torch.ones(1, 1)}, {}, "128 x 128"),
    "smoothquant": ({"a.weight": FP8, "a.pre_quant_scale": torch.ones(3)}, {}, "scaled inputs"),
    "int8": (
        {"a.weight": torch.zeros(2, 3, dtype=torch.int8), "a.weight_scale": torch.ones(())},
        {},
        r"'a\.weight' has a scale but is I8",
    ),
    "gptq": ({"a.qweight": torch.zeros(2, 3, dtype=torch.int32)}, {}, "GPTQ"),
    "nf4": ({"a.weight": U8, "a.weight.absmax": torch.ones(2)}, {}, "bitsandbytes"),
    "mxfp8 by its JSON": (
        {"a.weight": FP8, "a.weight_scale": U8, "a.comfy_quant": quant_json('{"format": "mxfp8"}')},
        {},
        r"'a\.comfy_quant' is 'mxfp8'",
    ),
    "unknown in the header": (
        {"a.weight": FP8},
        {"_quantization_metadata": json.dumps({"layers": {"a": {"format": "convrot_w4a4"}}})},
        "layer 'a' in the header is 'convrot_w4a4'",
    ),
    "header that is no JSON": ({"a.weight": FP8}, {"_quantization_metadata": "{"}, "cannot be read"),
    "header that is a list": ({"a.weight": FP8}, {"_quantization_metadata": "[]"}, "not a JSON object"),
    "JSON of a layer that is none": ({"a.weight": FP8, "a.comfy_quant": U8}, {}, r"'a\.comfy_quant' cannot be read"),
    "large JSON": ({"a.comfy_quant": torch.zeros(5000, dtype=torch.uint8)}, {}, "5000 bytes"),
    "declared otherwise": (
        {"a.weight": FP8, "a.comfy_quant": quant_json('{"format": "float8_e5m2"}')},
        {},
        r"says float8_e5m2, but 'a\.weight' is F8_E4M3",
    ),
    "scale of a wrong shape": (
        {"a.weight": FP8, "a.scale_weight": torch.ones(3)},
        {},
        r"shape \[3\]; a weight of shape",
    ),
    "scale per input": ({"a.weight": FP8, "a.scale_weight": torch.ones(1, 3)}, {}, r"needs one number or \[2\]"),
    "scale of blocks": ({"a.weight": FP8, "a.weight_scale": torch.ones(2, 3)}, {}, r"needs one number or \[2\]"),
    "scale without weight": ({"a.scale_weight": torch.ones(())}, {}, "no weight for it"),
    "two scales": (
        {"a.weight": FP8, "a.scale_weight": torch.ones(()), "a.weight_scale": torch.ones(())},
        {},
        "two scales",
    ),
    "scale of 16-bit weights": (
        {"a.weight": WEIGHT.half(), "a.scale_weight": torch.ones(())},
        {},
        "has a scale but is F16",
    ),
    "integer scale": ({"a.weight": FP8, "a.scale_weight": torch.ones((), dtype=torch.int64)}, {}, "of type I64"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_schemes_that_are_refused(name, tmp_path):
    tensors, metadata, message = REFUSED[name]
    path = write(tmp_path / "file.safetensors", tensors, metadata)
    with pytest.raises(Fp8FileError, match=message) as caught:
        Fp8Checkpoint(path)
    assert "file.safetensors" in str(caught.value)


@pytest.mark.parametrize("value", [0.0, -1.0, float("nan"), float("inf")])
def test_scales_that_are_no_positive_numbers(value, tmp_path):
    path = write(tmp_path / "f.safetensors", {"a.weight": FP8, "a.scale_weight": torch.tensor(value)})
    with Fp8Checkpoint(path) as file, pytest.raises(Fp8FileError, match=r"'a\.scale_weight' is not a positive number"):
        file.tensor("a.weight")


@pytest.mark.parametrize(("dtype", "code"), [(E4M3, 0x7F), (E4M3, 0xFF), (E5M2, 0x7C), (E5M2, 0x7D)])
def test_codes_for_nan_are_refused(dtype, code, tmp_path):
    codes = torch.tensor([[0, 1], [2, code]], dtype=torch.uint8).view(dtype)
    with Fp8Checkpoint(write(tmp_path / "f.safetensors", {"a.weight": codes})) as file:
        with pytest.raises(NotFiniteError, match=r"'a\.weight' holds 1 code"):
            file.tensor("a.weight")
        with pytest.raises(NotFiniteError):
            file.stored["a.weight"]


def test_stored_weights_as_a_mapping(tmp_path):
    path = write(tmp_path / "f.safetensors", {"a.weight": FP8, "b.weight": WEIGHT})
    with Fp8Checkpoint(path) as file:
        assert list(file.stored) == ["a.weight"] and len(file.stored) == 1
        assert "b.weight" not in file.stored
        assert torch.equal(file.stored["a.weight"].decode(torch.float32), WEIGHT)
        with pytest.raises(KeyError):
            file.stored["b.weight"]
