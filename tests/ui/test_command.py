"""``kohaku ui`` as a process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")

from lib_kohaku.cli import exit_codes
from lib_kohaku.cli.main import main

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.skipif(os.name == "nt", reason="sends SIGINT")
def test_it_says_where_it_is_serves_and_stops(models: Path) -> None:
    command = [sys.executable, "-m", "lib_kohaku", "ui", "--models", str(models), "--port", "0"]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, bufsize=1)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Kohaku is at http://127.0.0.1:")
        with urllib.request.urlopen(line.split()[-1], timeout=30) as answer:
            assert b"kohaku-assets/style.css" in answer.read()
    finally:
        process.send_signal(signal.SIGINT)
        errors = process.communicate(timeout=30)[1]
    assert process.returncode in (exit_codes.DONE, exit_codes.CANCELLED)
    assert "Traceback" not in errors


def test_a_folder_that_is_not_there_is_refused(tmp_path, capsys):
    assert main(["ui", "--models", str(tmp_path / "nothing")]) == exit_codes.REFUSED
    assert "there is no such folder" in capsys.readouterr().err
