"""``.ckpt`` files: weights come out, code does not run."""

from __future__ import annotations

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from lib_kohaku.checkpoint.pickled import is_pickled
from lib_kohaku.checkpoint.source import Checkpoint, load_header
from lib_kohaku.checkpoint.tensors import read_tensor
from lib_kohaku.errors import CheckpointError
from tests.support.files import same_bits, save

BASE = torch.arange(24, dtype=torch.float32).reshape(4, 6)
TENSORS = {
    "plain": BASE,
    "transposed": BASE.t(),
    "strided": BASE[::2, 1::2],
    "view": BASE[1],
    "bf16": torch.tensor([1.5, -2.0, 1e30], dtype=torch.bfloat16),
    "half": torch.tensor([65504.0, -0.0], dtype=torch.float16),
    "ids": torch.tensor([[1, 2, 3]]),
    "flag": torch.tensor([True, False]),
    "scalar": torch.tensor(7, dtype=torch.int32),
    "empty": torch.empty(0, 3),
    "parameter": torch.nn.Parameter(torch.ones(2)),
}


class RunsCode:
    """Pickles to a call of os.system."""

    def __init__(self, command: str) -> None:
        self.command = command

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (self.command,)


@pytest.mark.parametrize("wrap", [lambda x: x, lambda x: {"state_dict": x, "global_step": 7, "epoch": None}])
@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "old"])
def test_weights_come_out(tmp_path: Path, wrap: object, options: dict[str, bool]) -> None:
    path = tmp_path / "model.ckpt"
    torch.save(wrap(TENSORS), path, **options)  # type: ignore[operator]
    with Checkpoint(path) as checkpoint:
        assert checkpoint.tensors.keys() == TENSORS.keys()
        for name, tensor in TENSORS.items():
            assert same_bits(read_tensor(checkpoint, name), tensor.detach())
        assert checkpoint.header.metadata == {}
        checkpoint.reader.check_unchanged()


def test_ranges_across_tensors(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    parts = {f"t{i}": torch.arange(i, dtype=torch.uint8) + 10 * i for i in (3, 0, 5, 1)}
    torch.save(parts, path)
    whole = b"".join(tensor.numpy().tobytes() for tensor in parts.values())
    with Checkpoint(path) as checkpoint:
        for start in range(len(whole)):
            for end in range(start, len(whole) + 1):
                buffer = memoryview(bytearray(checkpoint.reader.buffer_bytes(end - start)))
                assert bytes(checkpoint.reader.read(start, end - start, buffer)) == whole[start:end]


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}], ids=["zip", "old"])
def test_code_is_refused_and_does_not_run(tmp_path: Path, options: dict[str, bool]) -> None:
    path, trap = tmp_path / "evil.ckpt", tmp_path / "ran"
    torch.save({"w": torch.ones(1), "x": RunsCode(f"touch {trap}")}, path, **options)
    with pytest.raises(CheckpointError, match=r"evil\.ckpt: .*could run code") as refused:
        load_header(path)
    assert not trap.exists()
    assert "weights_only" not in str(refused.value)  # torch advises to run the code


def test_errors_without_words_are_told_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*args: object, **options: object) -> None:
        raise AssertionError

    torch.save({"w": torch.ones(1)}, tmp_path / "odd.ckpt")
    monkeypatch.setattr(torch, "load", fail)
    with pytest.raises(CheckpointError, match=r"odd\.ckpt: .*\(AssertionError\)"):
        load_header(tmp_path / "odd.ckpt")


def test_plain_pickle_with_code(tmp_path: Path) -> None:
    path, trap = tmp_path / "evil.safetensors", tmp_path / "ran"
    path.write_bytes(pickle.dumps(RunsCode(f"touch {trap}")))
    with pytest.raises(CheckpointError):
        load_header(path)
    assert not trap.exists()


@pytest.mark.parametrize("keep", [4, 9, 60, 0.5, 0.9, -1])
def test_truncated(tmp_path: Path, keep: float) -> None:
    path = tmp_path / "model.ckpt"
    torch.save(TENSORS, path)
    whole = path.read_bytes()
    path.write_bytes(whole[: int(keep * len(whole)) if isinstance(keep, float) else keep])
    with pytest.raises(CheckpointError, match=r"model\.ckpt"):
        load_header(path)


def test_zip_without_a_pickle(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("readme.txt", "hello")
    with pytest.raises(CheckpointError, match=r"model\.ckpt"):
        load_header(path)


@pytest.mark.parametrize("content", [[torch.ones(1)], {"a": 5}, {"state_dict": {}}, torch.ones(1)])
def test_no_weights(tmp_path: Path, content: object) -> None:
    path = tmp_path / "model.ckpt"
    torch.save(content, path)
    with pytest.raises(CheckpointError, match="no tensors in it"):
        load_header(path)


@pytest.mark.parametrize("name", ["__metadata__", "\ud800"])
def test_names_that_the_output_could_not_hold(tmp_path: Path, name: str) -> None:
    path = tmp_path / "model.ckpt"
    torch.save({name: torch.ones(1)}, path)
    with pytest.raises(CheckpointError, match=r"model\.ckpt"):
        load_header(path)


def test_types_that_the_output_could_not_hold(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    torch.save({"z": torch.ones(1, dtype=torch.complex64)}, path)
    with pytest.raises(CheckpointError, match=r"'z'.*complex64 cannot be stored"):
        load_header(path)


def test_change_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "model.ckpt"
    torch.save(TENSORS, path)
    with Checkpoint(path) as checkpoint:
        os.utime(path, ns=(1, 1))
        with pytest.raises(CheckpointError, match=r"model\.ckpt: the file was changed"):
            checkpoint.reader.check_unchanged()


def test_content_decides_not_the_name(tmp_path: Path) -> None:
    pickled, plain = tmp_path / "a.safetensors", tmp_path / "b.ckpt"
    torch.save({"w": torch.ones(2)}, pickled)
    save(plain, {"w": torch.ones(2)})
    assert is_pickled(pickled)
    assert not is_pickled(plain)
    assert list(load_header(pickled).tensors) == list(load_header(plain).tensors) == ["w"]


def test_a_length_that_looks_like_a_pickle(tmp_path: Path) -> None:
    """A header of 128 bytes begins with the first byte of every pickle."""
    path = tmp_path / "x.safetensors"
    header = b'{"w":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}'.ljust(128)
    path.write_bytes((128).to_bytes(8, "little") + header + b"\x05")
    assert path.read_bytes()[:1] == b"\x80"
    assert not is_pickled(path)
    assert list(load_header(path).tensors) == ["w"]


@pytest.mark.parametrize("content", [b"", b"P", b"not a model at all", b"\x80"])
def test_neither(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ckpt"
    path.write_bytes(content)
    with pytest.raises(CheckpointError, match=r"x\.ckpt"):
        load_header(path)
