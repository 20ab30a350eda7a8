"""AutoV1, V2 and V3 computed by hand; a cache that is never believed too long."""

from __future__ import annotations

import hashlib
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest
import torch

from lib_kohaku.checkpoint import hashes
from lib_kohaku.checkpoint.hashes import HashCache, default_cache_path, hash_file, sha256_of
from lib_kohaku.errors import CancelledError, CheckpointError
from tests.support.files import digest, save


@pytest.fixture
def model(tmp_path: Path) -> Path:
    values = torch.frombuffer(bytearray(random.Random(0).randbytes(3 << 20)), dtype=torch.uint8)
    return save(tmp_path / "model.safetensors", {"w": values}, {"format": "pt"})


def test_hashes_by_hand(model: Path) -> None:
    content = model.read_bytes()
    length = int.from_bytes(content[:8], "little")
    found = hash_file(model)
    assert found.sha256 == hashlib.sha256(content).hexdigest()
    assert found.auto_v1 == hashlib.sha256(content[0x100000:0x110000]).hexdigest()[:8]
    assert found.auto_v2 == hashlib.sha256(content).hexdigest()[:10].upper()
    assert found.auto_v3 == hashlib.sha256(content[8 + length :]).hexdigest()[:12].upper()


def test_auto_v3_ignores_metadata(tmp_path: Path) -> None:
    tensors = {"w": torch.arange(100.0)}
    first = hash_file(save(tmp_path / "a.safetensors", tensors, {"k": "1"}))
    second = hash_file(save(tmp_path / "b.safetensors", tensors, {"k": "another text"}))
    assert first.auto_v3 == second.auto_v3
    assert first.auto_v2 != second.auto_v2


def test_known_values(tmp_path: Path) -> None:
    """Files under 1 MiB have the AutoV1 of no bytes at all."""
    path = save(tmp_path / "a.safetensors", {"w": torch.zeros(1)})
    assert hash_file(path).auto_v1 == "e3b0c442"


def test_pickled_files_have_no_v3(tmp_path: Path) -> None:
    path = tmp_path / "a.ckpt"
    torch.save({"w": torch.ones(1)}, path)
    found = hash_file(path)
    assert found.auto_v3 == ""
    assert found.sha256 == digest(path)


class Counting:
    def __init__(self, cancel_after: int = 1 << 60) -> None:
        self.total = self.done = 0
        self._left = cancel_after

    def start(self, label: str, total: int, unit: str) -> None:
        self.total = total

    def advance(self, amount: int) -> None:
        self.done += amount

    def cancelled(self) -> bool:
        self._left -= 1
        return self._left < 0


def test_progress_and_cancellation(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "CHUNK_BYTES", 1 << 20)
    progress = Counting()
    hash_file(model, progress)
    assert progress.done == progress.total > 6 << 20
    with pytest.raises(CancelledError):
        hash_file(model, Counting(cancel_after=2))


def test_missing(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="gone"):
        hash_file(tmp_path / "gone")
    with pytest.raises(CheckpointError, match="gone"):
        sha256_of(tmp_path / "gone")
    with pytest.raises(CheckpointError, match="gone"):
        HashCache(tmp_path / "c.json").sha256(tmp_path / "gone")


def count_computations(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    computed: list[Path] = []
    original = sha256_of

    def counting(path: Path, *arguments: Any, **options: Any) -> str:
        computed.append(path)
        return original(path, *arguments, **options)

    monkeypatch.setattr(hashes, "sha256_of", counting)
    return computed


def test_cache_is_used_and_invalidated(tmp_path: Path, model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    computed = count_computations(monkeypatch)
    store = tmp_path / "cache" / "hashes.json"
    first = HashCache(store).sha256(model)
    assert HashCache(store).sha256(model) == first == digest(model)
    assert len(computed) == 1

    os.utime(model, ns=(1, 1))
    assert HashCache(store).get(model) is None
    assert HashCache(store).sha256(model) == first
    assert len(computed) == 2

    status = model.stat()
    model.write_bytes(model.read_bytes() + b"x")
    os.utime(model, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert HashCache(store).sha256(model) == digest(model) != first


def test_cache_follows_links(tmp_path: Path, model: Path) -> None:
    link = tmp_path / "link.safetensors"
    link.symlink_to(model)
    cache = HashCache(tmp_path / "c.json")
    cache.sha256(link)
    assert cache.get(model) == digest(model)


def test_caches_of_two_processes_add_up(tmp_path: Path, model: Path) -> None:
    other = save(tmp_path / "other.safetensors", {"w": torch.zeros(1)})
    one, two = HashCache(tmp_path / "c.json"), HashCache(tmp_path / "c.json")
    one.sha256(model)
    two.sha256(other)
    fresh = HashCache(tmp_path / "c.json")
    assert fresh.get(model) == digest(model)
    assert fresh.get(other) == digest(other)


def test_entries_of_deleted_files_go(tmp_path: Path, model: Path) -> None:
    gone = save(tmp_path / "gone.safetensors", {"w": torch.zeros(1)})
    HashCache(tmp_path / "c.json").sha256(gone)
    gone.unlink()
    HashCache(tmp_path / "c.json").sha256(model)
    assert list(json.loads((tmp_path / "c.json").read_text())) == [str(model.resolve())]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "{",
        "[" * 100_000,
        '{"/' + "x" * 5000 + '": {"size": 1}}',
        '{"\\u0000": {}}',
        '{"x": 5}',
        "\x00",
    ],
    ids=range(9),
)
def test_damaged_cache_costs_only_time(tmp_path: Path, model: Path, content: str) -> None:
    store = tmp_path / "c.json"
    store.write_text(content)
    assert HashCache(store).sha256(model) == digest(model)
    assert HashCache(store).get(model) == digest(model)


@pytest.mark.parametrize("sha256", [None, 5, "", "short"])
def test_damaged_entry(tmp_path: Path, model: Path, sha256: object) -> None:
    store = tmp_path / "c.json"
    status = model.stat()
    entry = {"size": status.st_size, "mtime_ns": status.st_mtime_ns, "sha256": sha256}
    store.write_text(json.dumps({str(model.resolve()): entry}))
    assert HashCache(store).get(model) is None


def test_unwritable_cache(tmp_path: Path, model: Path) -> None:
    (tmp_path / "file").write_text("")
    assert HashCache(tmp_path / "file" / "c.json").sha256(model) == digest(model)


def test_default_place(own_home: Path) -> None:
    assert default_cache_path() == own_home / "cache" / "sd-webui-kohaku" / "hashes.json"
