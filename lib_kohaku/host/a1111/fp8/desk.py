"""The switch for those who want it moved: pages, the API, the settings."""

from __future__ import annotations

import os
from typing import Any

from modules import sd_models, shared

from lib_kohaku.errors import RefusedError
from lib_kohaku.fp8.choice import Fp8Choice
from lib_kohaku.fp8.policy import MemoryTable
from lib_kohaku.fp8.quality.images import Picture
from lib_kohaku.host.a1111.fp8.held import held_of
from lib_kohaku.host.a1111.fp8.images import held_text
from lib_kohaku.host.a1111.fp8.memory import memory_now, memory_predicted
from lib_kohaku.host.a1111.fp8.names import OPTION
from lib_kohaku.host.a1111.fp8.pair import make_pair
from lib_kohaku.host.a1111.fp8.settings import setting_field
from lib_kohaku.host.a1111.fp8.switch import HOST_FP8, Fp8Switch
from lib_kohaku.host.a1111.queue import TaskProgress, hold_queue
from lib_kohaku.host.fp8_control import Fp8State, ImageRequest
from lib_kohaku.progress import Progress, SilentProgress


class Fp8Desk:
    """Moves the switch. Not for those who hold the webui's queue."""

    def __init__(self, switch: Fp8Switch) -> None:
        """Work with a switch."""
        self._switch = switch

    def state(self) -> Fp8State:
        """How things stand. Loads nothing and waits for nothing."""
        model = sd_models.model_data.sd_model
        held = held_of(model)
        return Fp8State(
            model=str(getattr(getattr(model, "sd_checkpoint_info", None), "title", "")),
            wanted=self._switch.setting.text,
            held=held_text(model),
            weights=0 if held is None else len(held.attachment.weights),
            problem=self._switch.problem(model),
            host_fp8=getattr(shared.opts, "fp8_storage", "Disable") != "Disable",
        )

    def setting_field(self) -> Any:
        """See :class:`~lib_kohaku.host.fp8_control.Fp8Control`."""
        return setting_field()

    def predicted(self, choice: Fp8Choice) -> MemoryTable | None:
        """See :class:`~lib_kohaku.host.fp8_control.Fp8Control`."""
        model = sd_models.model_data.sd_model
        return None if model is None else memory_predicted(model, choice)

    def memory(self) -> MemoryTable | None:
        """See :class:`~lib_kohaku.host.fp8_control.Fp8Control`."""
        model = sd_models.model_data.sd_model
        return None if model is None else memory_now(model)

    def choose(self, choice: Fp8Choice, progress: Progress, *, task: str = "") -> Fp8State:
        """Set and save the setting, and make the loaded model so; without a model, the next one will be.

        Raises:
            RefusedError: If the setting is frozen or the model cannot be held so. The setting stays for later models.
            CancelledError: If the user stopped it.
        """
        try:
            shared.opts.set(OPTION, choice.text, run_callbacks=False)
            shared.opts.save(shared.config_filename)
        except AssertionError as error:  # frozen by the administrator
            raise RefusedError(f"The webui refuses: {error}.") from error
        self.follow(progress, task=task)
        return self.state()

    def follow(self, progress: Progress | None = None, *, task: str = "") -> None:
        """Make the loaded model what the setting says.

        Raises:
            RefusedError: If it cannot be done.
            CancelledError: If the user stopped it.
        """
        label = f"fp8: {self._switch.wanted.text}"
        with hold_queue(task or _task(), label, progress or SilentProgress()) as shown:
            self._switch.bring_about(_loaded(), shown, again=True)

    def take_over(self, progress: Progress, *, task: str = "") -> Fp8State:
        """Switch the webui's own FP8 off, which loads the model again, and use this one.

        Raises:
            RefusedError: If the webui refuses.
        """
        if not shared.opts.set("fp8_storage", "Disable"):
            # It was off already, or is frozen.
            if getattr(shared.opts, "fp8_storage", "Disable") != "Disable":
                raise RefusedError(f"{HOST_FP8}. The webui does not let us change it.")
        else:
            shared.opts.save(shared.config_filename)
        self.follow(progress, task=task)
        return self.state()

    def pair(
        self, request: ImageRequest, choices: tuple[Fp8Choice, Fp8Choice], progress: Progress, *, task: str = ""
    ) -> tuple[Picture, Picture]:
        """See :class:`~lib_kohaku.host.fp8_control.Fp8Control`."""
        with hold_queue(task or _task(), "fp8: the same image twice", progress) as shown:
            return make_pair(self._switch, request, choices, shown, TaskProgress(progress, owns_bar=False))


def _task() -> str:
    return f"task(kohaku-fp8-{os.urandom(4).hex()})"


def _loaded() -> Any:
    """The loaded model; reading ``shared.sd_model`` would load one."""
    lock = getattr(sd_models.model_data, "lock", None)
    if lock is None:
        return sd_models.model_data.sd_model
    with lock:  # the first model is loaded beside the start, without the queue
        return sd_models.model_data.sd_model
