"""SHA-256 of checkpoints through the webui's own cache, so that no file is hashed twice by the two of us."""

from __future__ import annotations

from pathlib import Path

from modules import cache, shared

from lib_kohaku.checkpoint.hashes import sha256_of
from lib_kohaku.errors import RefusedError
from lib_kohaku.host.a1111.checkpoints import info_of
from lib_kohaku.progress import Progress


def known_sha256(path: Path) -> str:
    """The hash if the webui computed it for the file as it is now, else an empty text.

    The webui itself takes a hash for good unless the file is newer; a file replaced by an older one would keep the
    hash of its predecessor. So the times have to be equal here.
    """
    title = _title(path)
    if not title:
        return ""
    entry = cache.cache("hashes").get(title)
    try:
        modified = path.stat().st_mtime
    except OSError:
        return ""
    if not isinstance(entry, dict) or entry.get("mtime") != modified:
        return ""
    sha256 = entry.get("sha256")
    return sha256 if isinstance(sha256, str) and len(sha256) == 64 else ""


def compute_sha256(path: Path, progress: Progress) -> str:
    """The hash, computed if need be and remembered for the webui; empty if the user switched hashing off.

    Raises:
        CheckpointError: If the file cannot be read.
        CancelledError: If ``progress`` says stop.
    """
    known = known_sha256(path)
    if known:
        return known
    if getattr(shared.cmd_opts, "no_hashing", False):
        return ""
    try:
        modified = path.stat().st_mtime
    except OSError as error:
        raise RefusedError(f"{path.name}: cannot be read ({error.strerror or error}).") from error
    computed = sha256_of(path, progress)
    title = _title(path)
    if title:
        cache.cache("hashes")[title] = {"mtime": modified, "sha256": computed}
    return computed


def _title(path: Path) -> str:
    info = info_of(path)
    return f"checkpoint/{info.name}" if info is not None else ""
