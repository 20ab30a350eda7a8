"""The same image twice, with weights held in two ways. The webui's queue has to be held."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import numpy as np
from modules import sd_models, shared

from lib_kohaku.errors import CancelledError, FailedError, RefusedError
from lib_kohaku.fp8.choice import Fp8Choice
from lib_kohaku.fp8.quality.images import Picture
from lib_kohaku.host.a1111.fp8.switch import OPTION, Fp8Switch
from lib_kohaku.host.fp8_control import ImageRequest
from lib_kohaku.progress import Progress, SilentProgress, raise_if_cancelled


def make_pair(
    switch: Fp8Switch, request: ImageRequest, choices: tuple[Fp8Choice, Fp8Choice], progress: Progress
) -> tuple[Picture, Picture]:
    """Make both images. The model and the setting are afterwards as they were.

    Raises:
        RefusedError: If there is no model, or it cannot be held as chosen.
        CancelledError: If the user stopped it.
        FailedError: If the webui made no image.
    """
    model = sd_models.model_data.sd_model
    if model is None:
        raise RefusedError("No model is loaded.")
    before = shared.opts.data.get(OPTION)
    try:
        first, second = (_make(switch, model, request, choice, progress) for choice in choices)
    finally:
        if before is None:
            shared.opts.data.pop(OPTION, None)
        else:
            shared.opts.data[OPTION] = before
        switch.bring_about(model, SilentProgress(), again=True)  # also when the user has stopped
    return first, second


def _make(switch: Fp8Switch, model: Any, request: ImageRequest, choice: Fp8Choice, progress: Progress) -> Picture:
    from modules import processing  # imports half of the webui, which is not there yet when scripts are loaded

    raise_if_cancelled(progress)
    # For this moment only: written past the webui's checks, which are for what users set, and never saved.
    shared.opts.data[OPTION] = choice.text
    switch.bring_about(model, progress, again=True)
    image = processing.StableDiffusionProcessingTxt2Img(
        sd_model=model,
        prompt=request.prompt,
        negative_prompt=request.negative,
        seed=request.seed,
        steps=request.steps,
        width=request.width,
        height=request.height,
        sampler_name="Euler",
        cfg_scale=7.0,
        do_not_save_samples=True,
        do_not_save_grid=True,
    )
    with closing(image):
        images = processing.process_images(image).images
    if progress.cancelled():
        raise CancelledError("Stopped. There is nothing to compare.")
    if not images:
        raise FailedError("The webui made no image; its console says why.")
    return np.asarray(images[0].convert("RGB"))
