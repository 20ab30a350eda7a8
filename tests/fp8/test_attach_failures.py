"""Errors half-way: the model is as before, or says what it is."""

from __future__ import annotations

import math

import pytest
import torch
from torch import nn

from lib_kohaku.errors import CancelledError
from lib_kohaku.fp8.attach import attach, attachment_of
from lib_kohaku.fp8.attach import install as install_module
from lib_kohaku.fp8.errors import Fp8Error, NotFiniteError
from tests.fp8.models import EVERYTHING, WEIGHTS, make_block, make_input, same_tensors, snapshot


class StopAt:
    """Cancels in the n-th step of a stage."""

    def __init__(self, stage, step):
        self.wanted, self.step, self.stage, self.done = stage, step, "", 0

    def start(self, label, total, unit):
        self.stage, self.done = label, 0

    def advance(self, amount):
        self.done += amount

    def cancelled(self):
        return self.wanted in self.stage and self.done >= self.step


def assert_untouched(block, before):
    assert same_tensors(snapshot(block), before)
    assert attachment_of(block) is None
    for module in block.modules():
        assert "forward" not in module.__dict__
        assert not module._load_state_dict_pre_hooks and not module._state_dict_hooks
    assert block(make_input()).isfinite().all()


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_bad_number_in_the_last_layer_costs_the_first_nothing(bad):
    block = make_block()
    with torch.no_grad():
        block.mlp[2].weight[3, 3] = bad
    before = snapshot(block)
    with pytest.raises(NotFiniteError, match=r"mlp\.2\.weight"):
        attach(block, EVERYTHING)
    with torch.no_grad():
        for state in (before["mlp.2.weight"], block.mlp[2].weight):
            state[3, 3] = 0.0
    assert_untouched(block, before)


@pytest.mark.parametrize("stage", ["Looking", "Converting"])
@pytest.mark.parametrize("with_source", [True, False])
def test_cancelling(stage, with_source):
    block = make_block()
    before = snapshot(block)
    source = (lambda name: before[name]) if with_source else None
    with pytest.raises(CancelledError):
        attach(block, EVERYTHING, source=source, progress=StopAt(stage, 3))
    assert_untouched(block, before)


@pytest.mark.parametrize("with_source", [True, False])
@pytest.mark.parametrize("failing", [0, 3, 5])
def test_running_out_of_memory(monkeypatch, with_source, failing):
    block = make_block()
    before = snapshot(block)
    calls = []

    def quantise_with(*arguments):
        calls.append(arguments)
        if len(calls) > failing:
            raise MemoryError
        return original(*arguments)

    original = install_module.quantise_with
    monkeypatch.setattr(install_module, "quantise_with", quantise_with)
    with pytest.raises(MemoryError):
        attach(block, EVERYTHING, source=(lambda name: before[name]) if with_source else None)
    assert_untouched(block, before)


def test_an_error_while_one_layer_is_taken_over(monkeypatch):
    block = make_block()
    before = snapshot(block)
    original = nn.Module.register_buffer

    def register_buffer(self, name, *rest, **options):
        if self is block.attn.out_proj:
            raise KeyboardInterrupt
        return original(self, name, *rest, **options)

    monkeypatch.setattr(nn.Module, "register_buffer", register_buffer)
    with pytest.raises(KeyboardInterrupt):
        attach(block, EVERYTHING, source=lambda name: before[name])
    monkeypatch.undo()
    assert_untouched(block, before)


def test_a_source_that_fails_while_undoing_leaves_decoded_weights():
    block = make_block()
    before = snapshot(block)

    def broken(name):
        raise OSError("the disk is gone")

    with pytest.raises(CancelledError):
        attach(block, EVERYTHING, source=broken, progress=StopAt("Converting", 2))
    after = snapshot(block)
    assert after.keys() == before.keys()
    assert all(torch.allclose(after[name], before[name], rtol=0.07, atol=1e-3) for name in before)
    assert not torch.equal(after["conv.weight"], before["conv.weight"])
    assert attachment_of(block) is None


def test_a_source_that_fails_while_detaching_can_be_tried_again():
    block = make_block()
    before = snapshot(block)
    attachment = attach(block, EVERYTHING)
    expected = block(make_input())

    def broken(name):
        if name.startswith("attn"):
            raise OSError("the disk is gone")
        return before[name]

    with pytest.raises(OSError, match="disk is gone"):
        attachment.detach(broken)
    assert set(attachment.weights) == set(WEIGHTS) - {"conv.weight", "down.weight"}
    assert torch.equal(block.conv.weight, before["conv.weight"])
    assert torch.allclose(block(make_input()), expected, atol=0.5)
    attachment.detach(lambda name: before[name])
    assert_untouched(block, before)


def test_a_source_of_another_shape_is_refused():
    block = make_block()
    attachment = attach(block, EVERYTHING)
    with pytest.raises(Fp8Error, match=r"'conv\.weight' has shape \(16, 16, 3, 3\), its source gives \(1,\)"):
        attachment.detach(lambda name: torch.zeros(1))
    assert tuple(attachment.weights) == WEIGHTS


def test_a_failed_second_attach_keeps_the_first():
    block = make_block()
    attachment = attach(block, EVERYTHING)
    bad = make_block(2).state_dict()["conv.weight"]
    bad[0] = math.nan
    block.load_state_dict({"conv.weight": bad}, strict=False)
    with pytest.raises(NotFiniteError, match=r"conv\.weight"):
        attach(block, EVERYTHING)
    assert attachment_of(block) is attachment
    assert set(attachment.weights) == set(WEIGHTS) - {"conv.weight"}


def test_models_that_cannot_be_converted():
    block = make_block()
    block.conv.to(torch.float8_e4m3fn)
    with pytest.raises(Fp8Error, match="other fp8 option"):
        attach(block, EVERYTHING)
    with pytest.raises(Fp8Error, match="not loaded"):
        attach(make_block().to("meta"), EVERYTHING)
