"""What hosts do to live models: casts, moves, state dicts, autocast, tiling."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lib_kohaku.fp8.attach import LowRank, attach, attachment_of
from lib_kohaku.fp8.codecs import Scaling
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.fp8.policy import Policy
from tests.fp8.models import EVERYTHING, WEIGHTS, make_block, make_input, same_tensors, snapshot

BY_CHANNEL = Policy(everything=True, scaling=Scaling.CHANNEL)


@pytest.mark.parametrize("policy", [EVERYTHING, BY_CHANNEL], ids=["tensor", "channel"])
def test_casts_of_the_whole_model_leave_codes_and_scales_alone(policy):
    block = make_block()
    with torch.no_grad():
        block.down.weight[0] *= 2.0**-30  # a channel scale that fp16 cannot hold
    attachment = attach(block, policy)
    before = {name: weight.decode(torch.float32) for name, weight in attachment.weights.items()}
    codes = {name: weight.codes.clone() for name, weight in attachment.weights.items()}
    block.half().bfloat16().to(torch.float16).to("cpu", torch.float32).float().half()
    for name, weight in attachment.weights.items():
        assert torch.equal(weight.codes, codes[name])
        assert torch.equal(weight.decode(torch.float32), before[name])
        assert weight.dtype == torch.float16
    assert block.conv.bias.dtype == torch.float16


def test_detach_follows_the_type_that_the_model_has_by_then():
    block = make_block()
    before = snapshot(block)
    attachment = attach(block, EVERYTHING)
    block.half()
    attachment.detach(lambda name: before[name])
    assert {parameter.dtype for parameter in block.parameters()} == {torch.float16}
    assert same_tensors(snapshot(block), {name: tensor.half() for name, tensor in before.items()})


def test_the_compute_type_follows_the_input():
    block = make_block().half()
    attach(block, EVERYTHING)
    for dtype in (torch.float32, torch.bfloat16, torch.float64):
        assert block.mlp[0](torch.ones(1, 32, dtype=dtype)).dtype == dtype
        assert block.conv(torch.ones(1, 16, 4, 4, dtype=dtype)).dtype == dtype
        query = torch.ones(1, 3, 32, dtype=dtype)
        assert block.attn(query, query, query)[0].dtype == dtype


def test_the_compute_type_follows_autocast():
    block = make_block()
    reference = make_block()
    attachment = attach(block, EVERYTHING)
    with torch.no_grad():
        for name, weight in attachment.weights.items():
            reference.get_parameter(name).copy_(weight.decode(torch.float32))
    x = make_input()
    # A float32 mask with a bfloat16 query is what makes SDXL's second text encoder fail under CPU autocast.
    mask = torch.full((16, 16), float("-inf")).triu(1)
    tokens = torch.randn(2, 16, 32)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert block.conv(x).dtype == torch.bfloat16
        assert torch.equal(block.conv(x), reference.conv(x))
        assert torch.equal(block.mlp[0](tokens), reference.mlp[0](tokens))
        found = block.attn(tokens, tokens, tokens, attn_mask=mask, need_weights=False)[0]
        assert found.dtype == torch.bfloat16
    expected = reference.attn(tokens, tokens, tokens, attn_mask=mask, need_weights=False)[0]
    assert torch.allclose(found.float(), expected, atol=0.02)


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("need_weights", [True, False])
def test_attention_in_all_its_forms(batch_first, need_weights):
    torch.manual_seed(0)
    module = nn.MultiheadAttention(16, 2, batch_first=batch_first, add_bias_kv=True)
    reference = nn.MultiheadAttention(16, 2, batch_first=batch_first, add_bias_kv=True)
    attach(module, EVERYTHING)
    reference.load_state_dict(module.state_dict())
    query, memory = torch.randn(3, 5, 16), torch.randn(3, 5, 16)
    padding = torch.zeros(memory.shape[:2] if batch_first else (5, 3), dtype=torch.bool)
    padding[0, -1] = True
    calls = [
        ((query, query, query), {}),
        ((query, memory, memory), {"key_padding_mask": padding}),
        ((query[0], memory[0], memory[0]), {"average_attn_weights": False}),
        ((query, query, query), {"attn_mask": torch.zeros(*([query.shape[1 if batch_first else 0]] * 2))}),
    ]
    for arguments, options in calls:
        found = module(*arguments, need_weights=need_weights, **options)
        expected = reference(*arguments, need_weights=need_weights, **options)
        assert torch.allclose(found[0], expected[0], atol=1e-6)
        assert (found[1] is None) == (expected[1] is None)
        if need_weights:
            assert torch.allclose(found[1], expected[1], atol=1e-6)


def test_another_device_is_followed():
    # The meta device stands for any that is not the CPU: shapes and devices have to come out right without one.
    for policy in (EVERYTHING, BY_CHANNEL):
        block = make_block()
        attachment = attach(block, policy)
        attachment.set_delta("lora", "mlp.0.weight", LowRank(torch.ones(2, 32), torch.ones(64, 2)))
        attachment.set_delta("lora", "attn.in_proj_weight", LowRank(torch.ones(2, 32), torch.ones(96, 2)))
        block.to("meta")
        result = block(make_input().to("meta"))
        assert result.device.type == "meta" and result.shape == (2, 16, 32)
        attachment.detach()
        assert {parameter.device.type for parameter in block.parameters()} == {"meta"}


def test_hooks_that_move_modules_meet_ordinary_modules():
    """As medvram and lowvram do: weights live elsewhere and come in just before the module runs."""
    block = make_block()
    attach(block, EVERYTHING)
    home = {name: parameter.data for name, parameter in block.named_parameters()}
    x = make_input()
    expected = block(x)
    moved = []

    def bring(module, _inputs):
        for name, parameter in module.named_parameters():
            parameter.data = home[prefixes[module] + name].clone()
        moved.append(prefixes[module])

    prefixes = {block.conv: "conv.", block.attn: "attn.", block.mlp[0]: "mlp.0."}
    for module in prefixes:
        module.register_forward_pre_hook(bring)
        for parameter in module.parameters():
            parameter.data = torch.zeros_like(parameter)
    assert torch.equal(block(x), expected)
    assert moved == ["conv.", "attn.", "mlp.0."]


def test_channels_last_is_kept():
    block = make_block()
    before = snapshot(block)
    attachment = attach(block, EVERYTHING)
    x = make_input()
    expected = block.conv(x)
    block.to(memory_format=torch.channels_last)
    assert block.conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.allclose(block.conv(x), expected, atol=1e-6)
    attachment.detach(lambda name: before[name])
    assert block.conv.weight.is_contiguous(memory_format=torch.channels_last)
    assert torch.equal(block.conv.weight, before["conv.weight"])


def test_tiling_switched_on_a_live_module():
    block = make_block()
    attach(block, EVERYTHING)
    reference = make_block()
    reference.load_state_dict(block.state_dict())
    x = make_input()
    for module in (block.conv, reference.conv):
        module.padding_mode = "circular"
    assert torch.equal(block.conv(x), reference.conv(x))


def test_state_dict_holds_numbers():
    block = make_block(dtype=torch.float16)
    keys = list(block.state_dict())
    attachment = attach(block, BY_CHANNEL)
    state = block.state_dict()
    assert list(state) == keys
    for name, weight in attachment.weights.items():
        assert state[name].dtype == torch.float16
        assert torch.equal(state[name], weight.decode(torch.float16))
    assert attachment.weights  # asking changes nothing


def test_loading_makes_layers_ordinary_first():
    block, other = make_block(1), make_block(2)
    attachment = attach(block, EVERYTHING)
    attachment.set_delta("lora", "mlp.0.weight", LowRank(torch.ones(2, 32), torch.ones(64, 2)))
    assert not block.load_state_dict(other.state_dict()).missing_keys
    assert not attachment.weights and not attachment.deltas()
    assert same_tensors(snapshot(block), snapshot(other))
    assert torch.equal(block(make_input()), other(make_input()))
    # and the same attachment takes the new weights
    assert attach(block, EVERYTHING) is attachment
    assert tuple(attachment.weights) == WEIGHTS
    assert len(block.conv._load_state_dict_pre_hooks) == 1
    attachment.detach(lambda name: other.get_parameter(name).detach())
    assert same_tensors(snapshot(block), snapshot(other))
    assert not block.conv._load_state_dict_pre_hooks


def test_loading_something_else_keeps_the_codes():
    block = make_block()
    attachment = attach(block, EVERYTHING)
    block.load_state_dict({"norm.weight": torch.ones(16)}, strict=False)
    assert tuple(attachment.weights) == WEIGHTS
    block.load_state_dict({"conv.weight": torch.ones(16, 16, 3, 3)}, strict=False)
    assert "conv.weight" not in attachment.weights and len(attachment.weights) == 5
    assert torch.equal(block.conv.weight, torch.ones(16, 16, 3, 3))
    block.load_state_dict({"attn.out_proj.weight": torch.zeros(32, 32)}, strict=False)
    # the projections of an attention layer belong together
    assert set(attachment.weights) == {"down.weight", "mlp.0.weight", "mlp.2.weight"}
    assert block.attn.in_proj_weight.dtype == torch.float32
    with pytest.raises(RuntimeError, match="size mismatch"):
        block.load_state_dict({"mlp.0.weight": torch.zeros(3, 3)}, strict=False)
    assert torch.isfinite(block(make_input())).all()


def test_a_loader_that_replaces_the_class_methods_still_works():
    """As the webui's low-memory loader: meta tensors in the state dict, the true ones supplied module by module."""
    block, other = make_block(1), make_block(2)
    attach(block, EVERYTHING)
    true = {name: tensor.clone() for name, tensor in other.state_dict().items()}
    original = nn.Linear._load_from_state_dict

    def load(module, state_dict, prefix, *rest):
        used = [prefix + name for name, parameter in module._parameters.items() if parameter is not None]
        for key in used:
            state_dict[key] = true.pop(key)
        original(module, state_dict, prefix, *rest)
        for key in used:
            state_dict.pop(key)

    linears = {
        f"{name}.{part}"
        for name, module in block.named_modules()
        if isinstance(module, nn.Linear)
        for part in module._parameters
    }
    state = {name: tensor.to("meta") if name in linears else tensor for name, tensor in other.state_dict().items()}
    nn.Linear._load_from_state_dict = load
    try:
        block.load_state_dict(state, strict=False)
    finally:
        nn.Linear._load_from_state_dict = original
    assert same_tensors(snapshot(block), snapshot(other))


