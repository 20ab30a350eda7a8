"""Files that appear under their name whole or not at all.

The data go to a temporary name in the same folder; only when they are complete and on the disk is the file renamed.
A process that is killed leaves its temporary file behind: the next one that writes into the folder removes it. To tell
a dead process's file from a living one's, the writer holds a lock on it, which the system drops with the process.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol, TypeVar

from lib_kohaku.errors import FailedError, OutputExistsError, UnsafeNameError

TEMPORARY_SUFFIX = ".kohaku-tmp"
# Other processes that begin at the same moment may sweep a temporary file before it is locked.
_ATTEMPTS = 10

try:
    import fcntl
except ImportError:  # Windows: a file that somebody has open cannot be deleted, which serves the same end
    fcntl = None  # type: ignore[assignment]


def temporary_path(target: Path) -> Path:
    """A hidden name beside ``target`` that nobody else uses."""
    # Cut so that the name fits where the target's own name fills the file system's limit of 255 bytes.
    stem = target.name.encode("utf-8", "surrogateescape")[:180].decode("utf-8", "ignore")
    return target.with_name(f".{stem}.{secrets.token_hex(6)}{TEMPORARY_SUFFIX}")


class OpenFile(Protocol):
    """What holds a temporary file open: a file object, or a writer of ours. Closing it twice is harmless."""

    def fileno(self) -> int:
        """Its descriptor."""

    def close(self) -> None:
        """Close it."""


Opened = TypeVar("Opened", bound=OpenFile)


def create_temporary(target: Path, create: Callable[[Path], Opened]) -> tuple[Path, Opened]:
    """Make a temporary file beside ``target`` that no sweep takes for a dead process's.

    Args:
        target: The final path.
        create: Makes and opens a file of the path that it is given.

    Returns:
        The file's path, and what ``create`` returned: whoever holds it open holds the lock.

    Raises:
        FailedError: If every file vanishes before it can be locked.
        OSError: Whatever ``create`` raises.
    """
    for _ in range(_ATTEMPTS):
        temporary = temporary_path(target)
        opened = create(temporary)
        lock_temporary(opened.fileno())
        if is_still_there(opened.fileno(), temporary):
            return temporary, opened
        opened.close()
    raise FailedError(f"{target.parent}: temporary files vanish as soon as they are made.")


def lock_temporary(descriptor: int) -> None:
    """Mark an open temporary file as in use by a living process.

    Ask :func:`is_still_there` afterwards: another process may have swept it between its creation and the lock.
    """
    if fcntl is not None:
        with contextlib.suppress(OSError):  # some network file systems have no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)  # waits for a sweep that is looking at the file


def is_still_there(descriptor: int, path: Path) -> bool:
    """Whether an open file still has its name."""
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except OSError:
        return False


def sweep_temporaries(folder: Path) -> list[Path]:
    """Remove what killed processes left in ``folder``.

    Returns:
        The files that were removed.
    """
    removed = []
    for path in folder.glob(f".*{TEMPORARY_SUFFIX}"):
        with contextlib.suppress(OSError), _abandoned(path) as abandoned:
            if abandoned:
                path.unlink()
                removed.append(path)
    return removed


@contextlib.contextmanager
def _abandoned(path: Path) -> Iterator[bool]:
    if fcntl is None:
        yield True
        return
    descriptor = os.open(path, os.O_RDWR)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            yield False
        else:
            yield True
    finally:
        os.close(descriptor)


def publish(temporary: Path, target: Path, *, overwrite: bool, held: OpenFile | None = None) -> None:
    """Give a complete file its final name.

    Args:
        temporary: The file, already synced.
        target: Its final path, in the same folder.
        overwrite: Whether a file of that name may be replaced.
        held: What holds it open, and so its lock, until it has its name. Windows cannot rename an open file: there it
            is closed first.

    Raises:
        OutputExistsError: If ``target`` exists and may not be replaced.
        FailedError: If the file system refuses.
    """
    try:
        if held is not None and os.name == "nt":
            held.close()
        if overwrite:
            temporary.replace(target)
        else:
            _rename_without_replacing(temporary, target)
        _sync_folder(target.parent)
    except FileExistsError as error:
        raise OutputExistsError(f"{target.name} exists already.") from error
    except OSError as error:
        raise FailedError(f"{target.name}: cannot be put in place ({error.strerror or error}).") from error


def _rename_without_replacing(temporary: Path, target: Path) -> None:
    if os.name == "nt":
        temporary.rename(target)  # refuses by itself
        return
    try:
        # A second name, then the first one away: unlike a check and a rename, nothing can come between.
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # file systems without hard links (exFAT, some network shares)
        if target.exists():
            raise FileExistsError(target) from None
        temporary.rename(target)
    else:
        temporary.unlink()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; not possible, and not needed, on Windows."""
    if os.name == "nt":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def write_file_atomically(target: Path, data: bytes, *, overwrite: bool = False) -> None:
    """Write a small file (a recipe, a preset, a cache) whole or not at all.

    Raises:
        UnsafeNameError: If the name is empty.
        OutputExistsError: If it exists and may not be replaced.
        FailedError: If it cannot be written.
    """
    if not target.name:
        raise UnsafeNameError("A file name is needed.")
    temporary: Path | None = None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary, file = create_temporary(target, lambda path: path.open("xb"))
        with file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
            publish(temporary, target, overwrite=overwrite, held=file)
    except OSError as error:
        raise FailedError(f"{target.name}: cannot be written ({error.strerror or error}).") from error
    finally:
        if temporary is not None:
            with contextlib.suppress(OSError):
                temporary.unlink(missing_ok=True)
