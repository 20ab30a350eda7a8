"""The seam between this extension and the program that it runs in."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from lib_kohaku.checkpoint.library import ModelLibrary
    from lib_kohaku.host.fp8_control import Fp8Control
    from lib_kohaku.merge.execute.run import MergeReport
    from lib_kohaku.merge.plan.types import MergePlan
    from lib_kohaku.progress import Progress


@dataclass(frozen=True)
class HostInfo:
    """What the host is and can do. User interfaces show or hide things by it and never ask for a host's name.

    Attributes:
        name: For people: ``stable-diffusion-webui v1.10.1``, ``standalone``.
        can_load: Whether a checkpoint can be made the loaded model.
        can_load_unsaved: Whether a merge can be put into the loaded model without a file.
        can_generate: Whether there is a txt2img to send things to.
        has_progress_bar: Whether the host's page shows progress of a task by its id (``requestProgress``).
        choose_paths: Whether users may choose folders (an administrator can forbid it).
    """

    name: str
    can_load: bool = False
    can_load_unsaved: bool = False
    can_generate: bool = False
    has_progress_bar: bool = False
    choose_paths: bool = False


@dataclass(frozen=True)
class LoadedModel:
    """The model that images are made with now.

    Attributes:
        name: What the host shows; for an unsaved merge the name that was given to it.
        path: Its file; None for an unsaved merge.
        unsaved: Whether it is a merge that lies in no file.
        previous: For an unsaved merge, the name of the checkpoint that comes back on demand.
    """

    name: str
    path: Path | None
    unsaved: bool = False
    previous: str = ""


class Host(Protocol):
    """What a host offers. Methods raise :class:`~lib_kohaku.errors.KohakuError` for what a person can cause."""

    @property
    def info(self) -> HostInfo:
        """What the host is and can do."""

    @property
    def fp8(self) -> Fp8Control | None:
        """The switch that holds the loaded model's weights in fp8; None if there is none."""

    def library(self) -> ModelLibrary:
        """The checkpoints that there are now, and the VAEs that the host knows."""

    def output_folder(self) -> Path:
        """Where merged checkpoints go."""

    def data_folder(self) -> Path:
        """Where the user's recipes, presets and history are kept."""

    def known_sha256(self, path: Path) -> str:
        """A file's SHA-256 if it is known without reading the file, else an empty text."""

    def sha256(self, path: Path, progress: Progress) -> str:
        """A file's SHA-256, from a cache or by reading it.

        Raises:
            CancelledError: If ``progress`` says stop.
        """

    def setting(self, name: str, default: Any) -> Any:
        """A setting of the user's, by its name without our prefix."""

    def exclusive(self, task: str, label: str, progress: Progress) -> AbstractContextManager[Progress]:
        """Wait for the host's queue and hold it.

        Args:
            task: Id of the task, for the host's progress bar.
            label: What is being done.
            progress: Our own.

        Returns:
            While it is active no image is generated and no model is loaded. The progress that it gives reports to ours
            and to the host's bar, and is cancelled by either's stop button.
        """

    def refresh_checkpoints(self) -> None:
        """Let the host see new files. While it looks it may know none: inside :meth:`exclusive` where that matters."""

    def load_checkpoint(self, path: Path) -> None:
        """Make a checkpoint the loaded model. Not inside :meth:`exclusive`.

        Raises:
            RefusedError: If the host does not know the file or cannot load.
        """

    def loaded_model(self) -> LoadedModel | None:
        """The loaded model, None if there is none. Never loads one."""

    def load_unsaved(self, plan: MergePlan, name: str, progress: Progress) -> MergeReport:
        """Put a merge into the loaded model, in place. Inside :meth:`exclusive` only.

        If it fails or is cancelled, the model that was loaded before is loaded again before the error is raised.

        Raises:
            RefusedError: If the host cannot do it now; the text says why.
            CancelledError: If the user stopped it.
            FailedError: If it failed.
        """

    def restore_loaded(self, progress: Progress) -> None:
        """Load the checkpoint again that an unsaved merge took the place of. Inside :meth:`exclusive` only."""

    def facts(self) -> Mapping[str, str]:
        """Versions and settings, for bug reports."""
