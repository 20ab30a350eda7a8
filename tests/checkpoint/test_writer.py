"""The streaming writer: what it writes, in which order, and that nothing half-done gets a name."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.checkpoint.dtypes import DTYPES, from_torch
from lib_kohaku.checkpoint.header import read_header
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.io.raw_writer import RawWriter
from lib_kohaku.checkpoint.writer import CheckpointWriter, TensorSpec, encode_header, storage_order
from lib_kohaku.errors import FailedError, OutputExistsError, RefusedError
from tests.support.files import TORCH_NAMES, bytes_of, load, metadata_of, same_bits

TENSORS = {
    "half": torch.arange(6, dtype=torch.float16).reshape(2, 3),
    "ids": torch.tensor([[1, -2]]),
    "scalar": torch.tensor(2.5, dtype=torch.bfloat16),
    "flags": torch.tensor([True, False, True]),
    "wide": torch.tensor([1e300], dtype=torch.float64),
    "empty": torch.empty(0, 4),
    "eight": torch.tensor([448.0, -0.5]).to(torch.float8_e4m3fn),
    "花": torch.tensor([1.5]),
}


def specs() -> list[TensorSpec]:
    ordered = [TensorSpec(name, from_torch(tensor.dtype), tuple(tensor.shape)) for name, tensor in TENSORS.items()]
    return storage_order(ordered)


def write(path: Path, metadata: dict[str, str] | None = None, *, mode: IOMode = IOMode.AUTO) -> Path:
    with CheckpointWriter(path, specs(), metadata or {}, mode=mode) as writer:
        for spec in specs():
            writer.write(bytes_of(TENSORS[spec.name]))
        writer.finish()
    return path


def test_the_official_library_reads_it(tmp_path: Path) -> None:
    path = write(tmp_path / "a.safetensors", {"format": "pt", "ключ": '花\n"\\'})
    read = load(path)
    assert read.keys() == TENSORS.keys()
    assert all(same_bits(read[name], TENSORS[name]) for name in TENSORS)
    assert metadata_of(path) == {"format": "pt", "ключ": '花\n"\\'}
    assert [item.name for item in tmp_path.iterdir()] == ["a.safetensors"]


def test_same_bytes_twice_in_every_mode(tmp_path: Path) -> None:
    contents = {
        write(tmp_path / f"{mode.value}{number}", {"k": "v"}, mode=mode).read_bytes()
        for mode in (IOMode.AUTO, IOMode.BUFFERED)
        for number in range(2)
    }
    assert len(contents) == 1


def test_order_and_alignment(tmp_path: Path) -> None:
    header = read_header(write(tmp_path / "a.safetensors"))
    assert list(header.tensors) == ["ids", "wide", "empty", "花", "half", "scalar", "flags", "eight"]
    assert header.data_start % 8 == 0
    assert all(info.start % (info.dtype.bits // 8) == 0 for info in header.tensors.values())


def test_header_bytes_by_hand() -> None:
    spec = TensorSpec("a", DTYPES["F16"], (2, 3))
    text = b'{"__metadata__":{"k":"v"},"a":{"dtype":"F16","shape":[2,3],"data_offsets":[0,12]}}'
    padded = text + b" " * (-len(text) % 8)
    assert encode_header([spec], {"k": "v"}) == struct.pack("<Q", len(padded)) + padded
    assert encode_header([], {}) == struct.pack("<Q", 8) + b"{}      "


@given(
    shapes=st.lists(
        st.tuples(st.sampled_from(sorted(TORCH_NAMES.values())), st.lists(st.integers(0, 3), max_size=3)), max_size=6
    ),
    metadata=st.dictionaries(st.text(max_size=5), st.text(max_size=9), max_size=3),
)
def test_what_is_encoded_is_what_is_parsed(
    shapes: list[tuple[str, list[int]]], metadata: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    wanted = storage_order([TensorSpec(f"t{i}", DTYPES[name], tuple(sh)) for i, (name, sh) in enumerate(shapes)])
    path = tmp_path_factory.mktemp("h") / "x"
    with CheckpointWriter(path, wanted, metadata) as writer:
        for spec in wanted:
            writer.write(bytes(spec.nbytes))
        writer.finish()
    header = read_header(path)
    assert {info.name: (info.dtype, info.shape) for info in header.tensors.values()} == {
        spec.name: (spec.dtype, spec.shape) for spec in wanted
    }
    assert header.metadata == metadata


def test_text_that_is_not_unicode_is_refused(tmp_path: Path) -> None:
    for names, metadata in [(["\ud800"], {}), ([], {"k": "\udcff"}), ([], {"\udcff": "v"})]:
        with pytest.raises(RefusedError, match="not valid Unicode"):
            CheckpointWriter(tmp_path / "x", [TensorSpec(name, DTYPES["U8"], ()) for name in names], metadata)
    assert list(tmp_path.iterdir()) == []


def test_header_that_no_reader_takes_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="the format allows"):
        CheckpointWriter(tmp_path / "x", [], {"k": "v" * 100_000_001})
    assert list(tmp_path.iterdir()) == []


def test_leaving_without_finish_leaves_nothing(tmp_path: Path) -> None:
    with CheckpointWriter(tmp_path / "a", specs(), {}) as writer:
        writer.write(b"12")
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(KeyError), CheckpointWriter(tmp_path / "a", specs(), {}):
        raise KeyError
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("change", [-1, 1])
def test_wrong_amount_of_data_is_not_published(tmp_path: Path, change: int) -> None:
    spec = TensorSpec("a", DTYPES["U8"], (10,))
    with pytest.raises(ValueError, match="announced"), CheckpointWriter(tmp_path / "a", [spec], {}) as writer:
        writer.write(bytes(10 + change))
        writer.finish()
    assert list(tmp_path.iterdir()) == []


def test_existing_output(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    with pytest.raises(OutputExistsError):
        CheckpointWriter(path, specs(), {})
    with CheckpointWriter(path, [], {}, overwrite=True) as writer:
        assert path.read_text() == "old", "replaced only at the very end"
        writer.finish()
    assert json.loads(path.read_bytes()[8:]) == {}
    assert len(list(tmp_path.iterdir())) == 1


def test_output_that_appears_meanwhile_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "a"
    with pytest.raises(OutputExistsError), CheckpointWriter(path, [], {}) as writer:
        path.write_text("somebody else's")
        writer.finish()
    assert path.read_text() == "somebody else's"
    assert [item.name for item in tmp_path.iterdir()] == ["a"]


def test_dangling_link_is_not_written_through(tmp_path: Path) -> None:
    path, goal = tmp_path / "a", tmp_path / "elsewhere"
    path.symlink_to(goal)
    with pytest.raises(OutputExistsError), CheckpointWriter(path, [], {}) as writer:
        writer.finish()
    assert not goal.exists()
    assert path.is_symlink()


def test_overwriting_a_link_replaces_the_link_not_its_goal(tmp_path: Path) -> None:
    path, goal = tmp_path / "a", tmp_path / "goal"
    goal.write_text("precious")
    path.symlink_to(goal)
    with CheckpointWriter(path, [], {}, overwrite=True) as writer:
        writer.finish()
    assert goal.read_text() == "precious"
    assert not path.is_symlink()


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="cannot be created"):
        CheckpointWriter(tmp_path / "no" / "a", [], {})


def test_very_long_name(tmp_path: Path) -> None:
    """The temporary name must fit where the name itself fills the limit of 255 bytes."""
    path = tmp_path / ("花" * 81 + ".safetensors"[:12])
    with CheckpointWriter(path, [], {}) as writer:
        writer.finish()
    assert path.is_file()


def test_a_header_that_cannot_be_written_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: RawWriter, data: bytes) -> None:
        raise FailedError("disk full")

    monkeypatch.setattr(RawWriter, "write", full)
    with pytest.raises(FailedError, match="disk full"):
        CheckpointWriter(tmp_path / "a", specs(), {})
    assert list(tmp_path.iterdir()) == []
