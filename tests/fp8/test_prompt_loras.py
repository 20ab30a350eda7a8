"""Prompt LoRAs on managed layers, with LoRA code that looks as the webui's does."""

from __future__ import annotations

import copy
import pickle
import sys
import threading
from collections.abc import Iterator
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from lib_kohaku.fp8.attach import Attachment, attach
from lib_kohaku.fp8.policy import Policy
from lib_kohaku.host.a1111.fp8.loras import PromptLoras


class Block(nn.Module):
    """A linear layer and attention, whose layers the LoRA code has named."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(8, 8)
        self.attn = nn.MultiheadAttention(8, 2)
        self.linear.network_layer_name = "linear"
        self.attn.network_layer_name = "attn"
        self.attn.out_proj.network_layer_name = "attn_out_proj"

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        values = self.linear(values)
        return self.attn(values, values, values, need_weights=False)[0]


class Change:
    """A module of a LoRA of some unknown kind: adds a constant matrix."""

    def __init__(self, shape: tuple[int, ...], seed: int) -> None:
        self.matrix = torch.randn(shape, generator=torch.Generator().manual_seed(seed)) * 0.1

    def calc_updown(self, weight: torch.Tensor) -> tuple[torch.Tensor, None]:
        if weight.shape != self.matrix.shape:
            raise RuntimeError("The size of tensor a must match the size of tensor b")
        return self.matrix.to(weight.dtype), None


class NetworkModuleLora:
    """As the webui calls a LoRA's module for one layer."""

    def __init__(self) -> None:
        self.up_model, self.down_model, self.mid_model = (
            nn.Linear(2, 8, bias=False),
            nn.Linear(8, 2, bias=False),
            None,
        )
        self.network = SimpleNamespace(dyn_dim=None)

    def multiplier(self) -> float:
        return 0.5

    def calc_scale(self) -> float:
        return 2.0


def net(name: str, modules: dict[str, Any], te: float = 1.0) -> SimpleNamespace:
    return SimpleNamespace(name=name, modules=modules, te_multiplier=te, unet_multiplier=te, dyn_dim=None)


def projections(seed: int) -> dict[str, Change]:
    return {f"attn_{part}_proj": Change((8, 8), seed + index) for index, part in enumerate(("q", "k", "v", "out"))}


