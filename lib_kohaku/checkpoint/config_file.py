"""``NAME.yaml`` beside ``NAME.safetensors``: how the webui has to build a model that it would not guess by itself.

v-prediction models of the SD 1 and SD 2 families have one, and those with unusual parts. A copy of such a model without
it is loaded as something else, without any error.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.checkpoint.names import is_file
from lib_kohaku.errors import CheckpointError, FailedError

SUFFIX = ".yaml"
MAX_BYTES = 1 << 20
# In configurations of the older and of the newer code that models are built with.
_V_PREDICTION = re.compile(
    rb"""^[^#\n]*(parameterization["']?\s*:\s*["']?v["']?\s*(,|\}|#|$)|\.VScaling\b)""", re.MULTILINE
)


def config_path(checkpoint: Path) -> Path:
    """Where the configuration of a checkpoint would lie."""
    return Path(os.path.splitext(checkpoint)[0] + SUFFIX)  # noqa: PTH122 - as the webui cuts names


def find_config(checkpoint: Path) -> Path | None:
    """The configuration beside a checkpoint, None if there is none."""
    path = config_path(checkpoint)
    return path if is_file(path) else None


def read_config(path: Path) -> bytes:
    """The bytes of a configuration.

    Raises:
        CheckpointError: If it cannot be read or is too large to be one.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise CheckpointError(f"{path.name}: too large for the configuration of a model.")
        return path.read_bytes()
    except OSError as error:
        raise CheckpointError(f"{path.name}: cannot be read ({error.strerror or error}).") from error


def configured_prediction(checkpoint: Path) -> str:
    """``"v"`` if the configuration beside a checkpoint says so, else an empty text; never raises."""
    path = find_config(checkpoint)
    if path is None:
        return ""
    try:
        return _prediction(path, path.stat().st_mtime_ns)
    except (OSError, CheckpointError):
        return ""


@lru_cache(maxsize=64)
def _prediction(path: Path, mtime_ns: int) -> str:  # the arguments are the cache's key
    return "v" if _V_PREDICTION.search(read_config(path)) else ""


def config_problems(config: Path | None, output: Path, *, overwrite: bool) -> list[str]:
    """Reasons why a checkpoint cannot be written to a path because of the configuration there.

    Args:
        config: The configuration that has to go beside it, None for none.
        output: The checkpoint's path.
        overwrite: Whether what is there may be replaced.
    """
    there = find_config(output)
    if there is None:
        return []
    if config is None:
        return [
            f"{there.name} lies there already: the webui would build the result by it, but the base model has no "
            "such configuration. Choose another name, or remove that file."
        ]
    try:
        same = read_config(there) == read_config(config)
    except CheckpointError as error:
        return [str(error)]
    if same or overwrite:
        return []
    return [
        f"{there.name} exists already and is not {config.name}, which has to go with the result. Choose another name, "
        "or allow overwriting."
    ]


@dataclass
class ConfigCopy:
    """A configuration on its way to its place beside a new checkpoint.

    Attributes:
        data: What it says.
        target: Its place.
        overwrite: Whether another one that is there may be replaced.
    """

    data: bytes
    target: Path
    overwrite: bool = False
    _placed: bool = False
    _earlier: bytes | None = None

    def place(self) -> None:
        """Put it there; nothing to do if the same one is there.

        Raises:
            OutputExistsError: If another one is there and may not be replaced.
            CheckpointError: If the one that is there cannot be read.
            FailedError: If it cannot be written.
        """
        if is_file(self.target):
            self._earlier = read_config(self.target)
            if self._earlier == self.data:
                return
        write_file_atomically(self.target, self.data, overwrite=self.overwrite)
        self._placed = True

    def take_back(self) -> None:
        """Leave things as they were before :meth:`place`.

        Raises:
            FailedError: If that is not possible.
        """
        if not self._placed:
            return
        if self._earlier is not None:
            write_file_atomically(self.target, self._earlier, overwrite=True)
            return
        try:
            self.target.unlink(missing_ok=True)
        except OSError as error:
            raise FailedError(f"{self.target.name}: cannot be removed ({error.strerror or error}).") from error
