"""Loading checkpoints into models that are to be held in fp8: straight into codes, and one tensor at a time."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from lib_kohaku.fp8.attach import attach, attachment_of
from lib_kohaku.fp8.choice import parse_choice
from lib_kohaku.fp8.codecs import E4M3FN, Scaling, quantise
from lib_kohaku.fp8.files.convert import convert_file
from lib_kohaku.fp8.files.plan import Profile

ON = parse_choice("UNet")
TO_Q, CONV, NORM, TEXT = (
    "model.diffusion_model.to_q.weight",
    "model.diffusion_model.conv.weight",
    "model.diffusion_model.norm.weight",
    "conditioner.embedders.0.fc.weight",
)
# What tells SDXL from others.
LABEL = "model.diffusion_model.label_emb.0.0.weight"
TO_K = "model.diffusion_model.input_blocks.7.1.transformer_blocks.0.attn2.to_k.weight"


class Part(nn.Module):
    """A module with the given children."""

    def __init__(self, **children: nn.Module) -> None:
        super().__init__()
        for name, child in children.items():
            self.add_module(name, child)


def nested(name: str, module: nn.Module) -> tuple[str, nn.Module]:
    first, _, rest = name.partition(".")
    return (first, Part(**dict([nested(rest, module)]))) if rest else (first, module)


def make_model(device: str = "cpu") -> nn.Module:
    """A model as the webui makes it: linear layers and convolutions may be without data, norms never are."""
    torch.manual_seed(9)
    unet = Part(
        to_q=nn.Linear(8, 6, device=device),
        conv=nn.Conv2d(3, 4, 3, device=device),
        norm=nn.GroupNorm(2, 4),
        **dict([nested("label_emb.0.0", nn.Linear(8, 8, device=device))]),
        **dict([nested("input_blocks.7.1.transformer_blocks.0.attn2.to_k", nn.Linear(8, 8, device=device))]),
    )
    embedder = Part(fc=nn.Linear(5, 7, device=device), embed=nn.Embedding(4, 3))
    return Part(model=Part(diffusion_model=unet), conditioner=Part(embedders=Part(**{"0": embedder})))


def weights(seed: int, dtype: torch.dtype = torch.float16) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    model = make_model()
    return {
        name: (torch.randn(tensor.shape, generator=generator) * 0.05).to(dtype)
        for name, tensor in model.state_dict().items()
    }


@pytest.fixture
def loader(fake, tmp_path: Path):
    """Makes a stand-in for a model, a file and a choice; tells what was refused."""
    fake.modules["shared"].cmd_opts.no_half = True
    fake.modules["sd_models"].check_fp8 = lambda model: False
    from lib_kohaku.host.a1111.fp8.state_loader import StateLoader

    refused: list[str] = []

    def make(model: nn.Module, path: Path, choice=ON):
        model.sd_checkpoint_info = SimpleNamespace(filename=str(path))
        switch = SimpleNamespace(
            wanted_of_loaded=lambda model: choice, note_refusal=lambda model, error: refused.append(str(error))
        )
        return StateLoader(model, switch, path)

    make.refused = refused
    return make


def stored(tmp_path: Path, tensors: dict[str, torch.Tensor], name: str = "a") -> Path:
    path = tmp_path / f"{name}.safetensors"
    save_file(tensors, path)
    return path


def put(loader, model: nn.Module, path: Path, state, choice=ON):
    """What the webui does with the stand-in; gives the stand-in."""
    found = loader(model, path, choice)
    with found.standing_in():
        model.load_state_dict(state, strict=False)
    assert "load_state_dict" not in model.__dict__
    return found


def values(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def expected(tensors: dict[str, torch.Tensor], converted: set[str]) -> dict[str, torch.Tensor]:
    """What a model holds after loading, in float32: for converted weights the values of their codes."""
    return {
        name: quantise(tensor, E4M3FN, Scaling.TENSOR, name).decode(torch.float32)
        if name in converted
        else tensor.float()
        for name, tensor in tensors.items()
    }


def assert_same(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> None:
    assert left.keys() == right.keys()
    for name in left:
        assert torch.equal(left[name].float(), right[name].float()), name


CONVERTED = {TO_Q, CONV, TO_K}


def test_weights_of_an_ordinary_model_become_those_of_the_file_as_codes(loader, tmp_path):
    tensors = weights(1)
    model, path = make_model(), stored(tmp_path, tensors)
    put(loader, model, path, dict(tensors))
    assert set(attachment_of(model).weights) == CONVERTED
    assert_same(values(model), expected(tensors, CONVERTED))


def test_the_codes_are_those_of_converting_the_loaded_model(loader, tmp_path):
    tensors = weights(2)
    model, path = make_model(), stored(tmp_path, tensors)
    put(loader, model, path, dict(tensors))
    other = make_model()
    other.load_state_dict(tensors)
    converted = attach(other, ON.policy())
    for name, weight in attachment_of(model).weights.items():
        assert torch.equal(weight.codes, converted.weights[name].codes)
        assert weight.scale == converted.weights[name].scale


def test_a_model_without_data_gets_codes_where_the_webui_would_load_numbers(loader, tmp_path):
    tensors = weights(3)
    model, path = make_model("meta"), stored(tmp_path, tensors)
    put(loader, model, path, dict(tensors))
    assert not any(parameter.is_meta for parameter in model.parameters())
    assert_same(values(model), expected(tensors, CONVERTED))


def test_swapping_files_replaces_codes_and_never_makes_them_numbers(loader, tmp_path, monkeypatch):
    first, second = weights(4), weights(5)
    model = make_model()
    put(loader, model, stored(tmp_path, first, "first"), dict(first))
    from lib_kohaku.fp8.attach.weight import ManagedWeight

    monkeypatch.setattr(ManagedWeight, "restored", None)  # what makes an ordinary weight of codes
    put(loader, model, stored(tmp_path, second, "second"), dict(second))
    monkeypatch.undo()
    assert_same(values(model), expected(second, CONVERTED))


def test_a_model_that_was_held_is_ordinary_when_the_switch_is_off(loader, tmp_path):
    first, second = weights(4), weights(5)
    model = make_model()
    put(loader, model, stored(tmp_path, first, "first"), dict(first))
    put(loader, model, stored(tmp_path, second, "second"), dict(second), choice=None)
    assert attachment_of(model) is None
    assert not any(parameter.is_meta or parameter.dtype == torch.uint8 for parameter in model.parameters())
    assert_same(values(model), expected(second, set()))
    assert all(parameter.requires_grad for parameter in model.parameters())


def test_text_encoders_that_the_file_lacks_stay_what_they_are(loader, tmp_path):
    first = weights(4)
    second = {name: tensor for name, tensor in weights(5).items() if not name.startswith("conditioner")}
    model, choice = make_model(), parse_choice("UNet+TE")
    put(loader, model, stored(tmp_path, first, "first"), dict(first), choice)
    assert TEXT in attachment_of(model).weights
    put(loader, model, stored(tmp_path, second, "second"), dict(second), choice)
    assert set(attachment_of(model).weights) == CONVERTED
    kept = {name: tensor for name, tensor in first.items() if name not in second}
    assert_same(values(model), {**expected(second, CONVERTED), **expected(kept, set())})


@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_the_rest_of_the_state_dict_is_whole(loader, tmp_path, kind):
    tensors = weights(6)
    state = kind(tensors)
    put(loader, make_model(), stored(tmp_path, tensors), state)
    assert list(state) == [name for name in tensors if name not in CONVERTED]


@pytest.mark.parametrize("device", ["cpu", "meta"])
def test_not_a_number_leaves_the_model_as_the_file_has_it(loader, tmp_path, device, monkeypatch):
    tensors = weights(7)
    tensors[TO_Q][1, 2] = torch.nan
    model, path = make_model(device), stored(tmp_path, tensors)
    found = put(loader, model, path, dict(tensors))
    assert (found.refused, attachment_of(model)) == (True, None)
    assert "NaN" in loader.refused[0]
    for name, tensor in tensors.items():
        assert torch.equal(values(model)[name].float().nan_to_num(9), tensor.float().nan_to_num(9)), name


def test_weights_that_are_in_no_file_stay_ordinary(loader, tmp_path):
    """As of extensions that merge in memory and hand the webui a state dict under a checkpoint's name."""
    tensors = weights(8)
    model, path = make_model(), stored(tmp_path, tensors)
    merged = {name: tensor + 1 for name, tensor in tensors.items()}
    put(loader, model, path, dict(merged))
    assert attachment_of(model) is None
    assert "not those of the file" in loader.refused[0]
    assert_same(values(model), expected(merged, set()))


