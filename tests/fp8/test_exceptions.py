"""Protecting the weak weights of a file: found, paid for, written, and told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.main import main
from lib_kohaku.errors import CancelledError
from lib_kohaku.fp8.files.exceptions import describe_exceptions, find_exceptions
from lib_kohaku.fp8.files.plan import Profile
from lib_kohaku.fp8.policy import Policy
from lib_kohaku.fp8.policy.automatic import Limits
from tests.fp8.files import CONV, TO_Q, UNET, few_sdxl, write

SMALL = f"{UNET}middle_block.1.proj_in.weight"


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Two layers with channels far below their others: one in (16, 12), three in (4, 6), the latter farther."""
    generator = torch.Generator().manual_seed(3)
    tensors = few_sdxl(torch.float32)
    tensors[f"{TO_Q}.weight"] = torch.randn(16, 12, generator=generator)
    tensors[f"{TO_Q}.weight"][5] *= 2.0**-16
    tensors[SMALL] = torch.randn(4, 6, generator=generator)
    tensors[SMALL][1:] *= 2.0**-30
    return write(tmp_path / "source.safetensors", tensors)


def test_weak_channels_get_a_scale_each(source: Path):
    found = find_exceptions(source, Profile.WEBUI, Policy(), Limits())
    assert (found.by_channel, found.kept) == ((SMALL, f"{TO_Q}.weight"), ())  # the worst first
    assert found.spent_bytes == 4 * (3 + 15)  # float32 for each channel but the first
    assert all(quality.worst_channel_db >= 24 for quality in found.qualities)
    assert describe_exceptions(found) == "Weak weights: 2 with a scale per channel (72 B on top)."


def test_comfyui_reads_no_scale_per_channel_so_the_weight_stays(source: Path):
    found = find_exceptions(source, Profile.COMFYUI, Policy(), Limits())
    assert (found.by_channel, found.kept) == ((), (SMALL, f"{TO_Q}.weight"))
    assert found.spent_bytes == 4 * 6 + 16 * 12  # a byte for each weight


def test_a_small_budget_goes_to_the_worst(source: Path):
    found = find_exceptions(source, Profile.COMFYUI, Policy(), Limits(budget_bytes=30))
    assert found.kept == (SMALL,)  # 24 weights
    assert found.beyond_budget == (f"{TO_Q}.weight",)
    assert "the budget is too small" in describe_exceptions(found)


def test_what_is_fp8_already_is_left_alone(source: Path, tmp_path: Path):
    small = tmp_path / "small.safetensors"
    assert main(["fp8", "convert", str(source), str(small), "--profile", "webui", "--no-hash"]) == exit_codes.DONE
    found = find_exceptions(small, Profile.WEBUI, Policy(), Limits())
    assert found.qualities == () and describe_exceptions(found) == "No weight needs an exception."


def test_cancelling(source: Path):
    class Cancel:
        def start(self, label, total, unit):
            assert (label, unit) == ("Looking for weak weights", "weights")

        def advance(self, amount):
            pass

        def cancelled(self):
            return True

    with pytest.raises(CancelledError):
        find_exceptions(source, Profile.WEBUI, Policy(), Limits(), Cancel())


def test_on_the_command_line(source: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    plain, protected = tmp_path / "plain.safetensors", tmp_path / "protected.safetensors"
    convert = ["fp8", "convert", str(source), "--no-hash", "--profile", "webui"]
    assert main([*convert, str(plain), "--json"]) == exit_codes.DONE
    before = json.loads(capsys.readouterr().out)
    assert main([*convert, str(protected), "--protect", "--json"]) == exit_codes.DONE
    after = json.loads(capsys.readouterr().out)
    assert "exceptions" not in before
    assert f"{TO_Q}.weight" in after["exceptions"]["by_channel"]
    assert before["quality"]["lowest_channel_db"] < 1 < 24 < after["quality"]["lowest_channel_db"]
    assert load_file(protected)[f"{TO_Q}.scale_weight"].shape == (16,)
    assert load_file(plain)[f"{TO_Q}.scale_weight"].shape == ()
    assert load_file(protected)[f"{CONV}.scale_weight"].shape == ()
    assert (
        main([*convert, str(protected), "--overwrite", "--protect", "30", "--protect-budget", "0"]) == exit_codes.DONE
    )
    assert "the budget is too small" in capsys.readouterr().out
    assert load_file(protected)[f"{TO_Q}.scale_weight"].shape == ()


@pytest.mark.parametrize(
    "wrong", [["--protect", "nan"], ["--protect", "-1"], ["--protect-budget", "inf"], ["--protect", "x"]]
)
def test_wrong_limits_are_refused(source: Path, tmp_path: Path, wrong: list[str]):
    out = tmp_path / "out.safetensors"
    with pytest.raises(SystemExit) as stopped:
        main(["fp8", "convert", str(source), str(out), "--profile", "webui", *wrong])
    assert stopped.value.code == exit_codes.REFUSED
    assert not out.exists()
