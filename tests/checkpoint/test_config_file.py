"""The .yaml beside a checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

from lib_kohaku.checkpoint import config_file
from lib_kohaku.checkpoint.config_file import (
    ConfigCopy,
    config_path,
    config_problems,
    configured_prediction,
    find_config,
    read_config,
)
from lib_kohaku.errors import CheckpointError, OutputExistsError

LDM = 'model:\n  target: ldm.models.diffusion.ddpm.LatentDiffusion\n  params:\n    parameterization: "v"\n'
SGM = "scaling_config:\n  target: sgm.modules.diffusionmodules.denoiser_scaling.VScaling\n"


@pytest.mark.parametrize("name", ["a", "a.b", "a.safetensors.safetensors", "v1.5 (test)"])
def test_it_has_the_name_that_the_webui_looks_for(tmp_path: Path, name: str) -> None:
    checkpoint = tmp_path / f"{name}.safetensors"
    assert config_path(checkpoint) == tmp_path / f"{name}.yaml"
    assert find_config(checkpoint) is None
    (tmp_path / f"{name}.yaml").write_text("x")
    assert find_config(checkpoint) == tmp_path / f"{name}.yaml"


@pytest.mark.parametrize(
    ("text", "prediction"),
    [
        (LDM, "v"),
        (LDM.replace('"v"', "v"), "v"),
        (LDM.replace('"v"', "v # velocity"), "v"),
        (LDM.replace('"v"', '"eps"'), ""),
        (LDM.replace('"v"', "vlb"), ""),
        (LDM.replace("    param", "    # param"), ""),
        ('{"model": {"params": {"parameterization": "v", "x": 1}}}', "v"),
        (SGM, "v"),
        (SGM.replace("VScaling", "EpsScaling"), ""),
        (SGM.replace("VScaling", "VScalingWithEDMcNoise"), ""),
        ("", ""),
        ("\x00\xff", ""),
    ],
)
def test_what_it_says_of_the_prediction(tmp_path: Path, text: str, prediction: str) -> None:
    (tmp_path / "a.yaml").write_text(text, "utf-8")
    assert configured_prediction(tmp_path / "a.safetensors") == prediction


def test_strange_files_are_no_configurations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "folder.yaml").mkdir()
    assert find_config(tmp_path / "folder.safetensors") is None
    monkeypatch.setattr(config_file, "MAX_BYTES", 10)
    (tmp_path / "huge.yaml").write_text(LDM)
    with pytest.raises(CheckpointError, match=r"huge\.yaml: too large"):
        read_config(tmp_path / "huge.yaml")
    assert configured_prediction(tmp_path / "huge.safetensors") == ""


def test_when_there_is_a_problem(tmp_path: Path) -> None:
    base, other, output = tmp_path / "base.yaml", tmp_path / "other.yaml", tmp_path / "out.safetensors"
    base.write_text("v")
    assert config_problems(base, output, overwrite=False) == []
    (tmp_path / "out.yaml").write_text("v")
    assert config_problems(base, output, overwrite=False) == []
    other.write_text("eps")
    (problem,) = config_problems(other, output, overwrite=False)
    assert "out.yaml exists already and is not other.yaml" in problem
    assert config_problems(other, output, overwrite=True) == []
    # Nobody consented to removing a file; and with it the result would be built wrongly.
    for overwrite in (False, True):
        (problem,) = config_problems(None, output, overwrite=overwrite)
        assert "out.yaml lies there already" in problem


def test_a_copy_is_placed_and_taken_back(tmp_path: Path) -> None:
    target = tmp_path / "out.yaml"
    copy = ConfigCopy(b"v", target)
    copy.take_back()
    copy.place()
    assert target.read_bytes() == b"v"
    copy.take_back()
    assert not target.exists()

    target.write_bytes(b"mine")
    with pytest.raises(OutputExistsError):
        ConfigCopy(b"v", target).place()
    replacing = ConfigCopy(b"v", target, overwrite=True)
    replacing.place()
    assert target.read_bytes() == b"v"
    replacing.take_back()
    assert target.read_bytes() == b"mine"

    same = ConfigCopy(b"mine", target)
    same.place()
    same.take_back()
    assert target.read_bytes() == b"mine"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.yaml"]