@pytest.fixture
def networks(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("networks")
    module.loaded_networks = []
    module.extra_network_lora = SimpleNamespace(errors={})
    monkeypatch.setitem(sys.modules, "networks", module)
    return module


@pytest.fixture
def block() -> Block:
    torch.manual_seed(0)
    return Block().requires_grad_(False)


@pytest.fixture
def attachment(block: Block) -> Iterator[Attachment]:
    attachment = attach(block, Policy(everything=True))
    loras = PromptLoras(attachment)
    loras.watch()
    yield attachment
    loras.remove()
    assert not any(module._forward_pre_hooks for module in block.modules())


def reference(block: Block, *nets: SimpleNamespace) -> torch.nn.Module:
    """An ordinary block with the codes' numbers and the changes added."""
    plain = Block().requires_grad_(False)
    plain.load_state_dict(block.state_dict())
    for each in nets:
        if "linear" in each.modules:
            plain.linear.weight += each.modules["linear"].matrix
        if "attn_q_proj" in each.modules:
            rows = [each.modules[f"attn_{part}_proj"].matrix for part in "qkv"]
            plain.attn.in_proj_weight += torch.cat(rows)
            plain.attn.out_proj.weight += each.modules["attn_out_proj"].matrix
    return plain


def test_two_count_and_removing_them_brings_the_base_back(block: Block, attachment: Attachment, networks: ModuleType):
    values = torch.randn(3, 2, 8)
    base = block(values)
    first, second = net("a", {"linear": Change((8, 8), 1)}), net("b", {"linear": Change((8, 8), 2), **projections(5)})
    for nets in ([first], [first, second], [second]):
        networks.loaded_networks = nets
        torch.testing.assert_close(block(values), reference(block, *nets)(values), rtol=1e-5, atol=1e-5)
    networks.loaded_networks = []
    assert torch.equal(block(values), base)
    assert attachment.deltas() == {}


def test_attention_needs_all_four_projections_as_in_the_webui(
    block: Block, attachment: Attachment, networks: ModuleType
):
    values = torch.randn(3, 2, 8)
    base = block(values)
    some = projections(5)
    del some["attn_k_proj"]
    networks.loaded_networks = [net("a", some)]
    assert torch.equal(block(values), base)


def test_a_new_multiplier_is_noticed(block: Block, attachment: Attachment, networks: ModuleType):
    values = torch.randn(3, 2, 8)
    networks.loaded_networks = [net("a", {"linear": Change((8, 8), 1)})]
    before = block(values)
    networks.loaded_networks[0].modules["linear"].matrix *= 2  # what calc_updown does with another multiplier
    networks.loaded_networks[0].te_multiplier = 2.0
    assert not torch.equal(block(values), before)


def test_a_lora_that_is_renamed_is_applied_anew(block: Block, attachment: Attachment, networks: ModuleType):
    """How extensions that weigh the blocks of a LoRA tell the webui that they have changed its tensors."""
    change = NetworkModuleLora()
    networks.loaded_networks = [net("a", {"linear": change})]
    values = torch.randn(3, 2, 8)
    block(values)
    change.up_model.weight = nn.Parameter(change.up_model.weight * 3)
    networks.loaded_networks[0].name += " with other blocks"
    found = block(values)
    plain = reference(block)
    plain.linear.weight += change.up_model.weight.detach() @ change.down_model.weight.detach()
    torch.testing.assert_close(found, plain(values), rtol=1e-5, atol=1e-5)


def test_a_lora_that_does_not_fit_is_counted_once_and_left_out(
    block: Block, attachment: Attachment, networks: ModuleType
):
    values = torch.randn(3, 2, 8)
    base = block(values)
    networks.loaded_networks = [net("odd", {"linear": Change((8, 9), 1)})]
    for _ in range(3):
        assert torch.equal(block(values), base)
    assert networks.extra_network_lora.errors == {"odd": 1}


def test_low_rank_modules_are_side_branches(block: Block, attachment: Attachment, networks: ModuleType):
    module = NetworkModuleLora()
    values = torch.randn(3, 2, 8)
    networks.loaded_networks = [net("a", {"linear": module})]
    expected = reference(block)
    expected.linear.weight += (module.up_model.weight @ module.down_model.weight).detach()
    torch.testing.assert_close(block(values), expected(values), rtol=1e-5, atol=1e-5)


class QkvLinear(nn.Linear):
    """As the webui's Stable Diffusion 3 calls it: one layer for three projections, whose LoRAs may be three."""


THREE = ("linear_q_proj", "linear_k_proj", "linear_v_proj")


@pytest.mark.parametrize("named", [THREE, THREE[:1], ("linear",)])
def test_packed_projections_take_three_modules_or_one(networks: ModuleType, named: tuple[str, ...]):
    torch.manual_seed(0)
    block = Block().requires_grad_(False)
    block.linear = QkvLinear(8, 24).requires_grad_(False)
    block.linear.network_layer_name = "linear"
    attachment = attach(block, Policy(everything=True))
    loras = PromptLoras(attachment)
    loras.watch()
    values = torch.randn(3, 8)
    base = block.linear(values)
    changes = {name: Change((24 // len(named), 8), seed) for seed, name in enumerate(named)}
    networks.loaded_networks = [net("a", changes)]
    if named == THREE[:1]:  # the webui wants all three
        assert torch.equal(block.linear(values), base)
        return
    weight = attachment.weights["linear.weight"].decode(torch.float32)
    weight += torch.cat([change.matrix for change in changes.values()])
    expected = nn.functional.linear(values, weight, block.linear.bias)
    torch.testing.assert_close(block.linear(values), expected, rtol=1e-5, atol=1e-5)
    assert not torch.allclose(expected, base, rtol=1e-2, atol=1e-2)
    loras.remove()


def test_a_copied_part_takes_neither_the_model_nor_the_loras_files_along(networks: ModuleType):
    torch.manual_seed(0)
    model = nn.Module()
    model.part, model.uncopyable = Block().requires_grad_(False), threading.Lock()
    attachment = attach(model, Policy(everything=True))
    loras = PromptLoras(attachment)
    loras.watch()
    values = torch.randn(3, 2, 8)
    base = model.part(values)
    assert torch.equal(pickle.loads(pickle.dumps(model.part))(values), base)
    change = Change((8, 8), 1)
    change.network = threading.Lock()  # in truth the whole file, and the layers that it fits
    networks.loaded_networks = [net("a", {"linear": change})]
    with_lora = model.part(values)
    twin = copy.deepcopy(model.part)
    networks.loaded_networks = []
    assert torch.equal(model.part(values), base)
    # A copy stays what the part was when it was copied.
    assert torch.equal(twin(values), with_lora)
    assert not torch.equal(with_lora, base)
    loras.remove()
    assert torch.equal(twin(values), with_lora)


class NeedsItsOwnType(Change):
    """As old OFT files: the weight is multiplied with the file's tensor as it is."""

    def calc_updown(self, weight: torch.Tensor) -> tuple[torch.Tensor, None]:
        return torch.einsum("ij,jk->ik", self.matrix.bfloat16(), weight) - weight, None


def test_kinds_that_want_the_models_own_type_get_it(networks: ModuleType):
    torch.manual_seed(0)
    block = Block().requires_grad_(False).bfloat16()
    attachment = attach(block, Policy(everything=True))
    loras = PromptLoras(attachment)
    loras.watch()
    values = torch.randn(3, 2, 8).bfloat16()
    base = block.linear(values)
    module = NeedsItsOwnType((8, 8), 1)
    networks.loaded_networks = [net("old", {"linear": module})]
    weight = attachment.weights["linear.weight"].decode(torch.float32)
    expected = nn.functional.linear(values.float(), module.matrix @ weight, block.linear.bias.float())
    torch.testing.assert_close(block.linear(values).float(), expected, rtol=0.02, atol=0.02)
    assert not torch.equal(block.linear(values), base)
    assert networks.extra_network_lora.errors == {}
    loras.remove()
