"""How files are read and written."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from enum import Enum
from pathlib import Path


class IOMode(str, Enum):
    """Past the page cache, or through it.

    A merge reads tens of gigabytes once. Through the page cache that throws everybody else's cached files out and, in
    virtual machines above all, costs more processor time than the arithmetic. ``AUTO`` goes past it where the
    system and the file system allow.
    """

    AUTO = "auto"
    DIRECT = "direct"
    BUFFERED = "buffered"


_NOT_SUPPORTED = {errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP}

# Smaller files are as fast through the page cache, and it may hold them already.
DIRECT_MINIMUM_BYTES = 64 << 20


def open_descriptor(path: Path, flags: int, mode: IOMode, permissions: int = 0o666) -> tuple[int, bool]:
    """Open a file for direct I/O where possible.

    Args:
        path: The file.
        flags: ``os.O_*`` flags without the direct one.
        mode: What is wanted; ``AUTO`` falls back to buffered.
        permissions: For a file that is created, before the process's umask.

    Returns:
        The descriptor and whether it needs aligned transfers.

    Raises:
        OSError: If the file cannot be opened, or not as ``DIRECT`` insists.
    """
    flags |= getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    if mode is not IOMode.BUFFERED:
        direct_flag = getattr(os, "O_DIRECT", 0)
        if direct_flag:
            try:
                return os.open(path, flags | direct_flag, permissions), True
            except OSError as error:
                if mode is IOMode.DIRECT or error.errno not in _NOT_SUPPORTED:
                    raise
                # tmpfs and some network file systems refuse the flag, but may have created the file by then.
                flags &= ~os.O_EXCL
    descriptor = os.open(path, flags, permissions)
    if mode is not IOMode.BUFFERED and sys.platform == "darwin":
        import fcntl

        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_NOCACHE, 1)
    return descriptor, False


def leave_direct_mode(descriptor: int) -> None:
    """Let a direct descriptor take an unaligned transfer (the end of a file)."""
    import fcntl

    flags = fcntl.fcntl(descriptor, fcntl.F_GETFL)
    fcntl.fcntl(descriptor, fcntl.F_SETFL, flags & ~os.O_DIRECT)
