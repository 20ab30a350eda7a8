"""Keeping a built index on disk, so that it is there at once after a restart."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path

import numpy as np

from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.errors import KohakuError
from lib_kohaku.prompt.tags.arrays import IndexArrays
from lib_kohaku.prompt.tags.model import Tag
from lib_kohaku.prompt.tags.sources import TagSource

_FORMAT = 1  # of the arrays; to be raised with every change of arrays.py or of how names are read
_ONE_BYTE = frozenset({"text", "category", "profile_word", "key_kind"})


class IndexCache:
    """The cache files in one folder. A file serves one set of sources and is replaced when any of them changes.

    A file that is damaged, stale or of another version is as good as none; a folder that cannot be written only
    makes the next start slower.
    """

    def __init__(self, folder: Path, sources: Sequence[TagSource], vocabulary: Sequence[Tag]) -> None:
        places = "\n".join(str(source.path) for source in sources)
        self.path = folder / f"tags-{hashlib.sha256(places.encode()).hexdigest()[:16]}.npz"
        self._identity = _identity(sources, vocabulary)

    def load(self) -> IndexArrays | None:
        """The stored arrays if they were built from the very same sources, else None."""
        try:
            with np.load(self.path, allow_pickle=False) as stored:
                if stored["identity"].tobytes() != self._identity:
                    return None
                arrays = IndexArrays(**{field.name: stored[field.name] for field in fields(IndexArrays)})
        except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, zlib.error):
            return None
        return arrays if _is_sound(arrays) else None

    def store(self, arrays: IndexArrays) -> bool:
        """Store the arrays; returns whether that was possible."""
        buffer = io.BytesIO()
        identity = np.frombuffer(self._identity, dtype=np.uint8)
        # Not compressed: reading 20 MB costs less than inflating 8.
        np.savez(buffer, identity=identity, **{field.name: getattr(arrays, field.name) for field in fields(arrays)})
        try:
            write_file_atomically(self.path, buffer.getvalue(), overwrite=True)
        except KohakuError:
            return False
        return True


def _identity(sources: Sequence[TagSource], vocabulary: Sequence[Tag]) -> bytes:
    own = hashlib.sha256(json.dumps(vocabulary).encode()).hexdigest()
    files = [[str(source.path), source.size, source.modified] for source in sources]
    return json.dumps([_FORMAT, own, files]).encode()


def _is_sound(arrays: IndexArrays) -> bool:
    """Whether types and lengths fit together; the archive's checksums guard the contents."""
    for field in fields(arrays):
        wanted = np.uint8 if field.name in _ONE_BYTE else np.int32
        array = getattr(arrays, field.name)
        if array.dtype != wanted or array.ndim != 1:
            return False
    tags, entries, keys = len(arrays.posts), len(arrays.entry_tag), len(arrays.key_position)
    return (
        len(arrays.category) == len(arrays.profile_word) == tags
        and len(arrays.tag_entry) == tags + 1
        and len(arrays.entry_start) == len(arrays.entry_grams) + 1 == entries + 1
        and len(arrays.key_entry) == len(arrays.key_kind) == keys
        and len(arrays.gram_start) == len(arrays.gram) + 1
        and int(arrays.gram_start[-1]) == len(arrays.gram_entry)
        and int(arrays.entry_start[-1]) == len(arrays.text)
    )
