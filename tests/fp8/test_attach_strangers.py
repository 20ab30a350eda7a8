"""Managed models in the hands of code that knows nothing of them: copies, pickles, threads, casts, direct use."""

from __future__ import annotations

import contextlib
import copy
import io
import pickle
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 (its usual name)
from torch import nn

from lib_kohaku.fp8.attach import Full, LowRank, attach, attachment_of
from lib_kohaku.fp8.codecs import Scaling
from lib_kohaku.fp8.policy import Policy
from tests.fp8.models import EVERYTHING, WEIGHTS, make_block, make_input, same_tensors, snapshot

BY_CHANNEL = Policy(everything=True, scaling=Scaling.CHANNEL)
LORA = LowRank(torch.full((2, 32), 0.1), torch.full((64, 2), 0.1))


def expanded(block):
    """An ordinary block with the numbers that the codes mean."""
    plain = make_block()
    plain.load_state_dict(block.state_dict())
    return plain.to(block.norm.weight.dtype)


def traces(model):
    """What of ours is left on a model."""
    found = []
    for name, module in model.named_modules():
        found += [name for key in module.__dict__ if key == "forward" or "kohaku" in key]
        found += [name for key in module._buffers if "kohaku" in key]
        found += [name for hooks in (module._load_state_dict_pre_hooks, module._state_dict_hooks) for _ in hooks]
    return found


# -- copies and pickles ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("policy", [EVERYTHING, BY_CHANNEL], ids=["tensor", "channel"])
def test_a_deep_copy_is_detached_without_a_trace_and_leaves_the_original_alone(policy):
    block = make_block()
    attachment = attach(block, policy)
    attachment.set_delta("lora", "mlp.0.weight", LORA)
    x = make_input()
    expected = block(x)
    twin = copy.deepcopy(block)
    assert torch.equal(twin(x), expected)
    attachment_of(twin).remove_delta("lora")
    assert not torch.equal(twin(x), expected)
    attachment_of(twin).detach()
    assert traces(twin) == []
    assert torch.equal(block(x), expected)
    assert attachment_of(block) is attachment and set(attachment.weights) == set(WEIGHTS)


def test_a_copy_of_a_part_works_by_itself():
    """As ControlNets are made: a deep copy of some blocks of the UNet."""
    block = make_block()
    attach(block, EVERYTHING)
    part = copy.deepcopy(block.mlp)
    x = torch.randn(3, 32, generator=torch.Generator().manual_seed(5))
    assert torch.equal(part(x), block.mlp(x))
    attachment_of(block).detach()
    assert part[0].weight.dtype == torch.uint8
    assert torch.equal(part(x), block.mlp(x))
    other = make_block(3).mlp
    part.load_state_dict(other.state_dict())
    assert torch.equal(part(x), other(x))


@pytest.mark.parametrize("save", [pickle.dumps, lambda model: _torch_save(model)], ids=["pickle", "torch.save"])
def test_a_pickled_model_comes_back_managed(save):
    block = make_block()
    attach(block, BY_CHANNEL)
    x = make_input()
    expected = block(x)
    data = save(block)
    back = pickle.loads(data) if save is pickle.dumps else torch.load(io.BytesIO(data), **_trusting())
    assert torch.equal(back(x), expected)
    attachment_of(back).detach()
    assert traces(back) == []
    assert torch.equal(block(x), expected)


def _torch_save(model):
    data = io.BytesIO()
    torch.save(model, data)
    return data.getvalue()


def _trusting():
    """torch 2.6 and later load whole modules only when told so."""
    return {"weights_only": False}


# -- state dicts ----------------------------------------------------------------------------------------------------


def test_a_state_dict_can_be_assigned_instead_of_copied():
    block, other = make_block(1), make_block(2)
    attachment = attach(block, EVERYTHING)
    block.load_state_dict(other.state_dict(), assign=True)
    assert not attachment.weights
    assert same_tensors(snapshot(block), snapshot(other))
    assert torch.equal(block(make_input()), other(make_input()))
    assert attach(block, EVERYTHING) is attachment and set(attachment.weights) == set(WEIGHTS)


def test_the_state_dict_of_a_part_serves_another_model():
    """As control LoRAs read the UNet: they take numbers out of a part's state dict."""
    block = make_block()
    attach(block, EVERYTHING)
    linear = nn.Linear(32, 64)
    linear.load_state_dict(block.mlp[0].state_dict())
    x = torch.randn(3, 32)
    assert torch.equal(linear(x), block.mlp[0](x))


# -- direct use -----------------------------------------------------------------------------------------------------


def test_codes_taken_for_numbers_are_an_error_and_not_noise():
    """An extension that calls the function instead of the layer gets torch's complaint about types."""
    block = make_block()
    attach(block, EVERYTHING)
    with pytest.raises(RuntimeError):
        F.linear(torch.randn(3, 32), block.mlp[0].weight, block.mlp[0].bias)
    with pytest.raises(RuntimeError):
        F.conv2d(make_input(), block.conv.weight, block.conv.bias, padding=1)
    with pytest.raises(RuntimeError):
        block.mlp[0].weight += torch.randn(64, 32)


def test_gradients_can_be_switched_off_everywhere():
    block = make_block()
    attach(block, EVERYTHING)
    block.requires_grad_(False).eval().train()
    assert not block(make_input()).requires_grad
    attachment_of(block).detach()
    # What a weight had when it was taken over is what it gets back.
    assert block.conv.weight.requires_grad and not block.conv.bias.requires_grad


