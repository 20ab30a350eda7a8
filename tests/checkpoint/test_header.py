"""Every way in which a header can be wrong: the refusal names the file, the tensor and the reason."""

from __future__ import annotations

import json
import struct
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from lib_kohaku.checkpoint.header import MAX_HEADER_BYTES, parse_header, read_header
from lib_kohaku.errors import CheckpointError
from tests.support.files import entry, header_bytes, raw_file

GOOD = entry("F16", [2, 3], 0, 12)


def refusal(tmp_path: Path, header: Any, data: bytes = b"") -> str:
    path = raw_file(tmp_path / "broken.safetensors", header, data)
    with pytest.raises(CheckpointError) as caught:
        read_header(path)
    assert "broken.safetensors" in str(caught.value)
    assert str(tmp_path) not in str(caught.value)
    return str(caught.value)


def test_a_good_file(tmp_path: Path) -> None:
    header = {"__metadata__": {"k": "v"}, "b": entry("F32", [], 12, 16), "a": GOOD, "e": entry("I8", [0, 9], 16, 16)}
    read = read_header(raw_file(tmp_path / "x.safetensors", header, bytes(16)))
    assert list(read.tensors) == ["a", "b", "e"]
    assert read.metadata == {"k": "v"}
    info = read.tensors["b"]
    assert (info.shape, info.count, info.nbytes, info.start) == ((), 1, 4, read.data_start + 12)
    assert read.file_size == read.data_start + 16 == info.end


def test_metadata_may_be_missing_or_null(tmp_path: Path) -> None:
    assert read_header(raw_file(tmp_path / "a", {"x": GOOD}, bytes(12))).metadata == {}
    assert read_header(raw_file(tmp_path / "b", {"x": GOOD, "__metadata__": None}, bytes(12))).metadata == {}


BAD_ENTRIES: list[tuple[Any, str]] = [
    (5, "not a JSON object"),
    ([1], "not a JSON object"),
    ({}, "data_offsets and dtype and shape missing"),
    ({"dtype": "F16", "shape": [2, 3]}, "data_offsets missing"),
    (entry("F17", [2, 3], 0, 12), "unknown element type 'F17'"),
    ({**GOOD, "dtype": 16}, "unknown element type '16'"),
    ({**GOOD, "dtype": ["F16"]}, "unknown element type"),
    ({**GOOD, "dtype": "f16"}, "unknown element type"),
    ({**GOOD, "shape": 6}, "shape"),
    ({**GOOD, "shape": [2.0, 3]}, "shape"),
    ({**GOOD, "shape": [True, 6]}, "shape"),
    ({**GOOD, "shape": [-2, -3]}, "shape"),
    ({**GOOD, "shape": ["2", 3]}, "shape"),
    ({**GOOD, "shape": None}, "shape"),
    ({**GOOD, "shape": [1 << 63, 0]}, "shape"),
    ({**GOOD, "shape": [1] * 33}, "shape"),
    ({**GOOD, "data_offsets": [0]}, "data_offsets"),
    ({**GOOD, "data_offsets": [0, 6, 12]}, "data_offsets"),
    ({**GOOD, "data_offsets": [12, 0]}, "data_offsets"),
    ({**GOOD, "data_offsets": [-12, 0]}, "data_offsets"),
    ({**GOOD, "data_offsets": [False, 12]}, "data_offsets"),
    ({**GOOD, "data_offsets": [0, 1e1]}, "data_offsets"),
    ({**GOOD, "data_offsets": {"0": 12}}, "data_offsets"),
    ({**GOOD, "data_offsets": [0, 1 << 70]}, "data_offsets"),
    (entry("F16", [2, 3], 0, 10), "takes 12 bytes, but 10 are given"),
    (entry("F16", [1 << 62, 1 << 62], 0, 12), "bytes, but 12 are given"),
    (entry("F16", [0], 0, 12), "takes 0 bytes"),
]


@pytest.mark.parametrize(("bad", "words"), BAD_ENTRIES, ids=range(len(BAD_ENTRIES)))
def test_bad_entries_name_the_tensor(tmp_path: Path, bad: Any, words: str) -> None:
    message = refusal(tmp_path, {"layer.weight": bad}, bytes(12))
    assert "'layer.weight'" in message
    assert words in message


@pytest.mark.parametrize(
    ("header", "size", "tensor", "words"),
    [
        ({"a": GOOD, "b": entry("F16", [2], 10, 14)}, 14, "b", "overlap"),
        ({"a": GOOD, "b": entry("F16", [2, 3], 0, 12)}, 12, "b", "overlap"),
        ({"a": GOOD, "b": entry("F16", [2], 14, 18)}, 18, "b", "2 bytes before it belong to no tensor"),
        ({"a": entry("F16", [2], 4, 8)}, 8, "a", "4 bytes before it"),
        ({"a": GOOD}, 11, "a", "truncated"),
        ({"a": GOOD, "b": entry("F16", [2], 12, 16)}, 12, "b", "truncated"),
    ],
)
def test_layout(tmp_path: Path, header: dict[str, Any], size: int, tensor: str, words: str) -> None:
    message = refusal(tmp_path, header, bytes(size))
    assert f"'{tensor}'" in message
    assert words in message


