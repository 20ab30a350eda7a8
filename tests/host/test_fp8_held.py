"""A loaded model held in fp8 and let go of, where that goes wrong."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import save_file

from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.attach.weight import ManagedWeight
from lib_kohaku.fp8.choice import parse_choice
from lib_kohaku.progress import SilentProgress
from tests.host.test_fp8_state_loader import TO_Q, make_model, values, weights

ON = "UNet e4m3fn scaled"


@pytest.fixture
def model(fake, tmp_path: Path) -> torch.nn.Module:
    """A model that is loaded, with its file."""
    tensors = weights(3)
    path = tmp_path / "a.safetensors"
    save_file(tensors, path)
    model = make_model().half()
    model.load_state_dict(tensors)
    model.sd_checkpoint_info = SimpleNamespace(filename=str(path))
    fake.modules["sd_models"].check_fp8 = lambda model: False
    return model


@pytest.fixture
def switch(fake):
    from lib_kohaku.host.a1111.fp8.switch import Fp8Switch

    return Fp8Switch(lambda: False)


def want(fake, switch, model, text: str, *, again: bool = False):
    fake.modules["shared"].opts.data["kohaku_fp8"] = text
    return switch.bring_about(model, SilentProgress(), again=again, in_use=False)


class Room:
    """How many weights there is memory for, when fp8 is switched off."""

    weights = 1


@pytest.fixture
def room(monkeypatch: pytest.MonkeyPatch) -> Room:
    restored, room = ManagedWeight.restored, Room()

    def make(self, numbers):
        if not room.weights:
            raise RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB\nand what to do about it")
        room.weights -= 1
        return restored(self, numbers)

    monkeypatch.setattr(ManagedWeight, "restored", make)
    return room


def test_without_room_for_the_weights_the_model_stays_held_as_a_whole(fake, switch, model, room):
    held = want(fake, switch, model, ON)
    count, before = held.count, values(model)
    hooks = sum(len(module._forward_pre_hooks) for module in model.modules())
    with pytest.raises(RefusedError, match=r"stays held in fp8.*CUDA out of memory\. Tried to allocate 20\.00 MiB$"):
        want(fake, switch, model, "Off")
    from lib_kohaku.host.a1111.fp8.held import held_of

    assert held_of(model).is_whole(model) and held_of(model).count == count
    assert all(torch.equal(value, before[name]) for name, value in values(model).items())
    # prompt LoRAs are followed as before
    assert sum(len(module._forward_pre_hooks) for module in model.modules()) == hooks
    # said in the page, and not tried again at every image
    assert "out of memory" in switch.problem(model)
    assert want(fake, switch, model, "Off") is held_of(model)


def test_with_room_again_it_is_switched_off_as_ever(fake, switch, model, room):
    before = values(model)
    want(fake, switch, model, ON)
    with pytest.raises(RefusedError):
        want(fake, switch, model, "Off")
    room.weights = 100
    fake.modules["shared"].opts.data["kohaku_fp8"] = "Off"
    assert switch.bring_about(model, SilentProgress(), again=True, in_use=False) is None
    assert all(torch.equal(value, before[name]) for name, value in values(model).items())
    assert model.get_submodule(TO_Q.removesuffix(".weight")).weight.dtype == torch.float16
    assert switch.problem(model) == ""
    assert not any(module._forward_pre_hooks or "forward" in module.__dict__ for module in model.modules())


def test_memory_of_the_device_is_given_back_when_the_model_was_changed_and_only_then(fake, switch, model):
    """torch keeps what is freed; until it is told to, the device looks as full as before."""
    given = []
    fake.modules["devices"].torch_gc = lambda: given.append(parse_choice(ON))
    for text, expected in ((ON, 1), (ON, 1), ("Off", 2), ("Off", 2)):
        want(fake, switch, model, text)
        assert len(given) == expected, text


def test_without_the_file_too_what_is_left_in_fp8_follows_the_prompt(fake, switch, model, room, monkeypatch):
    held = want(fake, switch, model, ON)
    make = ManagedWeight.restored

    def lost(self, numbers):
        Path(model.sd_checkpoint_info.filename).unlink(missing_ok=True)
        return make(self, numbers)

    monkeypatch.setattr(ManagedWeight, "restored", lost)
    with pytest.raises(RefusedError, match="no room"):
        want(fake, switch, model, "Off")
    assert 0 < len(held.attachment.weights) < held.count
    followed = [module for module in model.modules() if module._forward_pre_hooks]
    assert len(followed) == len(held.attachment.weights)