# -- threads --------------------------------------------------------------------------------------------------------


def test_threads_that_compute_in_different_types_do_not_mix_them_up():
    block = make_block()
    attachment = attach(block, EVERYTHING)
    attachment.set_delta("lora", "mlp.0.weight", LORA)
    attachment.set_delta("full", "mlp.2.weight", Full(torch.full((32, 64), 0.01)))
    inputs = [
        torch.randn(4, 32, generator=torch.Generator().manual_seed(7)).to(dtype)
        for dtype in (torch.float32, torch.bfloat16)
    ]
    with torch.no_grad():
        expected = [block.mlp(values) for values in inputs]

    def compute(turn):
        with torch.no_grad():
            return torch.equal(block.mlp(inputs[turn % 2]), expected[turn % 2])

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(compute, range(400)))


def test_changes_first_used_in_inference_mode_serve_training_later():
    block = make_block()
    attach(block, EVERYTHING).set_delta("lora", "mlp.0.weight", LORA)
    with torch.inference_mode():
        block.mlp(torch.randn(3, 32).bfloat16())
    x = torch.randn(3, 32).bfloat16().requires_grad_()
    block.mlp(x).sum().backward()
    assert x.grad is not None


# -- types ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("values", [torch.float32, torch.bfloat16, torch.float16])
@pytest.mark.parametrize("held", [torch.float32, torch.bfloat16, torch.float16])
def test_biases_of_another_type_than_the_input_are_cast(values, held):
    block = make_block().to(held)
    attach(block, EVERYTHING)
    for layer, x in ((block.mlp[0], torch.randn(3, 32)), (block.conv, make_input())):
        try:
            expected = (
                expanded(block).to(values).get_submodule("mlp.0" if layer is block.mlp[0] else "conv")(x.to(values))
            )
        except RuntimeError:  # torch 2.1 has no products of half precision on the CPU, fp8 or not
            pytest.skip("no such product here")
        found = layer(x.to(values))
        assert found.dtype == values
        assert torch.allclose(found.float(), expected.float(), rtol=0.02, atol=0.02)


@contextlib.contextmanager
def manual_cast(target: torch.dtype, result: torch.dtype) -> Iterator[None]:
    """The webui's cast for devices without autocast: class methods are replaced, parameters cast to and fro."""
    kinds = (nn.Linear, nn.Conv2d, nn.GroupNorm, nn.LayerNorm)
    originals = {kind: kind.forward for kind in kinds}

    def wrapper(self, *args):
        args = [value.to(target) if isinstance(value, torch.Tensor) else value for value in args]
        before = next((p.dtype for p in self.parameters() if p.dtype != target), target)
        self.to(target)
        made = originals[type(self)](self, *args)
        self.to(before)
        return made.to(result)

    for kind in kinds:
        kind.forward = wrapper
    try:
        yield
    finally:
        for kind, forward in originals.items():
            kind.forward = forward


def test_inside_the_webuis_manual_cast():
    """Norms are cast to and fro around us; what is held in fp8 is neither cast nor rounded a second time."""
    block = make_block().bfloat16()
    attach(block, EVERYTHING)
    codes = snapshot(block)
    x = make_input().bfloat16()
    with torch.no_grad():
        plain = expanded(block)
        with manual_cast(torch.bfloat16, torch.bfloat16):
            found, expected = block(x), plain(x)
        with manual_cast(torch.float32, torch.bfloat16):
            wider = block(x)
    assert found.dtype == wider.dtype == torch.bfloat16
    assert torch.allclose(found.float(), expected.float(), atol=0.05)
    assert same_tensors(snapshot(block), codes)


@pytest.mark.parametrize("policy", [EVERYTHING, BY_CHANNEL], ids=["tensor", "channel"])
def test_channels_last_with_a_lora_and_autocast(policy):
    block = make_block().to(memory_format=torch.channels_last)
    attachment = attach(block, policy)
    attachment.set_delta("lora", "conv.weight", LowRank(torch.randn(2, 16, 3, 3) * 0.1, torch.randn(16, 2, 1, 1) * 0.1))
    x = make_input()
    expected = block.conv(x)
    layout = {"memory_format": torch.channels_last}
    found = block.conv(x.contiguous(**layout))
    assert torch.allclose(found, expected, atol=1e-5)
    assert found.is_contiguous(**layout)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.allclose(block.conv(x.contiguous(**layout)).float(), expected, atol=0.1)


def test_attention_where_torch_would_take_its_fused_path():
    """In evaluation without gradients torch's own attention skips the function that ours uses; results are the same."""
    torch.manual_seed(0)
    module = nn.MultiheadAttention(16, 2, batch_first=True).eval().requires_grad_(False)
    attach(module, EVERYTHING)
    plain = nn.MultiheadAttention(16, 2, batch_first=True).eval().requires_grad_(False)
    plain.load_state_dict(module.state_dict())
    x = torch.randn(3, 5, 16)
    padding = torch.tensor([[False] * 5, [False] * 4 + [True], [False] * 5])
    for options in (
        {},
        {"key_padding_mask": padding},
        {"need_weights": False},
        {"is_causal": False, "attn_mask": None},
    ):
        with torch.inference_mode():
            found, expected = module(x, x, x, **options), plain(x, x, x, **options)
        assert torch.allclose(found[0], expected[0], atol=1e-6)
        assert (found[1] is None) == (expected[1] is None)
