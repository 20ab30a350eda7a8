"""Putting a merge into the loaded model, and bringing the checkpoint back that was there before."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from modules import devices, script_callbacks, sd_hijack, sd_models, sd_unet, sd_vae, shared

from lib_kohaku.checkpoint.config_file import read_config
from lib_kohaku.checkpoint.names import is_file
from lib_kohaku.checkpoint.source import SUFFIXES
from lib_kohaku.errors import FailedError, KohakuError, RefusedError
from lib_kohaku.host.a1111 import checkpoints
from lib_kohaku.host.a1111.fp8.held import let_go
from lib_kohaku.host.a1111.identity import unsaved_info
from lib_kohaku.host.a1111.live_weights import LiveModelSink, fits, undo_baked_loras, weights_by_name
from lib_kohaku.merge.execute.run import MergeReport, execute_plan
from lib_kohaku.merge.plan.build import require_runnable
from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.progress import Progress

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class LiveMerge:
    """An unsaved merge.

    Attributes:
        info: Its private entry; that the model carries this very object is how we know that the merge is still there.
        previous: The entry of the checkpoint that it took the place of: the one that is chosen in the settings.
        recipe: What it is, with its models bound.
        passing: Made for a cell of a grid: the next image without one gets the chosen checkpoint again.
    """

    info: Any
    previous: Any
    recipe: Recipe
    passing: bool = False


class LiveMerger:
    """Keeps at most one unsaved merge. All methods but :attr:`active` need the webui's queue to be held."""

    def __init__(self) -> None:
        self._last: LiveMerge | None = None

    @property
    def active(self) -> LiveMerge | None:
        """The unsaved merge in the loaded model, None if the webui has loaded something else since."""
        if self._last is None or self._last.info is not getattr(_loaded(), "sd_checkpoint_info", None):
            return None
        return self._last

    def load(self, plan: MergePlan, name: str, progress: Progress, *, passing: bool = False) -> MergeReport:
        """Merge into the loaded model.

        Should it fail at any point, the checkpoint that is chosen in the settings is loaded again; should that fail
        too, the model is left with an entry that makes the webui load that checkpoint before the next image.

        Args:
            plan: The plan.
            name: What the merge is called.
            progress: Told about bytes, asked for cancellation.
            passing: See :class:`LiveMerge`.

        Raises:
            RefusedError: If it cannot be done; nothing was changed.
            CancelledError: If the user stopped it.
            FailedError: If it failed.
        """
        require_runnable(plan)
        _refuse_scales(plan)
        _wait_for_first_load()
        _refuse_fp8()
        # Not what is loaded: that may be left over from an image whose request named another checkpoint.
        previous = checkpoints.selected()
        model = _loaded() if _holds(_loaded(), plan) else None
        base = _base_info(plan)
        try:
            if model is None:
                self.release()  # an unsaved merge of another kind passes for the chosen checkpoint, maybe the base
                model = _load_base(base, plan)
            info = unsaved_info(model.sd_checkpoint_info, name)
            # From here on until all is well the webui would load the chosen checkpoint before an image.
            model.sd_checkpoint_info, model.sd_model_checkpoint = info, info.filename
            self._last = LiveMerge(info, previous, plan.recipe, passing)
            report = _write(model, plan, progress)
            _settle(model)
            self.keep()
        except BaseException as error:
            self._bring_back(previous, error)
            if isinstance(error, KohakuError) or not isinstance(error, Exception):
                raise
            _log.exception("Loading %s without saving failed", name)
            raise FailedError(
                f"Loading without saving failed ({type(error).__name__}: {error}). {previous.name} is loaded again."
            ) from error
        return report

    def keep(self) -> None:
        """Let the webui take the merge for the checkpoint that is chosen: it does not load that before an image."""
        if self.active is not None:
            _loaded().sd_model_checkpoint = checkpoints.selected().filename

    def release(self) -> None:
        """Let the webui load the chosen checkpoint before the next image, or at the end of a grid."""
        active = self.active
        if active is not None:
            _loaded().sd_model_checkpoint = active.info.filename

    def restore(self) -> None:
        """Load the checkpoint again that the merge took the place of; nothing to do if the webui already did.

        Raises:
            FailedError: If it cannot be loaded.
        """
        active = self.active
        if active is None:
            return
        # The same object under its entry of today: the webui makes new entries when it lists the files.
        previous = sd_models.checkpoint_aliases.get(active.previous.name, active.previous)
        # With the same file name the webui reuses the model in place; else it would keep the merge as a second one.
        active.info.filename = previous.filename
        checkpoints.reload_weights(previous, forced=True)
        self._last = None

    def _bring_back(self, previous: Any, error: BaseException) -> None:
        try:
            if self.active is not None:
                self.restore()
            else:
                checkpoints.reload_weights(previous, forced=True)
        except FailedError as second:
            raise FailedError(f"{error} After that, {second} Choose a checkpoint in the list.") from error


