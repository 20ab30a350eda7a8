"""``kohaku fp8`` as scripts call it."""

from __future__ import annotations

import json
import zipfile

import pytest
import torch
from safetensors.torch import load_file

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.main import main
from tests.fp8.files import TO_Q, few_sdxl, write


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """Hashes of test files do not belong into the user's cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("LOCALAPPDATA", str(tmp_path / "cache"))


@pytest.fixture
def source(tmp_path):
    return write(tmp_path / "source.safetensors", few_sdxl())


def test_convert_report_expand(source, tmp_path, capsys):
    small, back = tmp_path / "small.safetensors", tmp_path / "back.safetensors"
    assert main(["fp8", "convert", str(source), str(small), "--profile", "webui"]) == exit_codes.DONE
    text = capsys.readouterr().out
    assert "SDXL base" in text and "unet" in text and "31." in text and "worst" in text
    assert load_file(small)[f"{TO_Q}.weight"].dtype == torch.float8_e4m3fn

    assert main(["fp8", "report", str(small), "--original", str(source), "--json"]) == exit_codes.DONE
    document = json.loads(capsys.readouterr().out)
    assert (document["scheme"], document["profile"], document["formats"]) == ("scaled", "webui", {"e4m3fn": 3})
    assert len(document["source_sha256"]) == 64
    assert len(document["weights"]) == 3 and document["quality"]["lowest_db"] > 28
    unet = next(row for row in document["memory"]["components"] if row["component"] == "unet")
    assert unet["before"] - unet["after"] == 16 * 12 + 3 * 5 * 9 + 8 * 8 - 3 * 4

    assert main(["fp8", "expand", str(small), str(back), "--dtype", "bf16"]) == exit_codes.DONE
    assert load_file(back)[f"{TO_Q}.weight"].dtype == torch.bfloat16
    assert load_file(back)[f"{TO_Q}.bias"].dtype == torch.float16


@pytest.mark.parametrize("profile", ["webui", "comfyui", "plain"])
def test_only_weights_count_as_converted(source, tmp_path, capsys, profile):
    """ComfyUI's mark is a tensor of an fp8 type, and no weight."""
    small = tmp_path / "small.safetensors"
    assert main(["fp8", "convert", str(source), str(small), "--profile", profile, "--no-quality"]) == exit_codes.DONE
    capsys.readouterr()
    assert main(["fp8", "report", str(small), "--no-quality", "--json"]) == exit_codes.DONE
    document = json.loads(capsys.readouterr().out)
    fp8 = {torch.float8_e4m3fn, torch.float8_e5m2}
    weights = sum(name.endswith(".weight") and tensor.dtype in fp8 for name, tensor in load_file(small).items())
    assert sum(row["converted"] for row in document["memory"]["components"]) == weights > 0


def test_report_of_a_file_that_is_not_fp8_predicts(source, tmp_path, capsys):
    assert main(["fp8", "report", str(source), "--json"]) == exit_codes.DONE
    predicted = json.loads(capsys.readouterr().out)
    small = tmp_path / "small.safetensors"
    assert main(["fp8", "convert", str(source), str(small), "--profile", "webui", "--json"]) == exit_codes.DONE
    done = json.loads(capsys.readouterr().out)
    assert predicted["memory"] == done["memory"]
    by_name = {weight["name"]: weight for weight in done["weights"]}
    assert {weight["name"]: weight for weight in predicted["weights"]} == by_name
    assert main(["fp8", "report", str(source), "--no-quality"]) == exit_codes.DONE
    assert "what converting it would give" in capsys.readouterr().out


def test_options_reach_the_policy(source, tmp_path):
    out = tmp_path / "out.safetensors"
    options = [
        "--format",
        "e5m2",
        "--text-encoders",
        "--keep",
        "*.op.weight",
        "--no-quality",
        "--no-hash",
        "--per-channel",
    ]
    assert main(["fp8", "convert", str(source), str(out), "--profile", "webui", *options]) == exit_codes.DONE
    tensors = load_file(out)
    assert tensors[f"{TO_Q}.weight"].dtype == torch.float8_e5m2
    assert tensors[f"{TO_Q}.scale_weight"].shape == (16,)
    text_encoder = "conditioner.embedders.1.model.transformer.resblocks.0.attn.in_proj_weight"
    assert tensors[text_encoder].dtype == torch.float8_e5m2
    assert tensors["model.diffusion_model.input_blocks.3.0.op.weight"].dtype == torch.float16


