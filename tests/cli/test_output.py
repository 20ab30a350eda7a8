"""The command line as a process: terminals, pipes, encodings, files with strange names."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.support.files import save
from tests.support.processes import environment, kohaku, start

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="terminals and pipes of Unix")


@pytest.mark.parametrize("words", [["recipe", "list"], ["--help"]])
@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_closed_pipe(words: list[str], unbuffered: str) -> None:
    process = start(*words, env={"PYTHONUNBUFFERED": unbuffered})
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() in (0, 1)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_full_pipe() -> None:
    with Path("/dev/full").open("wb") as full:
        done = kohaku("recipe", "list", env={"PYTHONUNBUFFERED": ""}, stdout=full)
    assert done.code == 1
    assert done.err == "failed: The output cannot be written (No space left on device).\n"


def test_narrow_encoding(tmp_path: Path) -> None:
    path = save(tmp_path / "Füchse 花.safetensors", {"w": torch.ones(1)}, {"k": "花"})
    done = kohaku("inspect", path, env={"PYTHONIOENCODING": "ascii"})
    assert done.code == 0
    assert done.out.startswith(r"F\xfcchse \u82b1.safetensors: ")
    document = kohaku("inspect", path, "--json", env={"PYTHONIOENCODING": "ascii"})
    assert document.code == 0


def test_names_that_are_not_unicode(tmp_path: Path) -> None:
    save(tmp_path / "a.safetensors", {"w": torch.ones(1)})
    strange = os.fsencode(tmp_path) + b"/\xff.safetensors"
    try:
        os.rename(tmp_path / "a.safetensors", strange)  # noqa: PTH104
    except OSError:
        pytest.skip("this file system has Unicode names only")
    assert kohaku("inspect", strange).code == 0
    assert kohaku("plan", "x", "--bind", b"x=" + strange).code == 0
    done = kohaku("merge", "x", "--bind", b"x=" + strange, "--out", tmp_path / "m.safetensors")
    assert done.code == 2
    assert "not valid Unicode" in done.err
    assert len(list(tmp_path.iterdir())) == 1


def on_a_terminal(*words: object) -> tuple[int, str]:
    """Run with standard error on a terminal; returns exit code and what it showed."""
    primary, secondary = pty.openpty()
    process = start(*words, stderr=secondary)
    os.close(secondary)
    shown = b""
    while True:
        try:
            piece = os.read(primary, 65536)
        except OSError:  # Linux's way of saying that the other side is gone
            break
        if not piece:
            break
        shown += piece
    process.communicate()
    os.close(primary)
    return process.returncode, shown.decode("utf-8", "replace")


def test_progress_is_for_terminals(tmp_path: Path) -> None:
    for role in "ab":
        save(tmp_path / f"{role}.safetensors", {"w": torch.ones(1 << 20)})
    words = ["merge", "0.5*a+0.5*b", "--models", tmp_path, "--overwrite", "--out", tmp_path / "m.safetensors", "--json"]
    code, shown = on_a_terminal(*words)
    assert code == 0
    assert "Hashing a.safetensors [" in shown
    assert "Merging [" in shown
    assert "100%" in shown
    assert "MB of" in shown
    assert "\nformula       0.5*a" in shown.replace("\r", ""), "the plan begins on a line of its own"
    assert all(len(line.rstrip("\n")) <= 119 for line in shown.replace("\n", "\r").split("\r") if "[" in line)
    code, shown = on_a_terminal(*words, "--quiet")
    assert (code, shown) == (0, "")
    piped = kohaku(*words)
    assert "\r" not in piped.err
    assert "[" not in piped.err.replace("[1]", "")
    json.loads(piped.out)


def test_help_needs_no_torch() -> None:
    code = "import sys; from lib_kohaku.cli.main import build_parser; build_parser(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], env=environment(), check=False).returncode == 0
