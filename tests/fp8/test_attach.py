"""Attach and detach: what is computed, what is touched, what comes back."""

from __future__ import annotations

import copy
import gc
import weakref

import pytest
import torch
from torch import nn

from lib_kohaku.fp8.attach import attach, attachment_of
from lib_kohaku.fp8.codecs import E4M3FN, FORMATS, Scaling, quantise
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.fp8.policy import Kind, Policy
from tests.fp8.models import EVERYTHING, WEIGHTS, make_block, make_input, same_tensors, snapshot


def quantised_copy(block, policy=EVERYTHING):
    """The same model with its weights replaced by what fp8 makes of them, in ordinary parameters."""
    reference = copy.deepcopy(block)
    with torch.no_grad():
        for name in WEIGHTS:
            parameter = reference.get_parameter(name)
            parameter.copy_(quantise(parameter, policy.fmt, policy.scaling, name).decode(torch.float32))
    return reference


@pytest.mark.parametrize("fmt", FORMATS, ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("scaling", list(Scaling))
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_computes_as_the_quantised_weights_do(fmt, scaling, dtype):
    policy = Policy(fmt=fmt, scaling=scaling, everything=True)
    block = make_block(dtype=dtype)
    reference = quantised_copy(block, policy)
    attach(block, policy)
    x = make_input(dtype)
    with torch.no_grad():
        expected, found = reference(x), block(x)
    assert found.dtype == dtype
    # Not bit for bit: torch's own attention has a fused path that we do not take.
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5 if dtype == torch.float32 else 0.05)


def test_linear_and_convolution_are_bit_exact():
    block = make_block()
    reference = quantised_copy(block)
    attach(block, EVERYTHING)
    x = make_input()
    assert torch.equal(block.conv(x), reference.conv(x))
    assert torch.equal(block.down(input=x), reference.down(x))
    rows = x[..., 0, 0].reshape(1, 32)
    assert torch.equal(block.mlp[0](rows), reference.mlp[0](rows))


def test_only_weights_of_managed_layers_become_codes():
    block = make_block()
    types = {name: type(module) for name, module in block.named_modules()}
    class_forwards = (nn.Linear.forward, nn.Conv2d.forward, nn.MultiheadAttention.forward)
    modules = dict(block.named_modules())
    before = snapshot(block)
    attachment = attach(block, EVERYTHING)
    assert tuple(attachment.weights) == WEIGHTS
    assert {name: type(module) for name, module in block.named_modules()} == types
    assert (nn.Linear.forward, nn.Conv2d.forward, nn.MultiheadAttention.forward) == class_forwards
    assert dict(block.named_modules()) == modules
    for name, parameter in block.named_parameters():
        if name in WEIGHTS:
            assert parameter.dtype == torch.uint8 and not parameter.requires_grad
            assert parameter.shape == before[name].shape
        else:
            assert torch.equal(parameter, before[name]) and parameter.requires_grad
    assert "forward" not in block.attn.out_proj.__dict__  # nobody calls it
    assert "forward" not in block.norm.__dict__


def test_detach_with_a_source_brings_every_bit_back():
    for dtype in (torch.float16, torch.float32):
        block = make_block(dtype=dtype)
        before = snapshot(block)
        attachment = attach(block, EVERYTHING)
        attachment.detach(lambda name, values=before: values[name])
        assert same_tensors(snapshot(block), before)
        assert attachment_of(block) is None
        assert all(parameter.requires_grad for parameter in block.parameters())


def test_detach_leaves_no_trace():
    block = make_block()
    fresh = copy.deepcopy(block)
    attach(block, EVERYTHING).detach()
    assert block.__dict__.keys() == fresh.__dict__.keys()
    for name, module in block.named_modules():
        other = fresh.get_submodule(name)
        assert module.__dict__.keys() == other.__dict__.keys()
        assert list(module._buffers) == list(other._buffers)
        assert list(module._parameters) == list(other._parameters)
        assert module._non_persistent_buffers_set == other._non_persistent_buffers_set
        assert not module._load_state_dict_pre_hooks and not module._state_dict_hooks


