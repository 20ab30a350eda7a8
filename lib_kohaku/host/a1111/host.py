"""The webui as a :class:`~lib_kohaku.host.base.Host`."""

from __future__ import annotations

import os
import platform
from collections.abc import Mapping
from contextlib import AbstractContextManager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from modules import sd_models, shared
from modules.paths_internal import data_path

from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import FailedError, RefusedError
from lib_kohaku.host.a1111 import checkpoints
from lib_kohaku.host.a1111.fp8.webui import Fp8Webui
from lib_kohaku.host.a1111.hash_cache import compute_sha256, known_sha256
from lib_kohaku.host.a1111.probe import host_info
from lib_kohaku.host.a1111.queue import hold_queue
from lib_kohaku.host.a1111.sending import find_form
from lib_kohaku.host.a1111.settings import PREFIX
from lib_kohaku.host.base import HostInfo, LoadedModel
from lib_kohaku.later import Later, Once
from lib_kohaku.progress import Progress, SilentProgress
from lib_kohaku.version import __version__

if TYPE_CHECKING:
    from lib_kohaku.host.a1111.live_merge import LiveMerger
    from lib_kohaku.host.fp8_control import Fp8Control
    from lib_kohaku.host.prompting import PromptSurroundings
    from lib_kohaku.host.sending import SendForm, SendTarget
    from lib_kohaku.merge.execute.run import MergeReport
    from lib_kohaku.merge.plan.types import MergePlan


class A1111Host:
    """The webui. There is one for the whole process, for it knows the unsaved merge in the loaded model.

    Attributes:
        fp8_webui: Weights in fp8.
    """

    def __init__(self) -> None:
        self._live = Once(_make_live)
        self.fp8_webui = Fp8Webui(lambda: self.has_unsaved)

    @property
    def live(self) -> LiveMerger:
        """The unsaved merge."""
        return self._live()

    @property
    def has_unsaved(self) -> bool:
        """Whether there is one; asking imports nothing."""
        return self._live.is_made and self._live().active is not None

    @cached_property
    def info(self) -> HostInfo:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return host_info()

    @property
    def fp8(self) -> Fp8Control | None:
        """See :class:`~lib_kohaku.host.base.Host`."""
        if not self.fp8_webui.possible:
            return None
        return cast("Fp8Control", Later(lambda: self.fp8_webui.desk, setting_field=self.fp8_webui.setting_field))

    def library(self) -> ModelLibrary:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return ModelLibrary(checkpoints.checkpoint_roots(), checkpoints.vae_files())

    def output_folder(self) -> Path:
        """See :class:`~lib_kohaku.host.base.Host`."""
        roots = checkpoints.checkpoint_roots()
        if not roots:
            raise RefusedError("The webui's folder for checkpoints does not exist.")
        return roots[0]

    def data_folder(self) -> Path:
        """See :class:`~lib_kohaku.host.base.Host`. Never in the extension, which an update overwrites."""
        root = Path(os.path.abspath(data_path))  # noqa: PTH100 - links stay as the user made them
        chosen = str(self.setting("data_folder", "") or "").strip() if self.info.choose_paths else ""
        return root / chosen if chosen else root / "kohaku"

    def known_sha256(self, path: Path) -> str:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return known_sha256(path)

    def sha256(self, path: Path, progress: Progress) -> str:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return compute_sha256(path, progress)

    def setting(self, name: str, default: Any) -> Any:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return getattr(shared.opts, PREFIX + name, default)

    def exclusive(self, task: str, label: str, progress: Progress) -> AbstractContextManager[Progress]:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return hold_queue(task, label, progress)

    def refresh_checkpoints(self) -> None:
        """See :class:`~lib_kohaku.host.base.Host`."""
        checkpoints.refresh()

    def load_checkpoint(self, path: Path) -> None:
        """See :class:`~lib_kohaku.host.base.Host`."""
        info = checkpoints.info_of(path)
        if info is None:
            raise RefusedError(f"The webui does not know {path.name}: refresh its list of checkpoints.")
        if checkpoints.select_in_fork(info):
            return
        checkpoints.select(info)
        if self._is_loaded(info):
            return
        # It was chosen already: the webui sees no change then and loads nothing, whatever the model holds by now.
        with hold_queue(f"task(kohaku-load-{os.urandom(4).hex()})", f"Loading {info.name}", SilentProgress()):
            active = self.live.active
            if active is not None and active.previous.filename == info.filename:
                self.live.restore()
            else:
                # Where the file was replaced, the webui takes the old weights for the new ones.
                checkpoints.reload_weights(info, forced=_is_outdated(sd_models.model_data.sd_model))
        if not self._is_loaded(info):
            raise FailedError(f"{info.name} could not be loaded; the webui's console says why.")

    def _is_loaded(self, info: Any) -> bool:
        model = sd_models.model_data.sd_model
        if model is None or self.live.active is not None or model.sd_checkpoint_info.filename != info.filename:
            return False
        return not _is_outdated(model)

    def loaded_model(self) -> LoadedModel | None:
        """See :class:`~lib_kohaku.host.base.Host`."""
        info = getattr(sd_models.model_data.sd_model, "sd_checkpoint_info", None)
        if info is None:
            return None
        active = self.live.active
        if active is not None:
            return LoadedModel(active.info.title, None, unsaved=True, previous=active.previous.title)
        return LoadedModel(info.title, Path(info.filename))

    def load_unsaved(self, plan: MergePlan, name: str, progress: Progress) -> MergeReport:
        """See :class:`~lib_kohaku.host.base.Host`."""
        if not self.info.can_load_unsaved:
            raise RefusedError("This webui manages the model's memory itself: save the merge and choose the file.")
        return self.live.load(plan, name, progress)

    def restore_loaded(self, progress: Progress) -> None:
        """See :class:`~lib_kohaku.host.base.Host`."""
        progress.start("Loading", 1, "models")
        self.live.restore()
        progress.advance(1)

    def prompt_surroundings(self) -> PromptSurroundings:
        """See :class:`~lib_kohaku.host.prompting.OffersPrompting`."""
        from lib_kohaku.host.a1111.prompting import prompt_surroundings

        return prompt_surroundings()

    def reload_styles(self) -> None:
        """See :class:`~lib_kohaku.host.prompting.KeepsStyles`."""
        from lib_kohaku.host.a1111.prompting import reload_styles

        reload_styles()

    def send_form(self, target: SendTarget) -> SendForm | None:
        """See :class:`~lib_kohaku.host.sending.OffersSending`."""
        return find_form(target)

    def facts(self) -> Mapping[str, str]:
        """See :class:`~lib_kohaku.host.base.Host`."""
        return {
            "host": self.info.name,
            "kohaku": __version__,
            "python": platform.python_version(),
            "torch": torch.__version__,
            "fp8": str(getattr(shared.opts, "fp8_storage", "")),
            "unsaved merges": "possible" if self.info.can_load_unsaved else "not possible",
        }


def _is_outdated(model: Any) -> bool:
    """Whether a model was loaded from a file that is another one by now."""
    from lib_kohaku.host.a1111.fp8.held import was_replaced  # not at the webui's start

    return model is not None and was_replaced(model)


def _make_live() -> LiveMerger:
    from lib_kohaku.host.a1111.live_merge import LiveMerger

    return LiveMerger()
