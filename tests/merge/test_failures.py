"""Whatever goes wrong: nothing under the final name, inputs untouched, a clear message, leftovers swept."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import CancelledError, CheckpointError, FailedError, KohakuError, OutputExistsError, PlanError
from lib_kohaku.merge.execute import run
from lib_kohaku.merge.to_file import merge_to_file
from lib_kohaku.progress import SilentProgress
from tests.checkpoint.test_raw_io import direct_works
from tests.support.disks import mounted
from tests.support.files import digest, load
from tests.support.merging import plan, write_models
from tests.support.processes import environment

FORMULA = "0.5*a + 0.3*b + 0.2*c"
TENSORS = 40


def tensors(seed: int) -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {f"t{i:02}": torch.randn(8192, generator=generator).half() for i in range(TENSORS)}


@pytest.fixture
def models(tmp_path: Path) -> Iterator[ModelLibrary]:
    """Three models of 640 kB; whatever the test does to the output, they must be the same afterwards."""
    folder = tmp_path / "models"
    folder.mkdir()
    library = write_models(folder, {role: tensors(seed) for seed, role in enumerate("abc")})
    yield library
    assert sorted(path.name for path in folder.iterdir()) == ["a.safetensors", "b.safetensors", "c.safetensors"]


@pytest.fixture
def inputs(models: ModelLibrary) -> Iterator[dict[Path, str]]:
    before = {path: digest(path) for path in models.files.values()}
    yield before
    assert {path: digest(path) for path in before} == before


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many batches, so that things can happen between them."""
    monkeypatch.setattr(run, "batch_limit", lambda models: 30_000)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder / "merged.safetensors"


class Hook(SilentProgress):
    """Does something after so many batches; may cancel."""

    def __init__(self, after: int, action: Callable[[], object] = lambda: None, *, cancel: bool = False) -> None:
        self._left = after
        self._action = action
        self._cancel = cancel
        self._cancelled = False
        self.after_cancelling = 0

    def advance(self, amount: int) -> None:
        self.after_cancelling += self._cancelled
        self._left -= 1
        if self._left == 0:
            self._action()
            self._cancelled = self._cancel

    def cancelled(self) -> bool:
        return self._cancelled


def nothing_left(out: Path) -> None:
    assert list(out.parent.iterdir()) == []