def test_detach_without_a_source_keeps_what_was_computed_with():
    block = make_block(dtype=torch.float16)
    before = snapshot(block)
    attachment = attach(block, EVERYTHING)
    decoded = {name: weight.decode(torch.float16) for name, weight in attachment.weights.items()}
    attachment.detach()
    assert same_tensors(snapshot(block), {**before, **decoded})


def test_attaching_twice_is_attaching_once():
    block = make_block()
    first = attach(block, EVERYTHING)
    codes = snapshot(block)
    assert attach(block, EVERYTHING) is first
    assert same_tensors(snapshot(block), codes)
    assert len(block.conv._load_state_dict_pre_hooks) == 1
    with pytest.raises(Fp8Error, match="other settings"):
        attach(block, Policy(fmt=E4M3FN, everything=True, scaling=Scaling.NONE))
    assert attachment_of(block) is first
    first.detach()
    first.detach()


def test_several_models_at_once_do_not_know_each_other():
    one, two, plain = make_block(1), make_block(2), make_block(2)
    attach(one, EVERYTHING)
    attachment = attach(two, Policy(everything=True, kinds=frozenset({Kind.LINEAR})))
    assert set(attachment.weights) == {"attn.out_proj.weight", "mlp.0.weight", "mlp.2.weight"}
    attachment_of(one).detach()
    assert attachment_of(two) is attachment and attachment.weights
    assert plain.conv.weight.dtype == torch.float32
    assert torch.equal(two.conv(make_input()), plain.conv(make_input()))


def test_toggling_leaks_nothing():
    block = make_block()
    before = snapshot(block)

    def count():
        gc.collect()
        return sum(type(thing) in (torch.Tensor, nn.Parameter) for thing in gc.get_objects())

    attach(block, EVERYTHING).detach(lambda name: before[name])
    tensors = count()
    for _ in range(20):
        attachment = attach(block, EVERYTHING)
        block(make_input())
        attachment.detach(lambda name: before[name])
    del attachment
    assert count() == tensors
    assert same_tensors(snapshot(block), before)


def test_a_dropped_model_is_freed():
    block = make_block()
    attach(block, EVERYTHING)
    reference = weakref.ref(block)
    del block
    gc.collect()
    assert reference() is None


def test_a_copy_of_a_managed_model_is_a_model_of_its_own():
    block = make_block()
    attach(block, EVERYTHING)
    x = make_input()
    expected = block(x)
    twin = copy.deepcopy(block)
    attachment_of(block).detach(lambda name: torch.zeros_like(block.get_parameter(name), dtype=torch.float32))
    assert not torch.equal(block(x), expected)
    assert torch.equal(twin(x), expected)
    attachment_of(twin).detach()
    assert twin.conv.weight.dtype == torch.float32


def test_gradients_flow_through_to_the_input():
    block = make_block()
    reference = quantised_copy(block)
    attach(block, EVERYTHING)
    gradients = []
    for model in (block, reference):
        x = make_input().requires_grad_()
        model(x).square().sum().backward()
        gradients.append(x.grad)
    assert torch.allclose(*gradients, rtol=1e-4, atol=1e-5)
    assert block.conv.bias.grad is not None


def test_attached_in_inference_mode_serves_training_mode():
    block = make_block()
    with torch.inference_mode():
        attach(block, EVERYTHING)
        block(make_input())
    x = make_input().requires_grad_()
    block(x).sum().backward()
    assert x.grad is not None
    with torch.inference_mode():
        attachment_of(block).detach()
    assert not block.conv.weight.is_inference()


def test_shared_weights_and_foreign_forwards_stay():
    model = nn.ModuleDict({"embed": nn.Embedding(8, 4), "head": nn.Linear(4, 8), "hooked": nn.Linear(4, 4)})
    model["head"].weight = model["embed"].weight
    model["hooked"].forward = lambda x: x

    class Scaled(nn.Linear):
        def forward(self, x):
            return super().forward(x) * 2

    class Renamed(nn.Linear):
        pass

    model["scaled"], model["renamed"] = Scaled(4, 4), Renamed(4, 4)
    model["encoder"] = nn.TransformerEncoderLayer(4, 2)
    attachment = attach(model, EVERYTHING)
    assert set(attachment.weights) == {"renamed.weight"}
    assert {skip.name: skip.reason for skip in attachment.skipped} == {
        "head.weight": "its weight is shared with another module",
        "hooked.weight": "something else has replaced its forward",
    }


