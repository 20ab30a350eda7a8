"""``kohaku inspect``, ``hash`` and ``methods``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from lib_kohaku.merge.methods.registry import METHODS
from lib_kohaku.merge.presets import block_presets
from tests.cli.conftest import Run
from tests.support.files import digest, save
from tests.support.samples import Family


def test_inspect_sdxl(run: Run, sdxl: Family) -> None:
    document = json.loads(run("inspect", sdxl.path("beta7"), "--json").out)
    assert (document["architecture"], document["prediction"]) == ("sdxl", "epsilon")
    assert {name: share["tensors"] for name, share in document["components"].items()} == {
        "te1": 197, "te2": 390, "unet": 1680, "vae": 248,
    }  # fmt: skip
    assert len(document["blocks"]) == 19 + 6
    assert len(document["tensors"]) == 2515
    assert document["merge"] is None
    text = run("inspect", sdxl.path("beta7")).out
    assert text.startswith("beta7.safetensors: SDXL base, epsilon prediction\n2515 tensors")


def test_inspect_a_merge(run: Run, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    run("merge", "0.5*a + 0.5*b", "--models", models, "--out", out)
    document = json.loads(run("inspect", out, "--json").out)
    assert document["merge"]["tool"] == "sd-webui-kohaku"
    assert document["merge"]["recipe"]["formula"] == "0.5*a + 0.5*b"
    text = run("inspect", out).out
    assert "merged with sd-webui-kohaku\n  0.5*a + 0.5*b\n" in text
    assert "modelspec.license: x" in text


def test_inspect_does_not_obey_strangers(run: Run, tmp_path: Path) -> None:
    """Escape sequences in metadata, tensor names and file names arrive as text."""
    evil = "\x1b]0;owned\x07\x1b[2J\r\x9b31m\x7f"
    for metadata in (
        {"k": evil, evil: "v"},
        {"mecha_recipe": f"version {evil}"},
        {"sd_merge_recipe": json.dumps({"type": evil})},
        {"sd_merge_recipe": json.dumps({"type": "sd-webui-kohaku", "recipe": {"kohaku_recipe": 1, "formula": evil}})},
    ):
        path = save(tmp_path / f"x{evil[:4]}.safetensors", {f"t{evil}": torch.ones(1)}, metadata)
        for command in ("inspect", "verify"):
            done = run(command, path)
            shown = done.out + done.err
            assert not any(ord(character) < 32 and character not in "\n\t" for character in shown)
            assert not any(127 <= ord(character) < 160 for character in shown)
        json.loads(run("inspect", path, "--json").out)


def test_inspect_pickled(run: Run, tmp_path: Path) -> None:
    torch.save({"state_dict": {"w": torch.ones(3)}}, tmp_path / "x.ckpt")
    assert json.loads(run("inspect", tmp_path / "x.ckpt", "--json").out)["tensors"]["w"]["shape"] == [3]


@pytest.mark.parametrize("entry", [[], {}, 5, None, "x", "\ud800"])
def test_inspect_odd_recipes(run: Run, tmp_path: Path, entry: object) -> None:
    metadata = {"sd_merge_recipe": json.dumps({"type": entry}), "sd_merge_models": json.dumps(entry)}
    path = save(tmp_path / "x.safetensors", {"w": torch.ones(1)}, metadata)
    assert run("inspect", path).code == 0
    json.loads(run("inspect", path, "--json").out)


def test_hash(run: Run, models: Path) -> None:
    path = models / "a.safetensors"
    document = json.loads(run("hash", path, "--json").out)
    assert document["sha256"] == digest(path)
    lines = dict(line.split(maxsplit=1) for line in run("hash", path).out.splitlines())
    assert lines["sha256"] == digest(path)
    assert lines["AutoV2"] == digest(path)[:10].upper()
    assert lines["AutoV1"] == "e3b0c442"
    assert lines["AutoV3"] == document["auto_v3"]


def test_methods(run: Run) -> None:
    text = run("methods").out
    assert all(f"{name}(" in text for name in METHODS)
    assert all(name in text for name in block_presets())
    assert [document["name"] for document in json.loads(run("methods", "--json").out)] == list(METHODS)


@pytest.mark.parametrize("words", [["--help"], ["merge", "--help"], ["recipe", "export", "--help"], ["--version"]])
def test_help(run: Run, words: list[str]) -> None:
    done = run(*words)
    assert done.code == 0
    assert done.out