def test_codes_that_were_destroyed_are_told():
    block = make_block()
    attach(block, EVERYTHING)
    block.type(torch.float32)  # unlike .float(), converts integers too
    with pytest.raises(Fp8Error, match=r"'conv\.weight' into torch\.float32"):
        block(make_input())
    assert attachment_of(block) is not None


@pytest.mark.parametrize("policy", [EVERYTHING, BY_CHANNEL], ids=["tensor", "channel"])
def test_dropped_codes_leave_ordinary_parameters_without_data(policy):
    block = make_block()
    before = snapshot(block)
    attachment = attach(block, policy)
    block.half()
    attachment.drop()
    assert attachment_of(block) is None
    assert not attachment.weights
    for name, parameter in block.named_parameters():
        assert (parameter.dtype, parameter.shape, parameter.is_meta) == (
            torch.float16,
            before[name].shape,
            name in WEIGHTS,
        )
        assert parameter.requires_grad
    assert not any("_kohaku" in name for name, _ in block.named_buffers())
    assert not any("forward" in module.__dict__ for module in block.modules())
    # And codes can take their place again.
    donor = attach(make_block(), policy)
    stored = {name: weight.quantised for name, weight in donor.weights.items()}
    attach(block, policy, stored=stored)
    donor.model.half()
    assert torch.equal(block.float()(make_input()), donor.model.float()(make_input()))


def test_a_failure_leaves_parameters_without_data_as_they_were():
    """A source is not asked for what cost nothing to keep."""
    block = make_block()
    attachment = attach(block, EVERYTHING)
    stored = {name: weight.quantised for name, weight in attachment.weights.items()}
    attachment.drop()
    stored["mlp.0.weight"] = stored["mlp.2.weight"]  # of another shape
    asked = []
    with pytest.raises(Fp8Error, match=r"'mlp\.0\.weight' has shape"):
        attach(block, EVERYTHING, stored=stored, source=lambda name: asked.append(name))
    assert asked == []
    assert {name for name, parameter in block.named_parameters() if parameter.is_meta} == set(WEIGHTS)


def test_state_dicts_can_be_had_without_values():
    block = make_block()
    attachment = attach(block, EVERYTHING)
    block.half()
    expected = block.state_dict()
    with attachment.without_values():
        found = block.state_dict()
    assert found.keys() == expected.keys()
    for name, tensor in found.items():
        assert (tensor.dtype, tensor.shape) == (expected[name].dtype, expected[name].shape)
        assert tensor.is_meta == (name in WEIGHTS)
    assert all(torch.equal(tensor, expected[name]) for name, tensor in block.state_dict().items())
