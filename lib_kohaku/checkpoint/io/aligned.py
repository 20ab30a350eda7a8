"""Memory that direct I/O accepts."""

from __future__ import annotations

import mmap
import os

# Direct I/O wants offsets, lengths and addresses in multiples of the device's block; 4,096 suits every common one.
ALIGNMENT = 4096


def align_down(offset: int) -> int:
    """The largest multiple of :data:`ALIGNMENT` that is not above ``offset``."""
    return offset - offset % ALIGNMENT


def align_up(offset: int) -> int:
    """The smallest multiple of :data:`ALIGNMENT` that is not below ``offset``."""
    return -(-offset // ALIGNMENT) * ALIGNMENT


def aligned_buffer(nbytes: int) -> memoryview:
    """Zeroed, page-aligned memory of at least ``nbytes`` bytes (rounded up to the alignment).

    It is an anonymous mapping: pages count only once touched, and the system gets them back with the last reference.
    """
    size = max(ALIGNMENT, align_up(nbytes))
    if os.name == "nt":
        return memoryview(mmap.mmap(-1, size))
    # Python's default would be memory that is shared with child processes, which systems count and page differently.
    return memoryview(mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))