def test_refusals(source, tmp_path, capsys):
    out = tmp_path / "out.safetensors"
    assert main(["fp8", "convert", str(source), str(source), "--profile", "webui"]) == exit_codes.REFUSED
    assert (
        main(["fp8", "convert", str(tmp_path / "no.safetensors"), str(out), "--profile", "webui"]) == exit_codes.REFUSED
    )
    assert main(["fp8", "expand", str(source), str(out)]) == exit_codes.REFUSED
    assert "nothing in it is fp8" in capsys.readouterr().err
    other = write(tmp_path / "other.safetensors", {f"{TO_Q}.weight": torch.ones(2, 2)})
    small = tmp_path / "small.safetensors"
    main(["fp8", "convert", str(source), str(small), "--profile", "plain"])
    assert main(["fp8", "report", str(small), "--original", str(other)]) == exit_codes.REFUSED


@pytest.mark.parametrize(
    "command", [["convert", "--profile", "webui"], ["convert", "--profile", "plain", "--protect"], ["expand"]]
)
def test_an_existing_file_is_refused_before_the_source_is_read(source, tmp_path, capsys, monkeypatch, command):
    """A checkpoint takes minutes to hash and to measure."""
    narrow, out = tmp_path / "narrow.safetensors", tmp_path / "out.safetensors"
    main(["fp8", "convert", str(source), str(narrow), "--profile", "webui", "--no-hash"])
    out.write_bytes(b"mine")

    def no_reading(*_):
        raise AssertionError("the source was read")

    monkeypatch.setattr("lib_kohaku.checkpoint.hashes.HashCache.sha256", no_reading)
    monkeypatch.setattr("lib_kohaku.fp8.files.reader.Fp8Checkpoint.read", no_reading)
    assert main(["fp8", command[0], str(narrow), str(out), *command[1:]]) == exit_codes.REFUSED
    assert "out.safetensors exists already" in capsys.readouterr().err
    assert out.read_bytes() == b"mine"


def test_import(source, tmp_path, capsys):
    archive, out = tmp_path / "model.zip", tmp_path / "out.safetensors"
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as file:
        file.write(source, "dir/model.safetensors")
    for command in (["convert", str(archive), str(out), "--profile", "webui"], ["report", str(archive)]):
        assert main(["fp8", *command]) == exit_codes.REFUSED
        assert "kohaku fp8 import" in capsys.readouterr().err
    assert main(["fp8", "import", str(archive), str(out)]) == exit_codes.DONE
    assert "model.safetensors" in capsys.readouterr().out
    assert out.read_bytes() == source.read_bytes()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({f"{TO_Q}.scale_weight": torch.tensor(-1.0)}, "is not a positive number"),
        ({f"{TO_Q}.scale_weight": torch.ones(3)}, "has shape [3]"),
        ({f"{TO_Q}.weight_scale_2": torch.ones(())}, "nvfp4"),
        ({f"{TO_Q}.qweight": torch.ones(4, dtype=torch.int32)}, "4-bit integers"),
        ({f"{TO_Q}.weight": torch.full((16, 12), 0x7F, dtype=torch.uint8).view(torch.float8_e4m3fn)}, "192 codes for"),
    ],
)
@pytest.mark.parametrize("command", ["convert", "expand", "report"])
def test_every_command_says_what_is_wrong_with_a_file(tmp_path, capsys, change, words, command):
    tensors = few_sdxl()
    tensors[f"{TO_Q}.weight"] = tensors[f"{TO_Q}.weight"].float().to(torch.float8_e4m3fn)
    path = write(tmp_path / "bad.safetensors", {**tensors, **change})
    output = [] if command == "report" else [str(tmp_path / "out.safetensors")]
    profile = ["--profile", "webui"] if command == "convert" else []
    assert main(["fp8", command, str(path), *output, *profile]) == exit_codes.REFUSED
    assert words in capsys.readouterr().err
    assert [file.name for file in tmp_path.iterdir() if file.is_file()] == ["bad.safetensors"]
