"""Names that come from outside: file names of outputs, recipes, presets."""

from __future__ import annotations

import re
from pathlib import Path

from lib_kohaku.errors import UnsafeNameError

MAX_NAME_BYTES = 200
# Windows refuses these characters and device names; a file must be usable on every system it is copied to.
# Half characters (JSON can hold them) no file system takes.
_FORBIDDEN = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]')
_DEVICES = re.compile(r"^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\..*)?$", re.IGNORECASE)


def is_file(path: Path) -> bool:
    """Whether there is a regular file of that name; no for names that no file can have or that cannot be looked at."""
    try:
        return path.is_file()
    except (OSError, ValueError):  # longer than the file system allows, a folder without permission, a zero byte
        return False


def safe_file_name(name: str, suffix: str) -> str:
    """A plain file name with the wanted ending.

    Args:
        name: What a person typed, with or without the ending.
        suffix: The only ending allowed, such as ``".safetensors"``; added when it is not there.

    Returns:
        The name with its ending.

    Raises:
        UnsafeNameError: If it is empty, hidden, too long, reserved, or holds a path.
    """
    name = name.strip()
    stem = name[: -len(suffix)] if name.lower().endswith(suffix.lower()) else name
    stem = stem.strip()
    if not stem:
        raise UnsafeNameError("A name is needed.")
    found = _FORBIDDEN.search(stem)
    if found:
        raise UnsafeNameError(f"The name {name[:100]!r} holds {found.group()!r}: give a plain name, not a path.")
    if stem.startswith(".") or stem.endswith("."):
        raise UnsafeNameError(f"The name {name[:100]!r} begins or ends with a dot.")
    if _DEVICES.match(stem):
        raise UnsafeNameError(f"The name {name[:100]!r} is reserved by Windows.")
    if len((stem + suffix).encode("utf-8", "surrogatepass")) > MAX_NAME_BYTES:
        raise UnsafeNameError(f"The name is longer than {MAX_NAME_BYTES} bytes.")
    return stem + suffix


def resolve_inside(root: Path, name: str, suffix: str) -> Path:
    """The path of a new file directly inside ``root``.

    Raises:
        UnsafeNameError: If ``name`` is not a plain name (see :func:`safe_file_name`) or leads out of ``root``.
    """
    root = root.resolve()
    path = root / safe_file_name(name, suffix)
    if path.resolve().parent != root:
        raise UnsafeNameError(f"The name {name[:100]!r} leads out of the folder.")
    return path
