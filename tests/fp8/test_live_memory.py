"""Bytes of the loaded model while it is being converted: pages and the API ask without waiting for the queue."""

from __future__ import annotations

import threading

import pytest
import torch
from torch import nn

from lib_kohaku.fp8.attach import attach, attachment_of
from lib_kohaku.fp8.choice import OFF, Fp8Choice, Parts, all_choices
from lib_kohaku.fp8.policy import Policy
from lib_kohaku.host.a1111.fp8 import memory

UNET = "model.diffusion_model"
ON = Fp8Choice(Parts.UNET)


def make_model(layers: int = 3) -> nn.Module:
    """Some linear layers under the names of an SDXL UNet."""
    model = nn.Module()
    for path in (
        f"{UNET}.label_emb.0.0",
        f"{UNET}.input_blocks.7.1.transformer_blocks.0.attn2.to_k",
        *(f"{UNET}.middle_block.1.transformer_blocks.{number}.attn1.to_q" for number in range(layers)),
    ):
        *parents, last = path.split(".")
        module = model
        for part in parents:
            if part not in module._modules:
                module.add_module(part, nn.Module())
            module = module._modules[part]
        module.add_module(last, nn.Linear(8, 8))
    return model.half()


def convert(model: nn.Module) -> None:
    attach(model, Policy(), component_of=lambda name: "unet")


def counted(model: nn.Module) -> list[int]:
    now, off, on = (memory.memory_now(model), *(memory.memory_predicted(model, choice) for choice in (OFF, ON)))
    return [now.before, now.after, off.before, off.after, on.before, on.after]


@pytest.mark.parametrize("choice", [choice for choice in all_choices() if choice.on], ids=lambda choice: choice.text)
def test_what_was_predicted_is_what_there_is(choice):
    model = make_model()
    predicted = memory.memory_predicted(model, choice)
    attach(model, choice.policy(), component_of=lambda name: "unet")
    assert memory.memory_now(model).to_json() == predicted.to_json()


@pytest.mark.parametrize("count", [memory.memory_now, lambda model: memory.memory_predicted(model, ON)])
def test_a_model_that_is_switched_off_meanwhile(count, monkeypatch):
    model = make_model()
    whole = memory.memory_now(model).before
    convert(model)
    read = memory.live_tensors

    def switched_off(*arguments):
        infos = read(*arguments)
        attachment_of(model).detach()
        return infos

    monkeypatch.setattr(memory, "live_tensors", switched_off)
    assert count(model).before == whole


def test_asked_for_again_and_again_while_the_switch_is_moved():
    model = make_model(60)
    ordinary = counted(model)
    convert(model)
    held = counted(model)
    assert ordinary[1] > held[1] and ordinary[0] == held[0]
    moved, failures = threading.Event(), []

    def ask() -> None:
        try:
            while not moved.is_set():
                counted(model)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    try:
        with torch.no_grad():
            for _ in range(15):
                attachment_of(model).detach()
                convert(model)
    finally:
        moved.set()
        thread.join()
    assert failures == []
    assert counted(model) == held
