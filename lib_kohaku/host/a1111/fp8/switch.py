"""The switch: what the user wants of the loaded model's weights, and making it so."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from modules import devices, sd_models, shared

from lib_kohaku.errors import CancelledError, KohakuError, RefusedError
from lib_kohaku.fp8.choice import OFF, Fp8Choice, Parts, parse_choice
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.host.a1111.fp8.freed import give_back_freed_memory
from lib_kohaku.host.a1111.fp8.held import Held, held_of, hold, let_go
from lib_kohaku.host.a1111.fp8.names import OPTION
from lib_kohaku.progress import Progress

_log = logging.getLogger(__name__)

_REFUSAL = "_kohaku_fp8_refusal"
HOST_FP8 = (
    "The webui's own FP8 weight is on (Settings, Optimizations). Two conversions on top of each other would lose "
    "more than either: switch that one off, or let this one take over"
)
UNSAVED = "An unsaved merge is in no file, so its weights could not be given back. Save it to hold it in fp8"


class Fp8Switch:
    """One for the process. It keeps no state of any model: models carry their own.

    All methods that take a model need the webui's queue to be held.
    """

    def __init__(self, is_unsaved: Callable[[], bool]) -> None:
        """Make the switch.

        Args:
            is_unsaved: Whether the loaded model is an unsaved merge.
        """
        self._is_unsaved = is_unsaved
        self._temporary: Fp8Choice | None = None

    @property
    def wanted(self) -> Fp8Choice:
        """How a model is to be held now: as the settings say, unless :meth:`temporarily` says otherwise."""
        return self._temporary or self.setting

    @contextmanager
    def temporarily(self, choice: Fp8Choice) -> Iterator[None]:
        """Want something else for a while. The settings are not touched, so nobody can save it meanwhile."""
        before, self._temporary = self._temporary, choice
        try:
            yield
        finally:
            self._temporary = before

    @property
    def setting(self) -> Fp8Choice:
        """What the settings say; ``Off`` if they say something unreadable."""
        try:
            # Models are loaded before the webui knows of our settings: then this is the text in its config file.
            return parse_choice(str(getattr(shared.opts, OPTION, OFF.text)))
        except Fp8Error as error:
            _log.warning("Kohaku: %s", error)
            return OFF

    def converts_on_load(self) -> bool:
        """Whether a model that is about to be loaded will be converted, as far as can be told before."""
        return self.wanted.on and getattr(shared.opts, "fp8_storage", "Disable") == "Disable" and not devices.fp8

    def wanted_of_loaded(self, model: Any) -> Fp8Choice | None:
        """How a model is to be held whose weights the webui is about to load; None if it is to be ordinary.

        Whether it is an unsaved merge does not count: what it gets now is in a file.
        """
        wanted = self.wanted
        return wanted if wanted.on and not sd_models.check_fp8(model) else None

    def obstacle(self, model: Any) -> str:
        """Why a model cannot be held in fp8 now; empty if it can."""
        if model is None:
            return "No model is loaded"
        if sd_models.check_fp8(model) or devices.fp8 or _has_float8(model):
            return HOST_FP8
        return UNSAVED if self._is_unsaved() else ""

    def problem(self, model: Any) -> str:
        """Why a model is not as the settings want it; empty if it is, or nothing was tried yet."""
        found = getattr(model, "__dict__", {}).get(_REFUSAL)
        return found[1] if isinstance(found, tuple) and found[0] == self.wanted.text else ""

    def bring_about(self, model: Any, progress: Progress, *, again: bool = False, in_use: bool = True) -> Held | None:
        """Make a model what the settings want, unless it is.

        Args:
            model: The model; None is left alone.
            progress: Told of layers, may cancel.
            again: Try even what was refused before.
            in_use: Whether the webui's wrappers are on the model, so that prompts can be encoded.

        Returns:
            How it is held, None if it is ordinary.

        Raises:
            RefusedError: If it cannot be done. The model is ordinary and sound then.
            CancelledError: If the user stopped it; likewise.
        """
        if model is None:
            return None
        wanted, held = self.wanted, held_of(model)
        if held is not None and held.choice == wanted and held.is_whole(model):
            return held
        problem = self.problem(model)
        if problem and not again:
            return held
        if held is None and not wanted.on:
            model.__dict__.pop(_REFUSAL, None)
            return None
        with_text = self._release(model)
        if not wanted.on:
            model.__dict__.pop(_REFUSAL, None)
        else:
            held = self._hold(model, wanted, progress)
            with_text = with_text or wanted.parts is Parts.UNET_AND_TEXT
        if with_text:
            forget_encoded_prompts(model if in_use else None)
        give_back_freed_memory()
        devices.torch_gc()  # torch keeps what was freed on a GPU: the device would look as full as before
        return held_of(model)

    def note_refusal(self, model: Any, error: KohakuError) -> None:
        """Remember why a model is not as the settings want it."""
        text = str(error)
        model.__dict__[_REFUSAL] = (self.wanted.text, text[:1].upper() + text[1:])

    def make_ordinary(self, model: Any) -> None:
        """Give a model its own weights back, whatever the settings want; for those who write into it."""
        if self._release(model):
            forget_encoded_prompts(model)

    def _release(self, model: Any) -> bool:
        """Let go of a model; tells whether text encoders were held."""
        held = held_of(model)
        if held is None:
            return False
        try:
            # Of a file that was loaded meanwhile the codes are no part; what they say is all that there is.
            problem = let_go(model, exact=held.is_same_file(model))
        except KohakuError as error:
            self.note_refusal(model, error)
            raise
        if problem:
            _log.warning("Kohaku: %s", problem)
        return held.choice.parts is Parts.UNET_AND_TEXT

    def _hold(self, model: Any, wanted: Fp8Choice, progress: Progress) -> Held:
        model.__dict__.pop(_REFUSAL, None)
        try:
            obstacle = self.obstacle(model)
            if obstacle:
                raise RefusedError(f"{obstacle}.")
            return hold(model, wanted, progress)
        except CancelledError:
            # Else the next image would begin anew what the user just stopped.
            model.__dict__[_REFUSAL] = (wanted.text, "Stopped: the model's weights are as they were.")
            raise
        except KohakuError as error:
            self.note_refusal(model, error)
            raise


def _has_float8(model: torch.nn.Module) -> bool:
    return any("float8" in str(parameter.dtype) for parameter in model.parameters())


def forget_encoded_prompts(model: Any | None) -> None:
    """The webui keeps the last prompts encoded, and a model the empty one; its keys for them know nothing of us."""
    from modules import processing  # imports half of the webui, which is not there yet when scripts are loaded

    for owner, names in (
        (processing.StableDiffusionProcessing, ("cached_c", "cached_uc")),
        (processing.StableDiffusionProcessingTxt2Img, ("cached_hr_c", "cached_hr_uc")),
    ):
        for name in names:
            # Emptied in place: an image that is about to be made holds the same list.
            cache = getattr(owner, name, None)
            if isinstance(cache, list):
                cache[:] = [None] * len(cache)
    if model is not None and model is sd_models.model_data.sd_model:
        with devices.autocast(), torch.no_grad():
            model.cond_stage_model_empty_prompt = sd_models.get_empty_cond(model)
