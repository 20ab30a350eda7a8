"""Temporary files: swept when their process is dead, never while it lives."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from lib_kohaku.checkpoint.io import atomic
from lib_kohaku.checkpoint.io.atomic import (
    TEMPORARY_SUFFIX,
    lock_temporary,
    sweep_temporaries,
    temporary_path,
    write_file_atomically,
)
from lib_kohaku.checkpoint.writer import CheckpointWriter
from lib_kohaku.errors import FailedError, OutputExistsError, UnsafeNameError
from tests.support.processes import environment

HOLD = """
import sys
from pathlib import Path
from lib_kohaku.checkpoint.writer import CheckpointWriter
writer = CheckpointWriter(Path(sys.argv[1]), [], {})
print("ready", flush=True)
sys.stdin.readline()
writer.finish()
"""


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.endswith(TEMPORARY_SUFFIX)]


def hold(target: Path) -> subprocess.Popen[bytes]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(target)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment()
    )
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_temporary_name_is_hidden_and_beside_the_target(tmp_path: Path) -> None:
    first, second = (temporary_path(tmp_path / "model.safetensors") for _ in range(2))
    assert first != second
    assert first.parent == tmp_path
    assert first.name.startswith(".model.safetensors.")
    assert len(temporary_path(tmp_path / ("x" * 255)).name.encode()) <= 255


def test_sweeping_takes_the_dead_and_leaves_the_living(tmp_path: Path) -> None:
    process = hold(tmp_path / "living.safetensors")
    dead = tmp_path / f".dead.safetensors.0123456789ab{TEMPORARY_SUFFIX}"
    dead.write_bytes(b"half a model")
    precious = [tmp_path / "model.safetensors", tmp_path / f"visible{TEMPORARY_SUFFIX}", tmp_path / ".hidden"]
    for path in precious:
        path.write_text("x")
    folder = tmp_path / f".folder{TEMPORARY_SUFFIX}"
    folder.mkdir()

    with CheckpointWriter(tmp_path / "next.safetensors", [], {}) as writer:
        assert writer.swept == [dead]
    assert not dead.exists()
    assert all(path.exists() for path in [*precious, folder])
    process.communicate(b"\n")
    assert process.returncode == 0
    assert (tmp_path / "living.safetensors").is_file()


def test_killed_process_leaves_something_that_the_next_one_sweeps(tmp_path: Path) -> None:
    process = hold(tmp_path / "a.safetensors")
    process.kill()
    process.communicate()
    assert len(leftovers(tmp_path)) == 1
    assert not (tmp_path / "a.safetensors").exists()
    with CheckpointWriter(tmp_path / "a.safetensors", [], {}) as writer:
        writer.finish()
    assert leftovers(tmp_path) == []


def test_a_link_to_a_file_is_swept_without_its_goal(tmp_path: Path) -> None:
    goal = tmp_path / "precious.safetensors"
    goal.write_text("x")
    (tmp_path / f".x{TEMPORARY_SUFFIX}").symlink_to(goal)
    sweep_temporaries(tmp_path)
    assert goal.read_text() == "x"


def test_sweeping_a_missing_folder_is_harmless(tmp_path: Path) -> None:
    assert sweep_temporaries(tmp_path / "none") == []


def test_small_files(tmp_path: Path) -> None:
    path = tmp_path / "made" / "for" / "it.json"
    write_file_atomically(path, b"1", overwrite=False)
    with pytest.raises(OutputExistsError):
        write_file_atomically(path, b"2", overwrite=False)
    assert path.read_bytes() == b"1"
    write_file_atomically(path, b"3", overwrite=True)
    assert path.read_bytes() == b"3"
    assert len(list(path.parent.iterdir())) == 1


def test_small_files_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(FailedError, match="cannot be written"):
        write_file_atomically(tmp_path / "file" / "inside.json", b"1", overwrite=False)
    with pytest.raises(UnsafeNameError):
        write_file_atomically(Path(), b"1", overwrite=True)
    (tmp_path / "folder").mkdir()
    with pytest.raises(FailedError, match="put in place"):
        write_file_atomically(tmp_path / "folder", b"1", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder"]


def test_a_sweep_between_creation_and_lock(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two merges that begin at the same moment: the other one sees a file that nobody has locked yet."""
    sweeps = []

    def lock(descriptor: int) -> None:
        if len(sweeps) < 2:
            sweeps.append(sweep_temporaries(tmp_path))
        lock_temporary(descriptor)

    monkeypatch.setattr(atomic, "lock_temporary", lock)
    with CheckpointWriter(tmp_path / "a.safetensors", [], {}) as writer:
        assert [len(swept) for swept in sweeps] == [1, 1]
        assert sweep_temporaries(tmp_path) == [], "locked now"
        writer.finish()
    assert [path.name for path in tmp_path.iterdir()] == ["a.safetensors"]


def test_a_folder_where_temporary_files_vanish(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(atomic, "lock_temporary", lambda descriptor: sweep_temporaries(tmp_path))
    with pytest.raises(FailedError, match="vanish"):
        CheckpointWriter(tmp_path / "a.safetensors", [], {})


def test_a_sweep_between_the_last_byte_and_the_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lock is held until the file has its name."""
    sweeps = []

    def sweep_first(source: Path, target: Path) -> None:
        sweeps.append(sweep_temporaries(tmp_path))
        link(source, target)

    link = os.link
    monkeypatch.setattr(os, "link", sweep_first)
    with CheckpointWriter(tmp_path / "a.safetensors", [], {}) as writer:
        writer.finish()
    write_file_atomically(tmp_path / "b.json", b"{}")
    assert sweeps == [[], []]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.safetensors", "b.json"]
