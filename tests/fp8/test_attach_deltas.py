"""LoRA and its kin at compute time: exact, together, removable."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lib_kohaku.fp8.attach import Computed, Full, LowRank, attach
from lib_kohaku.fp8.errors import Fp8Error
from tests.fp8.models import EVERYTHING, make_block, make_input


def noise(*shape, seed=0, scale=0.02):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed)) * scale


def pair(seed=0):
    """A managed block, and an ordinary one with the same (quantised) weights to merge deltas into."""
    block, reference = make_block(seed), make_block(seed)
    attachment = attach(block, EVERYTHING)
    reference.load_state_dict(block.state_dict())
    return block, attachment, reference


def merge(reference, name, delta):
    with torch.no_grad():
        reference.get_parameter(name).add_(delta)


def assert_same_output(block, reference, atol=2e-5):
    x = make_input()
    with torch.no_grad():
        assert torch.allclose(block(x), reference(x), atol=atol, rtol=1e-4)


LOW_RANK = {
    "mlp.0.weight": lambda seed: LowRank(noise(4, 32, seed=seed), noise(64, 4, seed=seed + 1), strength=0.7),
    "mlp.2.weight": lambda seed: LowRank(noise(4, 64, seed=seed), noise(32, 4, seed=seed + 1), strength=-1.5),
    "conv.weight": lambda seed: LowRank(noise(3, 16, 3, 3, seed=seed), noise(16, 3, 1, 1, seed=seed + 1), strength=2.0),
    "down.weight": lambda seed: LowRank(
        noise(3, 16, 1, 1, seed=seed, scale=0.3),
        noise(32, 3, 1, 1, seed=seed + 1, scale=0.3),
        noise(3, 3, 3, 3, seed=seed + 2, scale=0.3),
        strength=0.5,
    ),
    "attn.in_proj_weight": lambda seed: LowRank(noise(4, 32, seed=seed), noise(96, 4, seed=seed + 1)),
    "attn.out_proj.weight": lambda seed: LowRank(noise(4, 32, seed=seed), noise(32, 4, seed=seed + 1), strength=3.0),
}


def full_of(delta):
    """The product worked out factor by factor in float64, not through the code under test."""
    down, up = delta.down.double(), delta.up.double()
    rank = down.shape[0]
    result = 0
    for r in range(rank):
        if delta.mid is None:
            inner = down[r]
        else:
            inner = sum(delta.mid[r, s].double()[None] * down[s, :, 0, 0][:, None, None] for s in range(rank))
        result = result + up[:, r].reshape(-1, *([1] * inner.dim())) * inner[None]
    return (delta.strength * result).float()


@pytest.mark.parametrize("name", LOW_RANK)
def test_a_low_rank_change_acts_as_if_it_were_merged(name):
    block, attachment, reference = pair()
    delta = LOW_RANK[name](1)
    x = make_input()
    base = block(x)
    attachment.set_delta("lora", name, delta)
    merge(reference, name, full_of(delta))
    assert_same_output(block, reference)
    assert not torch.allclose(block(x), base, atol=1e-3)
    assert attachment.remove_delta("lora") == 1
    assert torch.equal(block(x), base)


@pytest.mark.parametrize("name", LOW_RANK)
def test_two_at_once_both_count_and_go_one_by_one(name):
    block, attachment, reference = pair()
    first, second = LOW_RANK[name](1), LOW_RANK[name](50)
    x = make_input()
    base = block(x)
    attachment.set_delta("first", name, first)
    alone = block(x)
    attachment.set_delta("second", name, second)
    merge(reference, name, full_of(first) + full_of(second))
    assert_same_output(block, reference)
    assert attachment.deltas() == {name: ("first", "second")}
    assert attachment.remove_delta("second", name) == 1
    assert torch.equal(block(x), alone)
    attachment.clear_deltas()
    assert torch.equal(block(x), base)
    assert attachment.deltas() == {}


def test_setting_again_replaces():
    block, attachment, reference = pair()
    delta = LOW_RANK["mlp.0.weight"](1)
    attachment.set_delta("lora", "mlp.0.weight", LOW_RANK["mlp.0.weight"](30))
    attachment.set_delta("lora", "mlp.0.weight", delta)
    merge(reference, "mlp.0.weight", full_of(delta))
    assert_same_output(block, reference)


@pytest.mark.parametrize("name", LOW_RANK)
def test_full_changes_of_weight_and_bias(name):
    block, attachment, reference = pair()
    weight = reference.get_parameter(name)
    delta = Full(noise(*weight.shape), noise(weight.shape[0], seed=3, scale=0.5), strength=0.5)
    attachment.set_delta("diff", name, delta)
    merge(reference, name, 0.5 * delta.weight)
    path, _, attribute = name.rpartition(".")
    owner = reference.get_submodule(path)
    bias = "in_proj_bias" if attribute == "in_proj_weight" else "bias"
    if getattr(owner, bias) is None:
        owner.bias = nn.Parameter(torch.zeros(weight.shape[0]))
    with torch.no_grad():
        getattr(owner, bias).add_(delta.bias, alpha=0.5)
    assert_same_output(block, reference)
    x = make_input()
    attachment.clear_deltas()
    _, _, untouched = pair()
    assert torch.allclose(block(x), untouched(x), atol=2e-5)


def test_a_bias_alone():
    block, attachment, reference = pair()
    attachment.set_delta("bias", "conv.weight", Full(None, torch.full((16,), 0.25)))
    with torch.no_grad():
        reference.conv.bias.add_(0.25)
    assert_same_output(block, reference)


def test_computed_changes_see_the_weight_as_it_stands():
    # as IA3 does: the change is proportional to the weight
    block, attachment, reference = pair()
    name = "mlp.0.weight"
    attachment.set_delta("diff", name, Full(noise(64, 32)))
    attachment.set_delta("ia3", name, Computed(lambda weight: Full(weight * 0.5)))
    with torch.no_grad():
        parameter = reference.get_parameter(name)
        parameter.copy_((parameter + noise(64, 32)) * 1.5)
    assert_same_output(block, reference)
    assert attachment.remove_delta("ia3") == 1


@pytest.mark.parametrize("name", LOW_RANK)
def test_computed_changes_see_low_rank_ones_before_them_and_not_those_after(name):
    """A LoRA and IA3 in one prompt: the webui merges them one after another, so the order counts."""
    block, attachment, reference = pair()
    before, after = LOW_RANK[name](1), LOW_RANK[name](50)
    attachment.set_delta("first lora", name, before)
    attachment.set_delta("ia3", name, Computed(lambda weight: Full(weight * -0.5)))
    attachment.set_delta("second lora", name, after)
    with torch.no_grad():
        parameter = reference.get_parameter(name)
        parameter.copy_((parameter + full_of(before)) * 0.5 + full_of(after))
    assert_same_output(block, reference)
    attachment.remove_delta("ia3")
    _, _, plain = pair()
    merge(plain, name, full_of(before) + full_of(after))
    assert_same_output(block, plain)


def test_a_grouped_convolution_takes_low_rank_changes():
    torch.manual_seed(0)
    convolution, reference = (nn.Sequential(nn.Conv2d(4, 8, 3, groups=2)) for _ in range(2))
    attachment = attach(convolution, EVERYTHING)
    reference.load_state_dict(convolution.state_dict())
    delta = LowRank(noise(2, 2, 3, 3), noise(8, 2, 1, 1))
    attachment.set_delta("lora", "0.weight", delta)
    merge(reference, "0.weight", full_of(delta))
    x = torch.randn(1, 4, 6, 6)
    assert torch.allclose(convolution(x), reference(x), atol=1e-6)


def test_tiling_pads_the_branch_like_the_layer():
    block, attachment, reference = pair()
    for name in ("conv.weight", "down.weight"):
        attachment.set_delta("lora", name, LOW_RANK[name](1))
        merge(reference, name, full_of(LOW_RANK[name](1)))
    for model in (block, reference):
        model.conv.padding_mode = model.down.padding_mode = "circular"
    assert_same_output(block, reference)


def test_weak_changes_arrive_whole():
    """A change of 0.5 % of the weights' spread: merged into fp8 nothing of it is left (fp8.md 4.4)."""
    torch.manual_seed(0)
    layer = nn.Sequential(nn.Linear(256, 256, bias=False))
    nn.init.normal_(layer[0].weight, std=0.02)
    attachment = attach(layer, EVERYTHING)
    delta = LowRank(noise(8, 256, seed=1, scale=1.0), noise(256, 8, seed=2, scale=0.02 * 0.005 / 8**0.5))
    x = torch.randn(32, 256)
    base = layer(x)
    attachment.set_delta("lora", "0.weight", delta)
    effect = layer(x) - base
    expected = x @ full_of(delta).T
    assert torch.linalg.norm(effect - expected) < 0.01 * torch.linalg.norm(expected)


