"""What can be wrong with a picture."""

from __future__ import annotations

from lib_kohaku.errors import RefusedError


class PictureError(RefusedError):
    """A picture is damaged, of a kind that is not read, or holds no generation parameters."""


def damaged(kind: str) -> PictureError:
    """The error for a file that breaks the rules of its own format."""
    return PictureError(f"This {kind} file is damaged: its parts do not fit together.")
