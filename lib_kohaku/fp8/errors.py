"""What the fp8 part refuses, in words."""

from __future__ import annotations

from lib_kohaku.errors import CheckpointError, RefusedError


class Fp8Error(RefusedError):
    """A weight, a model or a setting that cannot be held in fp8."""


class NotFiniteError(Fp8Error):
    """A tensor holds NaN or infinity, which no fp8 conversion may carry on or hide."""


class Fp8FileError(CheckpointError):
    """A file whose fp8 weights are damaged or follow a scheme that is not supported."""
