"""Taking a safetensors file out of a zip, as model cards publish fp8 versions, without trusting the zip."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO

from lib_kohaku.checkpoint.header import LENGTH_BYTES, MAX_HEADER_BYTES, parse_header
from lib_kohaku.checkpoint.io.atomic import create_temporary, publish, sweep_temporaries
from lib_kohaku.checkpoint.source import SAFETENSORS
from lib_kohaku.errors import FailedError, OutputExistsError
from lib_kohaku.fp8.errors import Fp8FileError
from lib_kohaku.progress import Progress, SilentProgress, raise_if_cancelled
from lib_kohaku.units import format_bytes

_CHUNK = 8 << 20
# Weights hardly compress; a thousandfold is a bomb. Small files may be anything.
_MAX_RATIO = 50
_RATIO_COUNTS_FROM = 64 << 20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
# How macOS names what it adds to a zip for every file in it.
_MAC_ATTRIBUTES = "._"


@dataclass(frozen=True)
class ArchiveEntry:
    """A safetensors file inside a zip.

    Attributes:
        path: Its path inside the zip, as written there. Never used as a path on this machine.
        name: The last part of it.
        size: Bytes when taken out, as the zip says.
        packed: Bytes inside the zip.
    """

    path: str
    name: str
    size: int
    packed: int


def list_entries(archive: Path) -> tuple[ArchiveEntry, ...]:
    """The safetensors files of a zip.

    Raises:
        Fp8FileError: If it is no sound zip.
    """
    with _open(archive) as file:
        return tuple(_entry(info) for info in file.infolist() if _is_candidate(info))


def import_entry(
    archive: Path,
    output: Path,
    entry: str | None = None,
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> ArchiveEntry:
    """Take a safetensors file out of a zip.

    The size is checked against the disk before, the header of the file against its size as soon as it is there, the
    number of bytes while they come, the checksum and the whole layout at the end; only then the file gets its name.

    Args:
        archive: The zip.
        output: The file to make. Names inside the zip play no part in it.
        entry: Path inside the zip; may be left out if there is only one candidate.
        overwrite: Whether an existing ``output`` may be replaced.
        progress: Told of bytes; may cancel.

    Returns:
        What was taken out.

    Raises:
        Fp8FileError: If the zip or the file in it is damaged, encrypted, packed suspiciously well, or not unambiguous.
        CheckpointError: If what is in it is no sound safetensors file.
        OutputExistsError: If ``output`` exists and may not be replaced.
        FailedError: If there is no room or the disk fails.
        CancelledError: If ``progress`` said so. After any error nothing is left.
    """
    progress = progress or SilentProgress()
    if output.exists() and not overwrite:
        raise OutputExistsError(f"{output.name} exists already.")
    with _open(archive) as file:
        info = _choose(file, entry, archive.name)
        _refuse_suspicious(info, archive.name)
        _require_room(output.parent, info.file_size)
        progress.start(f"Unpacking {PurePosixPath(info.filename).name}", info.file_size, "bytes")
        sweep_temporaries(output.parent)
        _unpack(file, info, output, overwrite, archive.name, progress)
        return _entry(info)


@contextlib.contextmanager
def _open(archive: Path) -> Iterator[zipfile.ZipFile]:
    try:
        file = zipfile.ZipFile(archive)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise Fp8FileError(f"{archive.name}: not a sound zip file ({error}).") from error
    with file:
        yield file


def _is_candidate(info: zipfile.ZipInfo) -> bool:
    return info.filename.lower().endswith(SAFETENSORS) and not _last_part(info.filename).startswith(_MAC_ATTRIBUTES)


def _entry(info: zipfile.ZipInfo) -> ArchiveEntry:
    return ArchiveEntry(info.filename, _last_part(info.filename), info.file_size, info.compress_size)


def _last_part(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[2]


def _choose(file: zipfile.ZipFile, entry: str | None, label: str) -> zipfile.ZipInfo:
    candidates = [info for info in file.infolist() if _is_candidate(info)]
    if entry is not None:
        candidates = [info for info in candidates if info.filename == entry]
    if not candidates:
        raise Fp8FileError(f"{label}: there is no {entry or 'safetensors file'} in it.")
    if len(candidates) > 1:
        listed = ", ".join(info.filename[:100] for info in candidates[:10])
        raise Fp8FileError(f"{label}: several files could be meant: {listed}. Choose one.")
    return candidates[0]


def _refuse_suspicious(info: zipfile.ZipInfo, label: str) -> None:
    where = f"{label}: '{info.filename[:200]}'"
    if info.flag_bits & _ENCRYPTED:
        raise Fp8FileError(f"{where} is encrypted.")
    if info.compress_type not in _METHODS:
        raise Fp8FileError(f"{where} is packed with a method other than deflate.")
    if stat.S_ISLNK(info.external_attr >> 16):
        raise Fp8FileError(f"{where} is a link, not a file.")
    if info.file_size > _RATIO_COUNTS_FROM and info.file_size > _MAX_RATIO * max(1, info.compress_size):
        raise Fp8FileError(
            f"{where} would grow from {format_bytes(info.compress_size)} to {format_bytes(info.file_size)}; weights "
            "never pack that well, so this is no model."
        )


def _require_room(folder: Path, size: int) -> None:
    try:
        free = shutil.disk_usage(folder).free
    except OSError as error:
        raise FailedError(f"{folder}: cannot be written to ({error.strerror or error}).") from error
    if size > free:
        raise FailedError(f"{format_bytes(size)} are needed, {format_bytes(free)} are free.")


def _unpack(
    file: zipfile.ZipFile, info: zipfile.ZipInfo, output: Path, overwrite: bool, label: str, progress: Progress
) -> None:
    temporary: Path | None = None
    try:
        temporary, target = create_temporary(output, lambda path: path.open("xb"))
        with target, file.open(info) as source:
            _copy(source, target, info, label, progress)
            target.flush()
            os.fsync(target.fileno())
            publish(temporary, output, overwrite=overwrite, held=target)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        # ValueErrors are names that are no text, and places before the beginning of the file.
        raise Fp8FileError(f"{label}: '{info.filename[:200]}' is damaged ({error}).") from error
    except OSError as error:
        raise FailedError(f"{output.parent}: unpacking failed ({error.strerror or error}).") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)


def _copy(source: IO[bytes], target: IO[bytes], info: zipfile.ZipInfo, label: str, progress: Progress) -> None:
    where = f"{label}: {PurePosixPath(info.filename).name}"
    head = source.read(LENGTH_BYTES)
    length = int.from_bytes(head, "little")
    if length <= MAX_HEADER_BYTES:
        head += source.read(length)
    # Also tells that every byte of the file belongs to a tensor and that none is missing.
    parse_header(head, info.file_size, where)
    target.write(head)
    done = len(head)
    progress.advance(done)
    while chunk := source.read(_CHUNK):
        raise_if_cancelled(progress)
        done += len(chunk)
        if done > info.file_size:
            break
        target.write(chunk)
        progress.advance(len(chunk))
    if done != info.file_size:
        raise Fp8FileError(f"{where}: it should be {info.file_size} bytes, but there are {done}.")