@pytest.mark.parametrize("after", [1, 2, TENSORS // 2, TENSORS])
def test_cancelled(models: ModelLibrary, inputs: dict[Path, str], out: Path, after: int) -> None:
    hook = Hook(after, cancel=True)
    with pytest.raises(CancelledError, match="Nothing was written under the final name"):
        merge_to_file(plan(FORMULA, models), out, progress=hook)
    assert hook.after_cancelling == 0, "at once, not when everything is computed"
    nothing_left(out)


def test_cancelled_overwriting_keeps_the_old_file(models: ModelLibrary, inputs: dict[Path, str], out: Path) -> None:
    out.write_text("old")
    with pytest.raises(CancelledError):
        merge_to_file(plan(FORMULA, models), out, overwrite=True, progress=Hook(5, cancel=True))
    assert out.read_text() == "old"
    assert len(list(out.parent.iterdir())) == 1


def test_an_error_in_the_user_interface(models: ModelLibrary, inputs: dict[Path, str], out: Path) -> None:
    def fail() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        merge_to_file(plan(FORMULA, models), out, progress=Hook(5, fail))
    nothing_left(out)


def test_target_that_appears_meanwhile(models: ModelLibrary, inputs: dict[Path, str], out: Path) -> None:
    with pytest.raises(OutputExistsError, match=r"merged\.safetensors exists already"):
        merge_to_file(plan(FORMULA, models), out, progress=Hook(5, lambda: out.write_text("somebody else's")))
    assert out.read_text() == "somebody else's"
    assert len(list(out.parent.iterdir())) == 1


def truncate(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"x")


def overwrite(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-100, 2)
        file.write(bytes(100))


@pytest.mark.parametrize("change", [truncate, empty, append, overwrite])
@pytest.mark.parametrize("mode", [IOMode.BUFFERED, IOMode.DIRECT])
def test_input_that_changes(
    models: ModelLibrary, out: Path, change: Callable[[Path], None], mode: IOMode, tmp_path: Path
) -> None:
    if mode is IOMode.DIRECT and not direct_works(tmp_path):
        pytest.skip("this file system has no direct I/O")
    victim = models.files["b.safetensors"]
    with pytest.raises(CheckpointError, match=r"b\.safetensors: the file (was changed|ends before byte \d+)"):
        merge_to_file(plan(FORMULA, models), out, progress=Hook(4, lambda: change(victim)), mode=mode)
    nothing_left(out)


def test_pickled_input_that_changes(tmp_path: Path, out: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    torch.save(tensors(1), folder / "p.ckpt")
    library = write_models(folder, {"a": tensors(0)})
    with pytest.raises(CheckpointError, match=r"p\.ckpt: the file was changed"):
        merge_to_file(plan("0.5*a + 0.5*p", library), out, progress=Hook(4, lambda: append(folder / "p.ckpt")))
    nothing_left(out)


def test_input_that_changed_since_the_plan(models: ModelLibrary, out: Path) -> None:
    made = plan(FORMULA, models)
    write_models(models.roots[0], {"b": dict(list(tensors(1).items())[:-1])})
    with pytest.raises(CheckpointError, match=r"b\.safetensors was changed since the merge was planned"):
        merge_to_file(made, out)
    nothing_left(out)


def test_input_that_vanished_since_the_plan(models: ModelLibrary, out: Path) -> None:
    made = plan(FORMULA, models)
    hidden = models.files["b.safetensors"].rename(out.parent.parent / "hidden")
    with pytest.raises(CheckpointError, match=r"b\.safetensors: (no such file|cannot be read)"):
        merge_to_file(made, out)
    nothing_left(out)
    hidden.rename(models.files["b.safetensors"])


# -- full disks ---------------------------------------------------------------------------------------------------

LIMITED = """
import resource, sys
from pathlib import Path
from lib_kohaku.checkpoint.io import raw_writer
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import FailedError
from lib_kohaku.merge.plan.build import make_plan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.to_file import merge_to_file
folder, out, limit, mode = sys.argv[1:]
raw_writer.BLOCK_BYTES = 1 << 16
plan = make_plan(Recipe("0.5*a + 0.3*b + 0.2*c"), ModelLibrary([Path(folder)]))
resource.setrlimit(resource.RLIMIT_FSIZE, (int(limit), int(limit)))
try:
    merge_to_file(plan, Path(out), mode=IOMode(mode))
except FailedError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file size limits")
@pytest.mark.parametrize(
    ("limit", "mode"),
    [(0, "buffered"), (300_001, "buffered"), (1000, "direct"), (262_144, "direct"), (655_000, "direct")],
)
def test_file_size_limit(
    models: ModelLibrary, inputs: dict[Path, str], out: Path, limit: int, mode: str, tmp_path: Path
) -> None:
    if mode == "direct" and not direct_works(tmp_path):
        pytest.skip("this file system has no direct I/O")
    words = [sys.executable, "-c", LIMITED, str(models.roots[0]), str(out), str(limit), mode]
    done = subprocess.run(words, capture_output=True, text=True, env=environment(), timeout=60, check=False)
    assert "File too large" in done.stdout, done.stdout + done.stderr
    assert "writing failed" in done.stdout
    nothing_left(out)


def test_full_disk(
    models: ModelLibrary, inputs: dict[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with mounted(tmp_path / "tiny", "size=400k") as disk:
        out = disk / "merged.safetensors"
        with pytest.raises(PlanError, match="GB are needed"):
            merge_to_file(plan(FORMULA, models), out)
        # Somebody else fills the disk after we have looked.
        monkeypatch.setattr("shutil.disk_usage", lambda path: SimpleNamespace(free=1 << 40))
        with pytest.raises(FailedError, match="No space left on device"):
            merge_to_file(plan(FORMULA, models), out)
        assert list(disk.iterdir()) == []


def test_read_only_folder(models: ModelLibrary, inputs: dict[Path, str], tmp_path: Path) -> None:
    with mounted(tmp_path / "readonly", "ro,size=64m") as disk:
        with pytest.raises(FailedError, match=r"cannot be created \(Read-only file system\)"):
            merge_to_file(plan(FORMULA, models), disk / "merged.safetensors")
        assert list(disk.iterdir()) == []


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 0)() == 0, reason="root may write everywhere")
def test_folder_without_permission(models: ModelLibrary, inputs: dict[Path, str], out: Path) -> None:
    out.parent.chmod(0o500)
    try:
        with pytest.raises(FailedError, match="Permission denied"):
            merge_to_file(plan(FORMULA, models), out)
    finally:
        out.parent.chmod(0o700)
    nothing_left(out)


# -- killed -------------------------------------------------------------------------------------------------------

SLOW = """
import sys, time
from pathlib import Path
from lib_kohaku.checkpoint.io import raw_writer
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.merge.execute import compute, run
from lib_kohaku.merge.plan.build import make_plan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.to_file import merge_to_file
folder, out = sys.argv[1:]
raw_writer.BLOCK_BYTES = 1 << 15
run.batch_limit = lambda models: 30_000
class Slow(compute.Computer):
    def compute(self, part, data):
        time.sleep(0.004)
        super().compute(part, data)
run.Computer = Slow
plan = make_plan(Recipe("0.5*a + 0.3*b + 0.2*c"), ModelLibrary([Path(folder)]))
print("planned", flush=True)
merge_to_file(plan, Path(out))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no SIGKILL on Windows")
def test_killed_at_any_moment(models: ModelLibrary, inputs: dict[Path, str], out: Path, tmp_path: Path) -> None:
    reference = tmp_path / "reference" / "merged.safetensors"
    reference.parent.mkdir()
    merge_to_file(plan(FORMULA, models), reference)
    chooser = random.Random(11)
    moments = [0.0, 0.3, *(chooser.uniform(0.0, 0.25) for _ in range(3))]
    killed = 0
    for moment in moments:
        words = [sys.executable, "-c", SLOW, str(models.roots[0]), str(out)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, env=environment())
        assert process.stdout is not None
        assert process.stdout.readline() == b"planned\n"
        time.sleep(moment)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if out.exists():
            assert digest(out) == digest(reference), "what has the final name is whole"
            out.unlink()
        else:
            killed += 1
        assert len(list(out.parent.iterdir())) <= 1, "leftovers of earlier runs were swept"
    assert killed >= 2
    merge_to_file(plan(FORMULA, models), out)
    assert [path.name for path in out.parent.iterdir()] == ["merged.safetensors"]
    assert digest(out) == digest(reference)


def test_two_merges_into_one_folder_at_once(models: ModelLibrary, inputs: dict[Path, str], out: Path) -> None:
    """Neither sweeps the other's temporary file."""
    words = [sys.executable, "-c", SLOW, str(models.roots[0])]
    outputs = [out.with_name(f"m{i}.safetensors") for i in range(2)]
    processes = [
        subprocess.Popen([*words, str(path)], stdout=subprocess.DEVNULL, env=environment()) for path in outputs
    ]
    assert [process.wait(60) for process in processes] == [0, 0]
    assert sorted(path.name for path in out.parent.iterdir()) == [path.name for path in outputs]
    contents = [load(path) for path in outputs]
    assert all(torch.equal(contents[0][key], other[key]) for other in contents[1:] for key in contents[0])


def test_many_threads_end(models: ModelLibrary, inputs: dict[Path, str], out: Path) -> None:
    """Failures leave no threads or open files behind."""
    import threading

    def descriptors() -> int:
        return len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else 0  # noqa: PTH208, PTH112

    with contextlib.suppress(KohakuError):
        merge_to_file(plan(FORMULA, models), out, progress=Hook(3, cancel=True))
    before = (threading.active_count(), descriptors())
    for _ in range(5):
        with pytest.raises(CancelledError):
            merge_to_file(plan(FORMULA, models), out, progress=Hook(3, cancel=True))
    assert (threading.active_count(), descriptors()) == before