def test_shapes_that_do_not_fit_are_an_error_as_without_us(loader, tmp_path):
    tensors = weights(9)
    tensors[TO_Q] = torch.zeros(3, 3)
    model, path = make_model(), stored(tmp_path, tensors)
    with pytest.raises(RuntimeError, match="size mismatch"):
        put(loader, model, path, dict(tensors))
    assert "load_state_dict" not in model.__dict__


def test_the_state_dict_of_the_unet_costs_nothing_while_loading(loader, tmp_path):
    tensors = weights(10)
    model = make_model()
    found = loader(model, stored(tmp_path, tensors))
    with found.standing_in():
        model.load_state_dict(dict(tensors), strict=False)
        during = model.model.state_dict()
        assert during["diffusion_model.to_q.weight"].is_meta
        assert during["diffusion_model.to_q.weight"].shape == (6, 8)
        assert not during["diffusion_model.norm.weight"].is_meta
    assert_same(values(model), expected(tensors, CONVERTED))


@pytest.mark.parametrize("device", ["cpu", "meta"])
@pytest.mark.parametrize("choice", ["UNet", "UNet e5m2", "Off"])
def test_codes_of_an_fp8_file_are_taken_over_or_decoded(loader, tmp_path, device, choice):
    tensors = weights(11)
    wide, path = stored(tmp_path, tensors, "wide"), tmp_path / "fp8.safetensors"
    convert_file(wide, path, Profile.WEBUI, ON.policy())
    from lib_kohaku.host.a1111.fp8.files import DecodingState, decoding_state

    state = decoding_state(path)
    model, wanted = make_model(device), parse_choice(choice)
    put(loader, model, path, state, wanted if wanted.on else None)
    assert isinstance(state, DecodingState)
    assert not any(parameter.is_meta for parameter in model.parameters())
    codes = expected(tensors, CONVERTED)
    if not wanted.on:
        assert attachment_of(model) is None
        assert_same(values(model), codes)
        return
    held = attachment_of(model).weights
    assert set(held) == CONVERTED
    assert {weight.quantised.fmt.name for weight in held.values()} == {wanted.fmt.name}
    if wanted.fmt == E4M3FN:
        assert_same(values(model), codes)
        assert torch.equal(held[TO_Q].codes, load_file(path)[TO_Q].view(torch.uint8))