def test_attention_with_separate_projections_stays():
    module = nn.Sequential(nn.MultiheadAttention(8, 2, kdim=4, vdim=6))
    attachment = attach(module, EVERYTHING)
    assert not attachment.weights
    query, key, value = torch.randn(3, 1, 8), torch.randn(3, 1, 4), torch.randn(3, 1, 6)
    assert module[0](query, key, value)[0].shape == (3, 1, 8)


def test_attention_may_be_managed_in_part():
    torch.manual_seed(0)
    module, reference = (nn.ModuleDict({"attn": nn.MultiheadAttention(8, 2)}) for _ in range(2))
    reference.load_state_dict(module.state_dict())
    attachment = attach(module, Policy(everything=True, kinds=frozenset({Kind.ATTENTION})))
    assert set(attachment.weights) == {"attn.in_proj_weight"}
    with torch.no_grad():
        reference["attn"].in_proj_weight.copy_(attachment.weights["attn.in_proj_weight"].decode(torch.float32))
    x = torch.randn(3, 1, 8)
    assert torch.allclose(module["attn"](x, x, x)[0], reference["attn"](x, x, x)[0], atol=1e-6)


def test_somebody_who_wrapped_our_forward_can_keep_calling_it():
    block = make_block()
    reference = copy.deepcopy(block)
    attachment = attach(block, EVERYTHING)
    ours = block.conv.forward
    block.conv.forward = lambda x: ours(x) + 1
    before = snapshot(reference)
    attachment.detach(lambda name: before[name])
    x = make_input()
    assert torch.equal(block.conv(x), reference.conv(x) + 1)


def test_policy_names_components_and_memory():
    prefix = "model.diffusion_model"
    model = nn.ModuleDict(
        {
            "time_embed": nn.Linear(8, 8),
            "middle_block": nn.Linear(10, 8),
        }
    ).half()
    attachment = attach(model, Policy(), prefix=prefix, component_of=lambda name: "unet")
    assert set(attachment.weights) == {f"{prefix}.middle_block.weight"}
    assert [skip.reason for skip in attachment.skipped] == ["time embedding"]
    row = attachment.memory().row("unet")
    assert row.before == 2 * (64 + 8 + 80 + 8)
    assert row.after == row.before - 80 + 4
    assert dict(row.by_dtype) == {"F16": 160, "F8_E4M3": 80, "F32": 4}
    attachment.detach()


def test_an_unknown_model_is_left_alone():
    block = make_block()
    attachment = attach(block, Policy())
    assert not attachment.weights and attachment.skipped[0].reason == "other is not converted"


def test_a_forward_that_was_only_put_back_is_nobodys():
    """ControlNet's LLLite and others wrap layers for an image, and afterwards set what they had read."""
    block = make_block()
    layers = {"mlp.0": block.mlp[0], "conv": block.conv, "attn": block.attn}
    for layer in layers.values():
        layer.forward = layer.forward
    attachment = attach(block, EVERYTHING)
    held = set(attachment.weights)
    assert held >= {"mlp.0.weight", "conv.weight", "attn.in_proj_weight"} and attachment.skipped == ()
    expected = block(make_input())
    # The same while the layers are held, and let go of in between: then the manager's is put back.
    read = {name: layer.forward for name, layer in layers.items()}
    attachment.detach()
    for name, layer in layers.items():
        layer.forward = read[name]
    again = attach(block, EVERYTHING)
    assert set(again.weights) == held and again.skipped == ()
    assert torch.equal(block(make_input()), expected)
    again.detach()
    assert not any("forward" in module.__dict__ for module in block.modules())


def test_a_forward_of_another_layer_is_somebodys():
    block = make_block()
    block.mlp[0].forward = copy.deepcopy(block.mlp[0]).forward
    assert [skip.name for skip in attach(block, EVERYTHING).skipped] == ["mlp.0.weight"]
