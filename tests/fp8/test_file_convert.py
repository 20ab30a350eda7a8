"""Files to fp8 and back: values, layout, what is kept, what is refused."""

from __future__ import annotations

import json
import math

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import nn

from lib_kohaku.checkpoint.dtypes import DTYPES
from lib_kohaku.checkpoint.header import read_header
from lib_kohaku.errors import CancelledError, CheckpointError, OutputExistsError
from lib_kohaku.fp8.attach import attach
from lib_kohaku.fp8.codecs import E4M3FN, E5M2, Scaling, quantise
from lib_kohaku.fp8.errors import Fp8Error, NotFiniteError
from lib_kohaku.fp8.files.convert import convert_file, expand_file
from lib_kohaku.fp8.files.plan import METADATA_FP8, METADATA_SOURCE, Profile
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.fp8.policy import Policy
from tests.fp8.files import CONV, TO_Q, UNET, few_sdxl, small_sdxl, write
from tests.fp8.models import EVERYTHING, make_block, make_input

METADATA = {"modelspec.title": "Test", "sd_merge_recipe": '{"type": "webui"}', "format": "pt"}


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "source.safetensors", few_sdxl(), METADATA)


def aligned(path):
    header = read_header(path)
    return all(info.start % max(1, info.dtype.bits // 8) == 0 for info in header.tensors.values())


@pytest.mark.parametrize("fmt", [E4M3FN, E5M2], ids=lambda fmt: fmt.name)
@pytest.mark.parametrize("scaling", [Scaling.TENSOR, Scaling.CHANNEL])
def test_webui_profile(source, tmp_path, fmt, scaling):
    out = tmp_path / "out.safetensors"
    report = convert_file(source, out, Profile.WEBUI, Policy(fmt=fmt, scaling=scaling), sha256="ab" * 32)
    before, after = few_sdxl(), load_file(out)
    converted = {f"{TO_Q}.weight", f"{CONV}.weight", f"{UNET}input_blocks.7.1.transformer_blocks.0.attn2.to_k.weight"}
    for name, tensor in before.items():
        if name not in converted:
            assert after[name].dtype == torch.float16 and torch.equal(after[name], tensor)
            continue
        expected = quantise(tensor, fmt, scaling, name)
        assert after[name].dtype == getattr(torch, fmt.torch_name)
        assert torch.equal(after[name].view(torch.uint8), expected.codes)
        scale = after[name.removesuffix("weight") + "scale_weight"]
        assert scale.dtype == torch.float32
        assert torch.equal(scale, torch.as_tensor(expected.scale, dtype=torch.float32))
    assert set(after) == set(before) | {name.removesuffix("weight") + "scale_weight" for name in converted}
    assert aligned(out)
    assert {quality.name for quality in report.qualities} == converted
    assert report.memory.after == sum(tensor.numel() * tensor.element_size() for tensor in after.values())


def test_metadata_are_kept_and_the_source_is_named(source, tmp_path):
    out = tmp_path / "out.safetensors"
    convert_file(source, out, Profile.WEBUI, Policy(), sha256="ab" * 32)
    with safe_open(out, "pt") as file:
        metadata = file.metadata()
    assert METADATA.items() <= metadata.items()
    assert metadata[METADATA_SOURCE] == "ab" * 32
    details = json.loads(metadata[METADATA_FP8])
    assert (details["profile"], details["format"], details["converted"]) == ("webui", "e4m3fn", 3)
    assert "*.emb_layers.*" in details["left_out"]


def test_comfyui_profile_scales_linear_layers_only(source, tmp_path):
    out = tmp_path / "out.safetensors"
    convert_file(source, out, Profile.COMFYUI, Policy(scaling=Scaling.CHANNEL))
    after = load_file(out)
    assert after[f"{TO_Q}.weight"].dtype == torch.float8_e4m3fn
    assert after[f"{TO_Q}.scale_weight"].shape == ()
    assert after[f"{CONV}.weight"].dtype == torch.float16
    assert after[f"{UNET}scaled_fp8"].dtype == torch.float8_e4m3fn and after[f"{UNET}scaled_fp8"].shape == (2,)
    with pytest.raises(Fp8Error, match="files of their own"):
        convert_file(source, tmp_path / "b.safetensors", Profile.COMFYUI, Policy(text_encoders=True))


def test_plain_profile_has_no_scales(source, tmp_path):
    out = tmp_path / "out.safetensors"
    convert_file(source, out, Profile.PLAIN, Policy(text_encoders=True))
    after = load_file(out)
    assert set(after) == set(few_sdxl())
    expected = few_sdxl()[f"{CONV}.weight"].float().to(torch.float8_e4m3fn)
    assert torch.equal(after[f"{CONV}.weight"].view(torch.uint8), expected.view(torch.uint8))
    assert (
        after["conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight"].dtype == torch.float8_e4m3fn
    )


def test_a_whole_small_sdxl(tmp_path):
    tensors = small_sdxl()
    source, out = write(tmp_path / "source.safetensors", tensors), tmp_path / "out.safetensors"
    report = convert_file(source, out, Profile.WEBUI, Policy(text_encoders=True))
    assert len(report.qualities) == 771 + 72 + 128
    assert report.memory.row("unet").converted == 771
    assert min(quality.sqnr_db for quality in report.qualities) > 30
    assert aligned(out)
    with Fp8Checkpoint(out) as file:
        assert set(file.names) == set(tensors)
        for name, tensor in tensors.items():
            found = file.tensor(name)
            assert found.shape == tensor.shape
            assert torch.allclose(found.float(), tensor.float(), rtol=2**-4, atol=1e-6)


def test_the_same_input_gives_the_same_bytes(source, tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    for out in (first, second):
        convert_file(source, out, Profile.WEBUI, Policy())
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float32])
def test_other_source_types(dtype, tmp_path):
    source, out = write(tmp_path / "s.safetensors", few_sdxl(dtype)), tmp_path / "out.safetensors"
    convert_file(source, out, Profile.WEBUI, Policy())
    after = load_file(out)
    expected = quantise(few_sdxl(dtype)[f"{TO_Q}.weight"], E4M3FN, Scaling.TENSOR, "")
    assert torch.equal(after[f"{TO_Q}.weight"].view(torch.uint8), expected.codes)
    assert after[f"{TO_Q}.bias"].dtype == dtype
    assert aligned(out)


@pytest.mark.parametrize("profile", list(Profile))
@pytest.mark.parametrize("wide", ["F16", "BF16", "F32"])
def test_expanding_gives_what_the_codes_say(source, tmp_path, profile, wide):
    small, back = tmp_path / "small.safetensors", tmp_path / "back.safetensors"
    convert_file(source, small, profile, Policy(), sha256="ab" * 32)
    expand_file(small, back, DTYPES[wide])
    after, before = load_file(back), few_sdxl()
    assert set(after) == set(before)
    with Fp8Checkpoint(small) as file:
        for name in before:
            expected = file.quantised(name)
            if expected is None:
                assert torch.equal(after[name], before[name])
            else:
                assert torch.equal(after[name], expected.decode(DTYPES[wide].torch))
    with safe_open(back, "pt") as opened:
        assert METADATA_FP8 not in opened.metadata() and opened.metadata()["modelspec.title"] == "Test"


def test_codes_of_another_tool_are_taken_over_bit_for_bit(tmp_path):
    tensors = few_sdxl()
    name = f"{TO_Q}.weight"
    codes = (tensors[name] * 700).to(torch.float8_e4m3fn)
    foreign = {
        **tensors,
        name: codes,
        f"{TO_Q}.scale_weight": torch.tensor(1 / 700),
        f"{TO_Q}.scale_input": torch.ones(()),
    }
    foreign[f"{UNET}scaled_fp8"] = torch.zeros(2).to(torch.float8_e4m3fn)
    foreign["first_stage_model.decoder.conv_in.weight"] = tensors["first_stage_model.decoder.conv_in.weight"].to(
        torch.float8_e4m3fn
    )
    source, out = write(tmp_path / "s.safetensors", foreign), tmp_path / "out.safetensors"
    report = convert_file(source, out, Profile.WEBUI, Policy())
    after = load_file(out)
    assert torch.equal(after[name].view(torch.uint8), codes.view(torch.uint8))
    assert after[f"{TO_Q}.scale_weight"].item() == torch.tensor(1 / 700).item()
    assert report.carried == 1 and report.dropped == (f"{TO_Q}.scale_input",)
    assert f"{UNET}scaled_fp8" not in after
    # what must not be fp8 is made 16 bit
    assert after["first_stage_model.decoder.conv_in.weight"].dtype == torch.float16
    # another format has to be made anew
    convert_file(source, tmp_path / "e5m2.safetensors", Profile.WEBUI, Policy(fmt=E5M2))
    assert load_file(tmp_path / "e5m2.safetensors")[name].dtype == torch.float8_e5m2


def test_pickled_checkpoints_are_read(tmp_path):
    path, out = tmp_path / "s.ckpt", tmp_path / "out.safetensors"
    torch.save({"state_dict": few_sdxl()}, path)
    convert_file(path, out, Profile.WEBUI, Policy())
    assert load_file(out)[f"{TO_Q}.weight"].dtype == torch.float8_e4m3fn


@pytest.mark.parametrize("bad", [math.nan, math.inf])
@pytest.mark.parametrize("name", [f"{TO_Q}.weight", f"{CONV}.weight"])
def test_bad_numbers_leave_nothing(tmp_path, bad, name):
    tensors = few_sdxl()
    tensors[name].view(-1)[-1] = bad
    source = write(tmp_path / "s.safetensors", tensors)
    with pytest.raises(NotFiniteError, match=name.replace(".", r"\.")):
        convert_file(source, tmp_path / "out.safetensors", Profile.WEBUI, Policy())
    assert [path.name for path in tmp_path.iterdir()] == ["s.safetensors"]


@pytest.mark.parametrize("scaling", [Scaling.TENSOR, Scaling.CHANNEL])
def test_weights_without_channels_or_numbers(tmp_path, scaling):
    """A layer that was pruned away: its scale per channel has no bytes."""
    none, empty = f"{UNET}middle_block.1.none.weight", f"{UNET}middle_block.1.empty.weight"
    source = write(tmp_path / "s.safetensors", few_sdxl() | {none: torch.zeros(0, 7), empty: torch.zeros(7, 0)})
    out = tmp_path / "out.safetensors"
    report = convert_file(source, out, Profile.WEBUI, Policy(scaling=scaling))
    after = load_file(out)
    assert (after[none].shape, after[empty].shape) == ((0, 7), (7, 0))
    channels = scaling is Scaling.CHANNEL
    assert after[none.removesuffix("weight") + "scale_weight"].shape == ((0,) if channels else ())
    assert after[empty.removesuffix("weight") + "scale_weight"].tolist() == ([1.0] * 7 if channels else 1.0)
    assert report.memory.after == sum(tensor.numel() * tensor.element_size() for tensor in after.values())


def test_damaged_inputs_leave_nothing(source, tmp_path):
    whole = source.read_bytes()
    for data in (whole[:-1], whole[:100], b""):
        source.write_bytes(data)
        with pytest.raises(CheckpointError):
            convert_file(source, tmp_path / "out.safetensors", Profile.WEBUI, Policy())
    assert [path.name for path in tmp_path.iterdir()] == ["source.safetensors"]


def test_refusals_before_any_work(source, tmp_path):
    policy = Policy()
    with pytest.raises(OutputExistsError):
        existing = write(tmp_path / "there.safetensors", {"a": torch.ones(1)})
        convert_file(source, existing, Profile.WEBUI, policy)
    with pytest.raises(Fp8Error, match="is the input"):
        convert_file(source, source, Profile.WEBUI, policy, overwrite=True)
    with pytest.raises(Fp8Error, match="end in"):
        convert_file(source, tmp_path / "out.ckpt", Profile.WEBUI, policy)
    with pytest.raises(Fp8Error, match="no folder"):
        convert_file(source, tmp_path / "nowhere" / "out.safetensors", Profile.WEBUI, policy)
    with pytest.raises(Fp8Error, match="nothing to convert"):
        convert_file(existing, tmp_path / "out.safetensors", Profile.WEBUI, policy)
    with pytest.raises(Fp8Error, match="nothing in it is fp8"):
        expand_file(source, tmp_path / "out.safetensors")
    assert load_file(existing)["a"].item() == 1.0


def test_cancelling_leaves_nothing(source, tmp_path):
    class Cancel:
        calls = 0

        def start(self, label, total, unit):
            assert (label, unit) == ("Converting source.safetensors", "bytes") and total > 0

        def advance(self, amount):
            self.calls += 1

        def cancelled(self):
            return self.calls >= 3

    with pytest.raises(CancelledError):
        convert_file(source, tmp_path / "out.safetensors", Profile.WEBUI, Policy(), progress=Cancel())
    assert [path.name for path in tmp_path.iterdir()] == ["source.safetensors"]


def test_progress_adds_up(source, tmp_path):
    class Count:
        total = done = 0

        def start(self, label, total, unit):
            self.total = total

        def advance(self, amount):
            self.done += amount

        def cancelled(self):
            return False

    count = Count()
    report = convert_file(source, tmp_path / "out.safetensors", Profile.WEBUI, Policy(), progress=count)
    assert count.done == count.total == report.bytes_read + report.bytes_written


def test_a_model_is_loaded_from_codes_without_its_numbers(tmp_path):
    block = make_block(dtype=torch.float32)
    source = write(tmp_path / "s.safetensors", dict(block.state_dict()))
    small = tmp_path / "small.safetensors"
    convert_file(source, small, Profile.WEBUI, EVERYTHING)
    expected_model = make_block()
    attach(expected_model, EVERYTHING)

    with Fp8Checkpoint(small) as file:
        loaded = make_block(5).to("meta")
        for name, parameter in list(loaded.named_parameters()):
            if name not in file.stored:
                owner, _, attribute = name.rpartition(".")
                value = nn.Parameter(file.tensor(name))
                assert value.shape == parameter.shape
                setattr(loaded.get_submodule(owner), attribute, value)
        attachment = attach(loaded, EVERYTHING, stored=file.stored)
        assert {parameter.device.type for parameter in loaded.parameters()} == {"cpu"}
        assert torch.equal(loaded(make_input()), expected_model(make_input()))
        attachment.detach(file.tensor)
    assert loaded.conv.weight.dtype == torch.float32 and loaded.conv.weight.device.type == "cpu"


def test_stored_codes_of_another_shape_are_refused(tmp_path):
    block, small = make_block(), tmp_path / "small.safetensors"
    state = {**block.state_dict(), "mlp.0.weight": torch.randn(4, 32)}
    convert_file(write(tmp_path / "s.safetensors", state), small, Profile.WEBUI, EVERYTHING)
    with Fp8Checkpoint(small) as file, pytest.raises(Fp8Error, match=r"'mlp\.0\.weight' has shape \(64, 32\)"):
        attach(block, EVERYTHING, stored=file.stored)
    assert block.conv.weight.dtype == torch.float32