def _loaded() -> Any:
    """The loaded model; reading ``shared.sd_model`` would load one."""
    return sd_models.model_data.sd_model


def _wait_for_first_load() -> None:
    """The first model is loaded beside the start, without the queue."""
    lock = getattr(sd_models.model_data, "lock", None)
    if lock is not None:
        with lock:
            pass


def _refuse_fp8() -> None:
    model = _loaded()
    if devices.fp8 or (model is not None and sd_models.check_fp8(model)):
        raise RefusedError("The webui's fp8 weights are on: switch them off (Settings, Optimizations) or save a file.")


def _refuse_scales(plan: MergePlan) -> None:
    if any(tensor.auxiliary for tensor in plan.tensors):
        raise RefusedError(
            "fp8 weights with scales can only be written to a file. Choose another type, or save the merge; the loaded "
            "model is held in fp8 by its own switch."
        )


def _holds(model: Any, plan: MergePlan) -> bool:
    """Whether the result belongs into a model as it is."""
    if model is None:
        return False
    prediction = plan.model(plan.base).prediction
    same = (getattr(model, "parameterization", "eps") == "v") == (prediction == "v")
    return same and _built_alike(model, plan.config) and _fits(model, plan)


def _built_alike(model: Any, config: Path | None) -> bool:
    """Whether a model was built by the configuration that a saved file would be built by."""
    used = Path(getattr(model, "used_config", "") or "")
    if config is not None:
        return is_file(used) and read_config(used) == read_config(config)
    # One that lies beside a checkpoint is that checkpoint's own; all others are the webui's.
    return not any(is_file(used.with_suffix(suffix)) for suffix in SUFFIXES) if used.name else True


def _fits(model: Any, plan: MergePlan) -> bool:
    return fits(weights_by_name(model), [tensor.spec for tensor in plan.tensors])


def _base_info(plan: MergePlan) -> Any:
    path = plan.model(plan.base).path
    info = checkpoints.info_of(path)
    if info is None:
        raise RefusedError(f"The webui does not know {path.name}: refresh its list of checkpoints.")
    return info


def _load_base(info: Any, plan: MergePlan) -> Any:
    """Load the formula's base checkpoint, for the loaded model is of another kind.

    What the base predicts is the webui's judgement then: it would be the same for a saved file.
    """
    with sd_models.SkipWritingToConfig():
        checkpoints.reload_weights(info, forced=False)
    model = _loaded()
    if model is None or not _fits(model, plan):
        raise RefusedError(f"The webui cannot hold this {plan.architecture.label} model: save it to a file instead.")
    return model


def _write(model: Any, plan: MergePlan, progress: Progress) -> MergeReport:
    sd_unet.apply_unet("None")  # engines compiled from the old weights
    let_go(model)  # of weights in fp8, which nobody may write into
    undo_baked_loras(model)
    if hasattr(model, "alphas_cumprod_original"):
        model.alphas_cumprod = model.alphas_cumprod_original
    with _without_hijack(model):
        sink = LiveModelSink(weights_by_name(model), [tensor.spec for tensor in plan.tensors])
        report = execute_plan(plan, sink, progress)
    if sink.unknown:
        _log.info("The loaded model has no place for %d tensors (%s, ...)", len(sink.unknown), sink.unknown[0])
    return report


@contextmanager
def _without_hijack(model: Any) -> Iterator[None]:
    """The model without the webui's wrappers and optimisations, as the webui itself takes them off to load weights.

    The names could be had without that. But a model whose optimisations were put on a second time gives (very slightly)
    other images than at its first time, and an unsaved merge has to give the very images of the saved one.
    """
    hijack = sd_hijack.model_hijack
    tiling = getattr(hijack, "circular_enabled", False)
    hijack.undo_hijack(model)
    try:
        yield
    finally:
        hijack.hijack(model)
        hijack.apply_circular(tiling)


def _settle(model: Any) -> None:
    """What the webui does after it has loaded weights: noise schedule, VAE by the user's settings, callbacks."""
    if hasattr(model, "alphas_cumprod_original"):
        model.alphas_cumprod_original = model.alphas_cumprod
        sd_models.apply_alpha_schedule_override(model)
    model.sd_model_hash = None
    shared.opts.data["sd_checkpoint_hash"] = ""
    sd_vae.delete_base_vae()
    sd_vae.clear_loaded_vae()
    vae_file, source = sd_vae.resolve_vae(model.sd_checkpoint_info.filename).tuple()
    sd_vae.load_vae(model, vae_file, source)
    script_callbacks.model_loaded_callback(model)
    with devices.autocast(), torch.no_grad():
        model.cond_stage_model_empty_prompt = sd_models.get_empty_cond(model)
    sd_unet.apply_unet()
