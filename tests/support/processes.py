"""The command line as a process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Finished:
    """A process that has ended."""

    code: int
    out: str
    err: str


def environment(extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """The test's environment with the package importable."""
    return {**os.environ, "PYTHONPATH": str(ROOT), **(extra or {})}


def start(*words: object, env: Mapping[str, str] | None = None, **options: Any) -> subprocess.Popen[bytes]:
    """Start ``kohaku`` with these words."""
    command = [sys.executable, "-m", "lib_kohaku", *(word if isinstance(word, bytes) else str(word) for word in words)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "stdin": subprocess.DEVNULL, **options}
    return subprocess.Popen(command, env=environment(env), **options)


def kohaku(*words: object, env: Mapping[str, str] | None = None, **options: Any) -> Finished:
    """Run ``kohaku`` to its end; a traceback is a failure of the test."""
    process = start(*words, env=env, **options)
    out, err = process.communicate(timeout=120)
    finished = Finished(process.returncode, (out or b"").decode("utf-8", "replace"), err.decode("utf-8", "replace"))
    assert "Traceback" not in finished.err, finished.err
    return finished


def run_python(code: str, *words: object, env: Mapping[str, str] | None = None) -> Finished:
    """Run a snippet of Python that may import the package."""
    command = [sys.executable, "-c", code, *(str(word) for word in words)]
    done = subprocess.run(command, capture_output=True, env=environment(env), timeout=120, check=False)
    return Finished(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode("utf-8", "replace"))