def test_trailing_bytes(tmp_path: Path) -> None:
    assert "3 bytes at the end belong to no tensor" in refusal(tmp_path, {"a": GOOD}, bytes(15))
    assert "1 bytes at the end" in refusal(tmp_path, {}, bytes(1))


def twice(name: str) -> bytes:
    return f'{{"{name}":{json.dumps(GOOD)},"{name}":{json.dumps(GOOD)}}}'.encode()


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (b"", "not a JSON object"),
        (b"[]", "not a JSON object"),
        (b' {"a":1}', "not a JSON object"),
        (b"{", "not valid JSON"),
        (b"{}x", "not valid JSON"),
        (b'{"a":NaN}', "NaN is not a number"),
        (b'{"a":-Infinity}', "not a number"),
        (b'{"\xff":1}', "not valid JSON"),
        (b'{"a":' + b"[" * 100_000, "not valid JSON"),
        (b'{"a":' + b'{"a":' * 100_000, "not valid JSON"),
        (b'{"a":' + b"9" * 10_000 + b"}", ""),
        (twice("same"), "'same' twice"),
        (twice("__metadata__"), "'__metadata__' twice"),
        (b'{"a":{"dtype":"F16","dtype":"F16","shape":[0],"data_offsets":[0,0]}}', "'dtype' twice"),
        (b'{"\\ud800":{"dtype":"F16","shape":[0],"data_offsets":[0,0]}}', "not valid Unicode"),
        (b'{"__metadata__":{"k":"\\udfff"}}', "'k' is not valid Unicode"),
        (b'{"__metadata__":{"\\ud800":"v"}}', "not valid Unicode"),
        (b'{"__metadata__":{"k":1}}', "'k' is not text"),
        (b'{"__metadata__":{"k":null}}', "'k' is not text"),
        (b'{"__metadata__":[]}', "__metadata__ is not a JSON object"),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_bad_json(tmp_path: Path, raw: bytes, words: str) -> None:
    assert words in refusal(tmp_path, raw)


def test_a_whole_character_in_two_halves_is_fine(tmp_path: Path) -> None:
    raw = b'{"__metadata__":{"k":"\\ud83d\\ude00"},"\\ud83d\\ude00":{"dtype":"F16","shape":[0],"data_offsets":[0,0]}}'
    header = read_header(raw_file(tmp_path / "x", raw))
    assert header.metadata == {"k": "\U0001f600"}
    assert list(header.tensors) == ["\U0001f600"]


@pytest.mark.parametrize("size", range(8))
def test_shorter_than_a_length(tmp_path: Path, size: int) -> None:
    path = tmp_path / "short.safetensors"
    path.write_bytes(bytes(size))
    with pytest.raises(CheckpointError, match=rf"short.safetensors.*{size} bytes are too few"):
        read_header(path)


@pytest.mark.parametrize(
    ("length", "words"),
    [
        (MAX_HEADER_BYTES + 1, "the limit is"),
        (2**64 - 1, "the limit is"),
        (MAX_HEADER_BYTES, "truncated"),
        (100, "truncated"),
    ],
)
def test_claimed_length(tmp_path: Path, length: int, words: str) -> None:
    path = tmp_path / "claims.safetensors"
    path.write_bytes(struct.pack("<Q", length) + b'{"a":1}')
    tracemalloc.start()
    try:
        with pytest.raises(CheckpointError, match=words):
            read_header(path)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


def test_every_truncation_is_noticed(tmp_path: Path) -> None:
    whole = header_bytes({"a": GOOD, "b": entry("U8", [5], 12, 17)}) + bytes(17)
    path = tmp_path / "cut.safetensors"
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match=r"cut\.safetensors"):
            read_header(path)
    path.write_bytes(whole)
    assert len(read_header(path).tensors) == 2


def test_parse_needs_the_whole_header() -> None:
    whole = header_bytes({"a": GOOD})
    with pytest.raises(CheckpointError, match="ends inside its header"):
        parse_header(whole[:-3], len(whole) + 12, "x")


def test_missing_file_and_folder(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="No such file"):
        read_header(tmp_path / "none")
    with pytest.raises(CheckpointError, match="directory"):
        read_header(tmp_path)


def test_long_names_are_cut_in_messages(tmp_path: Path) -> None:
    assert len(refusal(tmp_path, {"n" * 100_000: 5})) < 500


@pytest.mark.parametrize(
    ("dtype", "count", "nbytes"),
    [("F64", 3, 24), ("BF16", 3, 6), ("F8_E4M3", 3, 3), ("BOOL", 3, 3), ("F4", 4, 2), ("F4", 3, 2), ("F6_E2M3", 4, 3)],
)
def test_sizes_of_types(tmp_path: Path, dtype: str, count: int, nbytes: int) -> None:
    path = raw_file(tmp_path / "x", {"a": entry(dtype, [count], 0, nbytes)}, bytes(nbytes))
    assert read_header(path).tensors["a"].nbytes == nbytes
