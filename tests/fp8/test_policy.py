"""What is converted: on the true keys of SDXL and SD1, and by each switch."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from lib_kohaku.checkpoint.architectures import detect_architecture
from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.fp8.codecs import Scaling
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.fp8.policy import Kind, Policy, parse_rules, predict
from tests.fp8.keys import load_keys

UNET = "model.diffusion_model."


@pytest.mark.parametrize(
    ("name", "component", "shape", "reason"),
    [
        (UNET + "input_blocks.4.1.transformer_blocks.0.attn1.to_q.weight", "unet", (640, 640), ""),
        (UNET + "input_blocks.3.0.op.weight", "unet", (320, 320, 3, 3), ""),
        (UNET + "output_blocks.0.0.skip_connection.weight", "unet", (1280, 2560, 1, 1), ""),
        (UNET + "input_blocks.0.0.weight", "unet", (320, 4, 3, 3), "first convolution"),
        (UNET + "out.2.weight", "unet", (4, 320, 3, 3), "last convolution"),
        (UNET + "time_embed.0.weight", "unet", (1280, 320), "time embedding"),
        (UNET + "label_emb.0.0.weight", "unet", (1280, 2816), "label embedding"),
        (UNET + "middle_block.0.emb_layers.1.weight", "unet", (1280, 1280), "time embedding of a block"),
        (UNET + "out.0.weight", "unet", (320,), "bias, norm or buffer"),
        (UNET + "input_blocks.4.1.proj_in.bias", "unet", (640,), "bias, norm or buffer"),
        ("first_stage_model.decoder.conv_in.weight", "vae", (512, 4, 3, 3), "vae is not converted"),
        ("conditioner.embedders.1.model.ln_final.weight", "te2", (1280,), "te2 is not converted"),
    ],
)
def test_default_decisions(name, component, shape, reason):
    decision = Policy().decide(name, component, shape)
    assert (decision.convert, decision.reason) == (reason == "", reason)


@pytest.mark.parametrize(
    ("name", "component", "shape", "reason"),
    [
        ("conditioner.embedders.1.model.transformer.resblocks.3.attn.in_proj_weight", "te2", (3840, 1280), ""),
        ("conditioner.embedders.1.model.transformer.resblocks.3.attn.out_proj.weight", "te2", (1280, 1280), ""),
        ("conditioner.embedders.0.transformer.text_model.encoder.layers.1.mlp.fc1.weight", "te1", (3072, 768), ""),
        ("conditioner.embedders.1.model.token_embedding.weight", "te2", (49408, 1280), "embedding"),
        ("conditioner.embedders.1.model.token_embedding.wrapped.weight", "te2", (49408, 1280), "embedding"),
        ("conditioner.embedders.1.model.positional_embedding", "te2", (77, 1280), "bias, norm or buffer"),
        ("conditioner.embedders.1.model.text_projection", "te2", (1280, 1280), "bias, norm or buffer"),
        ("conditioner.embedders.1.model.text_projection.weight", "te2", (1280, 1280), "text projection"),
        (
            "conditioner.embedders.0.transformer.text_model.embeddings.position_ids",
            "te1",
            (1, 77),
            "not floating point",
        ),
    ],
)
def test_text_encoders_behind_their_own_switch(name, component, shape, reason):
    floating = not name.endswith("position_ids")
    assert not Policy().decide(name, component, shape, floating=floating).convert
    decision = Policy(text_encoders=True).decide(name, component, shape, floating=floating)
    assert decision.reason == reason
    assert not Policy(unet=False).decide(UNET + "a.weight", "unet", (4, 4)).convert


def test_own_choices():
    policy = Policy(keep=("*.op.weight",), by_channel=frozenset({"a.weight"}), kinds=frozenset({Kind.LINEAR}))
    assert policy.decide("x.op.weight", "unet", (4, 4)).reason == "left out by choice"
    assert policy.decide("x.conv.weight", "unet", (4, 4, 3, 3)).reason == "conv2d layers are not converted"
    assert policy.decide("a.weight", "unet", (4, 4)).scaling is Scaling.CHANNEL
    assert policy.decide("b.weight", "unet", (4, 4)).scaling is Scaling.TENSOR
    assert not policy.decide("b.weight", "other", (4, 4)).convert
    assert Policy(everything=True).decide("b.weight", "other", (4, 4)).convert
    # the text encoders' own switch is not overruled
    assert not Policy(everything=True).decide("b.weight", "te1", (4, 4)).convert


def test_sdxl_bytes():
    tensors = load_keys("sdxl")
    component_of = detect_architecture(tensors).component_of
    table = predict(tensors.values(), component_of, Policy())
    unet = table.row("unet")
    assert unet.before == pytest.approx(5.135e9, rel=1e-4)
    assert unet.after <= 2.60e9
    # By hand: one byte less for each converted weight, four bytes for each scale.
    converted = [t for t in tensors.values() if Policy().decide(t.name, component_of(t.name), t.shape).convert]
    assert unet.after == unet.before - sum(t.count for t in converted) + 4 * len(converted)
    assert unet.converted == len(converted)
    # What stays of the UNet beside 1 byte per weight: 26 MB (fp8.md 6.3).
    parameters = sum(t.count for t in tensors.values() if component_of(t.name) == "unet")
    assert 24e6 < unet.after - parameters < 28e6
    for component in ("te1", "te2", "vae"):
        assert table.row(component).after == table.row(component).before
    assert (table.before, table.after) == (pytest.approx(6.938e9, rel=1e-4), pytest.approx(4.397e9, rel=1e-4))


def test_sdxl_bytes_with_text_encoders():
    tensors = load_keys("sdxl")
    table = predict(tensors.values(), detect_architecture(tensors).component_of, Policy(text_encoders=True))
    # bigG: 471.86 M in Linear and out_proj, 157.29 M in in_proj; CLIP-L: 84.93 M
    assert table.row("te2").before - table.row("te2").after == pytest.approx(629.15e6, rel=1e-4)
    assert table.row("te1").before - table.row("te1").after == pytest.approx(84.93e6, rel=1e-4)
    assert table.after == pytest.approx(3.683e9, rel=1e-4)
    assert dict(table.row("unet").by_dtype)["F8_E4M3"] > 2.53e9


def test_sd1_bytes_and_buffers():
    tensors = load_keys("sd1")
    table = predict(tensors.values(), detect_architecture(tensors).component_of, Policy())
    assert table.row("unet").before == pytest.approx(1.719e9, rel=1e-3)
    assert table.row("unet").after < 0.89e9
    assert table.row("other").converted == 0  # the schedule's buffers


def test_per_channel_scales_and_wide_type_are_counted():
    tensors = [
        TensorInfo("u.weight", DTYPES["F32"], (10, 6), 0, 240),
        TensorInfo("u.bias", DTYPES["F32"], (10,), 0, 40),
        TensorInfo("ids", DTYPES["I64"], (2,), 0, 16),
    ]
    policy = Policy(everything=True, scaling=Scaling.CHANNEL)
    table = predict(tensors, lambda _: "other", policy, wide=DTYPES["F16"])
    assert (table.before, table.after) == (296, 60 + 40 + 20 + 16)
    assert dict(table.rows[0].by_dtype) == Counter({"F8_E4M3": 60, "F32": 40, "F16": 20, "I64": 16})
    unscaled = predict(tensors, lambda _: "other", Policy(everything=True, scaling=Scaling.NONE))
    assert unscaled.after == 60 + 40 + 16
    assert table.row("unet").before == 0


@pytest.mark.parametrize(
    "document",
    ["", "[]", "{}", json.dumps({"schema": 2}), json.dumps({"schema": 1, "switches": {}, "kinds": [{}], "keep": []})],
)
def test_rules_of_another_schema_are_refused(document):
    with pytest.raises(Fp8Error, match="fp8 policy"):
        parse_rules(document)
