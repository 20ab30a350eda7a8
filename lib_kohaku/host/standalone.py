"""No webui: folders of checkpoints and nothing else."""

from __future__ import annotations

import platform
import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from lib_kohaku.checkpoint.hashes import HashCache
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import RefusedError
from lib_kohaku.host.base import HostInfo, LoadedModel
from lib_kohaku.merge.execute.run import MergeReport
from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.progress import Progress
from lib_kohaku.version import __version__

_NO_MODEL = "There is no webui here to load a model into."


class StandaloneHost:
    """Everything but image generation."""

    def __init__(self, models: list[Path], data: Path, cache: Path) -> None:
        """Use folders.

        Args:
            models: Folders with checkpoints; results go into the first one.
            data: For recipes and history.
            cache: File for hashes.

        Raises:
            CheckpointError: If a folder of checkpoints does not exist.
        """
        self._models = models
        self._data = data
        self._hashes = HashCache(cache)
        self._queue = threading.Lock()
        self.library()

    @property
    def info(self) -> HostInfo:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return HostInfo("standalone")

    @property
    def fp8(self) -> None:
        """There is no model to hold."""

    def library(self) -> ModelLibrary:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return ModelLibrary(self._models)

    def output_folder(self) -> Path:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return self._models[0]

    def data_folder(self) -> Path:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return self._data

    def known_sha256(self, path: Path) -> str:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return self._hashes.get(path) or ""

    def sha256(self, path: Path, progress: Progress) -> str:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return self._hashes.sha256(path, progress)

    def setting(self, name: str, default: Any) -> Any:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return default

    def exclusive(self, task: str, label: str, progress: Progress) -> AbstractContextManager[Progress]:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return self._hold_queue(progress)

    @contextmanager
    def _hold_queue(self, progress: Progress) -> Iterator[Progress]:
        with self._queue:
            yield progress

    def refresh_checkpoints(self) -> None:
        """Nothing to do: the folders are listed anew every time."""

    def load_checkpoint(self, path: Path) -> None:
        """There is no model to load into."""
        raise RefusedError(_NO_MODEL)

    def loaded_model(self) -> LoadedModel | None:
        """None."""
        return None

    def load_unsaved(self, plan: MergePlan, name: str, progress: Progress) -> MergeReport:
        """There is no model to load into."""
        raise RefusedError(_NO_MODEL)

    def restore_loaded(self, progress: Progress) -> None:
        """There is no model to load into."""
        raise RefusedError(_NO_MODEL)

    def facts(self) -> Mapping[str, str]:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return {"host": "standalone", "kohaku": __version__, "python": platform.python_version()}
