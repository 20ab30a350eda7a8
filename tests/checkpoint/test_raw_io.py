"""Reading and writing past the page cache and through it: the same bytes."""

from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.checkpoint.io import raw_writer
from lib_kohaku.checkpoint.io.aligned import ALIGNMENT, align_down, align_up, aligned_buffer
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.checkpoint.io.raw_reader import RawReader
from lib_kohaku.checkpoint.io.raw_writer import RawWriter
from lib_kohaku.errors import CheckpointError, FailedError

SIZE = 3 * ALIGNMENT + 777
CONTENT = random.Random(1).randbytes(SIZE)


def direct_works(folder: Path) -> bool:
    probe = folder / "probe"
    probe.write_bytes(b"x")
    try:
        os.close(os.open(probe, os.O_RDONLY | os.O_DIRECT))
    except (OSError, AttributeError):
        return False
    return True


@pytest.fixture(scope="module")
def content_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("raw") / "content"
    path.write_bytes(CONTENT)
    return path


@pytest.fixture(params=list(IOMode), ids=lambda mode: mode.value)
def mode(request: pytest.FixtureRequest, tmp_path: Path) -> IOMode:
    chosen: IOMode = request.param
    if chosen is IOMode.DIRECT and not direct_works(tmp_path):
        pytest.skip("this file system has no direct I/O")
    return chosen


@given(offset=st.integers(0, 1 << 40), size=st.integers(0, 1 << 30))
def test_alignment(offset: int, size: int) -> None:
    assert align_down(offset) % ALIGNMENT == align_up(offset) % ALIGNMENT == 0
    assert align_down(offset) <= offset <= align_up(offset) < offset + ALIGNMENT
    assert RawReader.buffer_bytes(size) >= align_up(offset % ALIGNMENT + size)


def test_any_range_in_any_mode(content_file: Path, mode: IOMode) -> None:
    edges = sorted({max(0, min(SIZE, k * ALIGNMENT + d)) for k in range(5) for d in (-513, -1, 0, 1, 511, 512)})
    chooser = random.Random(7)
    ranges = [(start, end) for start in edges for end in edges if start <= end]
    ranges += [tuple(sorted((chooser.randint(0, SIZE), chooser.randint(0, SIZE)))) for _ in range(200)]
    with RawReader(content_file, mode) as reader:
        for start, end in ranges:
            buffer = aligned_buffer(reader.buffer_bytes(end - start))
            assert bytes(reader.read(start, end - start, buffer)) == CONTENT[start:end], (start, end)


@pytest.mark.parametrize("offset", [0, 1, ALIGNMENT, SIZE - 1, SIZE, SIZE + 1, 10 * SIZE])
def test_reading_beyond_the_end(content_file: Path, mode: IOMode, offset: int) -> None:
    with RawReader(content_file, mode) as reader:
        length = max(1, SIZE - offset + 1)
        buffer = aligned_buffer(reader.buffer_bytes(length))
        with pytest.raises(CheckpointError, match=rf"content: the file ends before byte {offset + length}"):
            reader.read(offset, length, buffer)


def test_change_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "model"
    path.write_bytes(CONTENT)
    with RawReader(path) as reader:
        reader.check_unchanged()
        os.utime(path, ns=(1, 1))
        with pytest.raises(CheckpointError, match="model: the file was changed"):
            reader.check_unchanged()


def test_missing_file(tmp_path: Path, mode: IOMode) -> None:
    with pytest.raises(CheckpointError, match="nothing: cannot be opened"):
        RawReader(tmp_path / "nothing", mode)


@pytest.mark.parametrize("size", [0, 1, 4095, 4096, 4097, 3 * 4096, 100_001])
def test_written_bytes(tmp_path: Path, mode: IOMode, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Small blocks, so that the content spans many of them, written in pieces of random sizes."""
    monkeypatch.setattr(raw_writer, "BLOCK_BYTES", 2 * ALIGNMENT)
    content = random.Random(size).randbytes(size)
    path = tmp_path / "out"
    chooser = random.Random(3)
    writer = RawWriter(path, size, mode)
    position = 0
    while position < size:
        piece = content[position : position + chooser.choice((1, 7, 4096, 9000))]
        if chooser.random() < 0.5:
            writer.write(piece)
        else:
            memory = writer.reserve(len(piece))
            assert 1 <= len(memory) <= len(piece)
            piece = piece[: len(memory)]
            memory[:] = piece
            writer.commit(len(piece))
        position += len(piece)
    writer.finish()
    writer.close()
    writer.close()
    assert hashlib.sha256(path.read_bytes()).digest() == hashlib.sha256(content).digest()


def test_reserved_but_not_committed_is_not_written(tmp_path: Path) -> None:
    writer = RawWriter(tmp_path / "out", 100)
    writer.reserve(50)[:] = bytes(50)
    writer.commit(20)
    writer.finish()
    writer.close()
    assert (tmp_path / "out").stat().st_size == 20


def test_commit_needs_reserve(tmp_path: Path) -> None:
    writer = RawWriter(tmp_path / "out", 100)
    with pytest.raises(ValueError, match="reserve"):
        writer.commit(1)
    writer.close()


def test_existing_file_is_not_taken(tmp_path: Path, mode: IOMode) -> None:
    (tmp_path / "out").write_text("mine")
    with pytest.raises(FailedError, match="cannot be created"):
        RawWriter(tmp_path / "out", 10, mode)
    assert (tmp_path / "out").read_text() == "mine"


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(FailedError, match="cannot be created"):
        RawWriter(tmp_path / "no" / "out", 10)
