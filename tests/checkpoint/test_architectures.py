"""Which model a file is, and which tensors are never merged."""

from __future__ import annotations

from pathlib import Path

import pytest

from devtools.key_tables import key_table
from lib_kohaku.checkpoint.architectures import (
    UNKNOWN,
    detect_architecture,
    is_input_convolution,
    is_never_merged,
    key_in_file,
    key_under_alias,
    prediction_type,
)
from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.header import Header, TensorInfo, read_header
from tests.support.files import entry, raw_file

UNET = "model.diffusion_model."


def infos(*names: str, shapes: dict[str, tuple[int, ...]] | None = None) -> dict[str, TensorInfo]:
    return {name: TensorInfo(name, DTYPES["F16"], (shapes or {}).get(name, (1, 1)), 0, 2) for name in names}


def table(name: str) -> dict[str, TensorInfo]:
    return {spec.name: TensorInfo(spec.name, spec.dtype, spec.shape, 0, spec.nbytes) for spec in key_table(name)}


def test_key_tables() -> None:
    assert detect_architecture(table("sdxl")).id == "sdxl"
    assert detect_architecture(table("sdxl_mini")).id == "sdxl"
    assert detect_architecture(table("sd1")).id == "sd1"


def test_components_of_the_key_tables() -> None:
    for name, expected in (
        ("sdxl", {"unet": 1680, "te1": 197, "te2": 390, "vae": 248}),
        ("sd1", {"unet": 686, "te1": 197, "vae": 248, "other": 12}),
    ):
        tensors = table(name)
        architecture = detect_architecture(tensors)
        counts: dict[str, int] = {}
        for key in tensors:
            component = architecture.component_of(key)
            counts[component] = counts.get(component, 0) + 1
        assert counts == expected


SD_KEYS = (f"{UNET}input_blocks.11.0.in_layers.0.weight", f"{UNET}input_blocks.1.1.proj_in.weight")
XL_KEYS = (f"{UNET}label_emb.0.0.weight", f"{UNET}input_blocks.7.1.transformer_blocks.0.attn2.to_k.weight")
REFINER_KEYS = (
    f"{UNET}label_emb.0.0.weight",
    f"{UNET}input_blocks.11.0.in_layers.0.weight",
    f"{UNET}middle_block.1.transformer_blocks.3.attn1.to_q.weight",
)


@pytest.mark.parametrize(
    ("tensors", "expected"),
    [
        (infos(*SD_KEYS, shapes={SD_KEYS[1]: (4, 4, 1, 1)}), "sd1"),
        (infos(*SD_KEYS, shapes={SD_KEYS[1]: (4, 4)}), "sd2"),
        (infos(*SD_KEYS, shapes={SD_KEYS[1]: (4,)}), "unknown"),
        (infos(*XL_KEYS), "sdxl"),
        (infos(*XL_KEYS[:1]), "unknown"),
        (infos(*XL_KEYS, f"{UNET}input_blocks.9.0.op.weight"), "unknown"),
        (infos(*REFINER_KEYS), "sdxl-refiner"),
        (infos(*REFINER_KEYS, *XL_KEYS), "sdxl-refiner"),
        (infos(f"{UNET}joint_blocks.0.x_block.attn.qkv.weight"), "sd3"),
        (infos("transformer.h.0.weight"), "unknown"),
        ({}, "unknown"),
    ],
)
def test_hand_made_key_sets(tensors: dict[str, TensorInfo], expected: str) -> None:
    assert detect_architecture(tensors).id == expected


def test_unknown_has_one_component() -> None:
    assert UNKNOWN.component_of("anything") == "other"
    assert UNKNOWN.blocks is None


def test_never_merged_in_the_key_tables() -> None:
    ids = [key for key, info in table("sdxl").items() if is_never_merged(info)]
    assert ids == ["conditioner.embedders.0.transformer.text_model.embeddings.position_ids"]
    kept = {key for key, info in table("sd1").items() if is_never_merged(info)}
    others = {key for key in table("sd1") if not key.startswith((UNET, "cond_stage_model.", "first_stage_model."))}
    assert kept == others | {"cond_stage_model.transformer.text_model.embeddings.position_ids"}


@pytest.mark.parametrize(
    ("name", "dtype", "expected"),
    [
        ("x.weight", "F16", False),
        ("x.weight", "I64", True),
        ("x.weight", "BOOL", True),
        ("te.embeddings.position_ids", "F32", True),
        ("alphas_cumprod", "F32", True),
        ("v_pred", "F16", True),
        ("my_betas", "F32", False),
        ("conditioner.embedders.1.model.logit_scale", "F16", False),
    ],
)
def test_never_merged(name: str, dtype: str, expected: bool) -> None:
    assert is_never_merged(TensorInfo(name, DTYPES[dtype], (), 0, 8)) is expected


@pytest.mark.parametrize(
    ("names", "metadata", "expected"),
    [
        ([], {}, "epsilon"),
        (["v_pred"], {}, "v"),
        (["edm_mean"], {}, "edm"),
        (["edm_vpred.sigma_max"], {}, "edm"),
        ([], {"modelspec.prediction_type": "V"}, "v"),
        ([], {"modelspec.prediction_type": "epsilon"}, "epsilon"),
        (["v_pred"], {"modelspec.prediction_type": "epsilon"}, "v"),
    ],
)
def test_prediction(names: list[str], metadata: dict[str, str], expected: str) -> None:
    assert prediction_type(Header(infos(*names), metadata, 8, 8)) == expected


def test_input_convolution() -> None:
    assert is_input_convolution(f"{UNET}input_blocks.0.0.weight")
    assert not is_input_convolution(f"{UNET}input_blocks.0.0.bias")


def test_aliases_of_sd1_text_encoders() -> None:
    new, old = "cond_stage_model.transformer.text_model.encoder.x", "cond_stage_model.transformer.encoder.x"
    assert key_under_alias(new, infos(new, old)) == new
    assert key_under_alias(new, infos(old)) == old
    assert key_under_alias(old, infos(new)) == new
    assert key_under_alias(old, infos("other")) is None
    assert key_under_alias("encoder.x", infos(old, new)) is None


def test_names_in_files_of_a_vae_alone() -> None:
    key = "first_stage_model.encoder.conv_in.weight"
    assert key_in_file(key, infos("encoder.conv_in.weight")) == "encoder.conv_in.weight"
    assert key_in_file(key, infos("encoder.conv_in.weight", key)) == key
    assert key_in_file(key, infos("encoder.conv_in.bias")) is None
    assert key_in_file("encoder.conv_in.weight", infos(key)) is None


def test_detection_from_a_file(tmp_path: Path) -> None:
    header = {key: entry("F16", [1], 2 * i, 2 * i + 2) for i, key in enumerate(XL_KEYS)}
    path = raw_file(tmp_path / "x.safetensors", header, bytes(4))
    assert detect_architecture(read_header(path).tensors).label == "SDXL base"