def test_an_fp8_file_is_decoded_one_tensor_at_a_time(loader, tmp_path, monkeypatch):
    """Without the switch, torch would be given a dict of them all."""
    tensors = weights(12)
    path = tmp_path / "fp8.safetensors"
    convert_file(stored(tmp_path, tensors, "wide"), path, Profile.WEBUI, ON.policy())
    from lib_kohaku.host.a1111.fp8.files import DecodingState, decoding_state

    made: list[str] = []
    read = DecodingState.__getitem__
    monkeypatch.setattr(DecodingState, "__getitem__", lambda self, name: made.append(name) or read(self, name))
    model = make_model()
    put(loader, model, path, decoding_state(path), None)
    assert sorted(made) == sorted(tensors)  # each once
    assert_same(values(model), expected(tensors, CONVERTED))


def test_a_described_state_has_names_types_and_shapes_without_reading(loader, tmp_path, fake):
    tensors = weights(13)
    path = tmp_path / "fp8.safetensors"
    convert_file(stored(tmp_path, tensors, "wide"), path, Profile.WEBUI, ON.policy())
    fake.modules["shared"].cmd_opts.no_half = False
    from lib_kohaku.host.a1111.fp8.files import decoding_state

    state = decoding_state(path)
    described = state.described()
    assert described.keys() == tensors.keys()
    assert all(tensor.is_meta for tensor in described.values())
    assert {(name, tensor.dtype, tensor.shape) for name, tensor in described.items()} == {
        (name, tensor.dtype, tensor.shape) for name, tensor in state.items()
    }
