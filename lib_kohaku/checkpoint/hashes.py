"""The hashes by which people name models, and a cache so that a file is hashed once.

* AutoV1 (the webui's old "model hash"): first 8 hex digits of the SHA-256 of 64 KiB at offset 1 MiB.
* AutoV2 (the webui's short hash, civitai's AutoV2): first 10 hex digits of the file's SHA-256.
* AutoV3 (civitai; what kohya writes as ``sshs_model_hash``): first 12 hex digits of the SHA-256 of a safetensors
  file without its header.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lib_kohaku.checkpoint.header import read_header
from lib_kohaku.checkpoint.io.aligned import aligned_buffer
from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.checkpoint.io.raw_reader import RawReader
from lib_kohaku.checkpoint.names import is_file
from lib_kohaku.checkpoint.pickled import is_pickled
from lib_kohaku.errors import CheckpointError, KohakuError
from lib_kohaku.progress import Progress, SilentProgress, raise_if_cancelled

CHUNK_BYTES = 8 << 20


@dataclass(frozen=True, slots=True)
class FileHashes:
    """All hashes of one file.

    Attributes:
        sha256: 64 hex digits.
        auto_v1: 8 hex digits.
        auto_v2: 10 hex digits.
        auto_v3: 12 hex digits, empty for files that are not safetensors.
    """

    sha256: str
    auto_v1: str
    auto_v2: str
    auto_v3: str


def auto_v2(sha256: str) -> str:
    """The webui's short hash, upper case as civitai writes it."""
    return sha256[:10].upper()


def sha256_of(path: Path, progress: Progress | None = None, *, start: int = 0) -> str:
    """SHA-256 of a file from byte ``start`` on.

    Raises:
        CheckpointError: If it cannot be read.
        CancelledError: If ``progress`` says stop.
    """
    progress = progress or SilentProgress()
    digest = hashlib.sha256()
    size = _size(path)
    with RawReader(path) as reader:
        buffer = aligned_buffer(reader.buffer_bytes(CHUNK_BYTES))
        for offset in range(start, size, CHUNK_BYTES):
            raise_if_cancelled(progress)
            part = reader.read(offset, min(CHUNK_BYTES, size - offset), buffer)
            digest.update(part)
            progress.advance(len(part))
    return digest.hexdigest()


def auto_v1_of(path: Path) -> str:
    """The webui's old hash, lower case.

    Raises:
        CheckpointError: If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            file.seek(0x100000)
            return hashlib.sha256(file.read(0x10000)).hexdigest()[:8]
    except OSError as error:
        raise CheckpointError(f"{path.name}: cannot be read ({error.strerror or error}).") from error


def hash_file(path: Path, progress: Progress | None = None) -> FileHashes:
    """All hashes of a file (reads it twice if it is a safetensors file).

    Raises:
        CheckpointError: If it cannot be read.
        CancelledError: If ``progress`` says stop.
    """
    progress = progress or SilentProgress()
    is_safetensors = not is_pickled(path)
    data_start = read_header(path).data_start if is_safetensors else 0
    size = _size(path)
    progress.start(f"Hashing {path.name}", 2 * size - data_start if is_safetensors else size, "bytes")
    sha256 = sha256_of(path, progress)
    auto_v3 = sha256_of(path, progress, start=data_start)[:12].upper() if is_safetensors else ""
    return FileHashes(sha256, auto_v1_of(path), auto_v2(sha256), auto_v3)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError as error:
        raise CheckpointError(f"{path.name}: cannot be read ({error.strerror or error}).") from error


class HashCache:
    """SHA-256 of files by path, size and time of change, kept in one JSON file.

    A file that changes has another size or time and is hashed anew. A damaged or unwritable cache costs time, never
    correctness.
    """

    def __init__(self, path: Path) -> None:
        """Use the cache file ``path``; it need not exist."""
        self._path = path
        self._lock = threading.Lock()
        self._entries: dict[str, dict[str, Any]] = self._load()

    def get(self, path: Path) -> str | None:
        """The SHA-256 if it is known and the file has not changed since."""
        entry = self._entries.get(str(path.resolve()))
        if not isinstance(entry, dict):
            return None
        try:
            status = path.stat()
        except OSError:
            return None
        fresh = entry.get("size") == status.st_size and entry.get("mtime_ns") == status.st_mtime_ns
        sha256 = entry.get("sha256")
        return sha256 if fresh and isinstance(sha256, str) and len(sha256) == 64 else None

    def sha256(self, path: Path, progress: Progress | None = None) -> str:
        """The SHA-256, from the cache or computed and remembered.

        Raises:
            CheckpointError: If the file cannot be read.
            CancelledError: If ``progress`` says stop.
        """
        known = self.get(path)
        if known is not None:
            return known
        try:
            status = path.stat()
        except OSError as error:
            raise CheckpointError(f"{path.name}: cannot be read ({error.strerror or error}).") from error
        computed = sha256_of(path, progress)
        with self._lock:
            # Another process may have added entries since this one read the file.
            self._entries = {**self._load(), **self._entries}
            self._entries[str(path.resolve())] = {
                "size": status.st_size,
                "mtime_ns": status.st_mtime_ns,
                "sha256": computed,
            }
            self._save()
        return computed

    def _load(self) -> dict[str, dict[str, Any]]:
        try:
            document = json.loads(self._path.read_text("utf-8"))
        except (OSError, ValueError, RecursionError):
            return {}
        return document if isinstance(document, dict) else {}

    def _save(self) -> None:
        kept = {path: entry for path, entry in self._entries.items() if is_file(Path(path))}
        try:
            write_file_atomically(self._path, json.dumps(kept, indent=1).encode(), overwrite=True)
        except KohakuError:
            return


def default_cache_path() -> Path:
    """Where the command line keeps its hashes, after the habits of each system."""
    if os.name == "nt":
        root = Path(os.environ.get("LOCALAPPDATA", Path.home() / "AppData" / "Local"))
    else:
        root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return root / "sd-webui-kohaku" / "hashes.json"
