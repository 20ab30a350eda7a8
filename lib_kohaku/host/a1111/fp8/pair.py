"""The same image twice, with weights held in two ways. The webui's queue has to be held."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import numpy as np
from modules import script_callbacks, sd_models, shared

from lib_kohaku.errors import CancelledError, FailedError, KohakuError, RefusedError
from lib_kohaku.fp8.choice import Fp8Choice
from lib_kohaku.fp8.quality.images import Picture
from lib_kohaku.host.a1111.fp8.switch import Fp8Switch
from lib_kohaku.host.fp8_control import ImageRequest
from lib_kohaku.progress import Progress, SilentProgress, raise_if_cancelled

_log = logging.getLogger(__name__)
_SAMPLER = "Euler"  # deterministic: whatever differs comes from the weights
_CFG_SCALE = 7.0


def make_pair(
    switch: Fp8Switch,
    request: ImageRequest,
    choices: tuple[Fp8Choice, Fp8Choice],
    converting: Progress,
    sampling: Progress,
) -> tuple[Picture, Picture]:
    """Make both images. The model is afterwards held as the settings say, whatever happens; they are not touched.

    Args:
        switch: The switch.
        request: The image; its seed must be a number, not "any".
        choices: How the model is held for each.
        converting: Told of layers; draws the webui's bar.
        sampling: Told of steps; leaves the webui's bar to the webui.

    Raises:
        RefusedError: If there is no model, or it cannot be held as chosen. No image is made then.
        CancelledError: If the user stopped it.
        FailedError: If the webui made no image.
    """
    model = sd_models.model_data.sd_model
    if model is None:
        raise RefusedError("No model is loaded.")
    obstacle = switch.obstacle(model) if any(choice.on for choice in choices) else ""
    if obstacle:
        raise RefusedError(f"{obstacle}.")
    pictures = []
    try:
        for number, choice in enumerate(choices):
            raise_if_cancelled(converting)
            with switch.temporarily(choice):
                switch.bring_about(model, converting, again=True)
                shared.state.job_count, shared.state.job_no = len(choices), number
                sampling.start(f"Image {number + 1} of {len(choices)}", request.steps, "steps")
                pictures.append(_make(model, request, sampling))
    finally:
        _back_to_settings(switch)
    return pictures[0], pictures[1]


def _back_to_settings(switch: Fp8Switch) -> None:
    try:
        # The webui may have put another model in place. Not to be stopped: the user may have stopped the images.
        switch.bring_about(sd_models.model_data.sd_model, SilentProgress(), again=True)
    except KohakuError as error:
        # Then it could not be held so before either; the error that got us here is the one to tell.
        _log.warning("Kohaku: the model stays ordinary. %s", error)


def _make(model: Any, request: ImageRequest, progress: Progress) -> Picture:
    from modules import processing  # imports half of the webui, which is not there yet when scripts are loaded

    image = processing.StableDiffusionProcessingTxt2Img(
        sd_model=model,
        prompt=request.prompt,
        negative_prompt=request.negative,
        seed=request.seed,
        steps=request.steps,
        width=request.width,
        height=request.height,
        sampler_name=_SAMPLER,
        cfg_scale=_CFG_SCALE,
        do_not_save_samples=True,
        do_not_save_grid=True,
    )
    with closing(image), _steps_told(progress):
        images = processing.process_images(image).images
    # An image that was skipped has fewer steps than the other one.
    if progress.cancelled() or shared.state.skipped:
        raise CancelledError("Stopped. There is nothing to compare.")
    if not images:
        raise FailedError("The webui made no image; its console says why.")
    return np.asarray(images[0].convert("RGB"))


@contextmanager
def _steps_told(progress: Progress) -> Iterator[None]:
    """Report every step, and hand a stop of ours on to the webui: it looks at its own flag only."""

    def step(_params: Any) -> None:
        progress.advance(1)
        if progress.cancelled():
            shared.state.interrupt()

    script_callbacks.on_cfg_denoised(step)
    try:
        yield
    finally:
        script_callbacks.remove_callbacks_for_function(step)
