"""Ctrl-C, politely and twice."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

from tests.support.files import digest, save
from tests.support.processes import environment

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="signals of Unix")

# The command line with a computer that takes its time.
SLOW = """
import sys, time
from lib_kohaku.cli.main import run as kohaku
from lib_kohaku.merge.execute import compute, run
run.batch_limit = lambda models: 4096
class Slow(compute.Computer):
    def compute(self, part, data):
        if part.start == 0:
            print("begun", flush=True)
        time.sleep(0.02)
        super().compute(part, data)
run.Computer = Slow
kohaku()
"""


def start(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [
        "merge",
        "0.5*a + 0.5*b",
        "--models",
        str(folder),
        "--out",
        str(folder / "out" / "m.safetensors"),
        *words,
    ]
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, *command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "begun\n"
    return process


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for seed, role in enumerate("ab"):
        save(tmp_path / f"{role}.safetensors", {"w": torch.full((1 << 20,), float(seed))})
    (tmp_path / "out").mkdir()
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_stopped(folder: Path, number: signal.Signals) -> None:
    before = {role: digest(folder / f"{role}.safetensors") for role in "ab"}
    process = start(folder, "--quiet")
    time.sleep(0.05)
    process.send_signal(number)
    began = time.monotonic()
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert time.monotonic() - began < 10
    assert err == "Stopped. Nothing was written under the final name.\n"
    assert list((folder / "out").iterdir()) == []
    assert before == {role: digest(folder / f"{role}.safetensors") for role in "ab"}


def test_stopped_with_json_prints_no_document(folder: Path) -> None:
    process = start(folder, "--json", "--quiet")
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")


def test_impatience(folder: Path) -> None:
    process = start(folder, "--quiet")
    for _ in range(2):
        process.send_signal(signal.SIGINT)
        time.sleep(0.02)
    _, err = process.communicate(timeout=30)
    assert process.returncode in (130, -signal.SIGINT), "the second one may come when everything is over"
    assert "Traceback" not in err
    assert list((folder / "out").iterdir()) == []