def test_half_precision_effect_is_within_one_percent():
    block, attachment, _ = pair()
    block.bfloat16()
    delta = LowRank(noise(4, 32, seed=1, scale=1.0), noise(64, 4, seed=2, scale=0.5))
    x = noise(8, 32, seed=5, scale=1.0).bfloat16()
    base = block.mlp[0](x).float()
    attachment.set_delta("lora", "mlp.0.weight", delta)
    effect = block.mlp[0](x).float() - base
    expected = x.float() @ full_of(delta).T
    assert torch.linalg.norm(effect - expected) < 0.01 * torch.linalg.norm(expected)


@pytest.mark.parametrize(
    ("name", "delta"),
    [
        ("mlp.0.weight", LowRank(torch.ones(2, 31), torch.ones(64, 2))),
        ("mlp.0.weight", LowRank(torch.ones(2, 32), torch.ones(64, 3))),
        ("conv.weight", LowRank(torch.ones(2, 16, 1, 1), torch.ones(16, 2, 1, 1))),
        ("conv.weight", LowRank(torch.ones(2, 16, 3, 3), torch.ones(16, 2))),
        ("conv.weight", LowRank(torch.ones(2, 16, 1, 1), torch.ones(16, 2, 1, 1), torch.ones(2, 3, 3, 3))),
        ("attn.in_proj_weight", LowRank(torch.ones(2, 32), torch.ones(32, 2))),
        ("mlp.0.weight", Full(torch.ones(32, 64))),
        ("mlp.0.weight", Full(None, torch.ones(63))),
        ("norm.weight", Full(torch.ones(16))),
        ("nowhere.weight", Full(torch.ones(16))),
    ],
)
def test_changes_that_do_not_fit_are_refused_and_leave_nothing(name, delta):
    block, attachment, _ = pair()
    x = make_input()
    base = block(x)
    with pytest.raises(Fp8Error, match=name.replace(".", r"\.")):
        attachment.set_delta("lora", name, delta)
    assert attachment.deltas() == {}
    assert torch.equal(block(x), base)


def test_removing_what_is_not_there():
    _, attachment, _ = pair()
    assert attachment.remove_delta("nothing") == 0
