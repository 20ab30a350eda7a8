"""What happens at every image: the model is as the settings want it, and the infotext says how it was."""

from __future__ import annotations

import logging
from typing import Any

from modules import sd_models

from lib_kohaku.errors import CancelledError, KohakuError
from lib_kohaku.fp8.choice import OFF
from lib_kohaku.host.a1111.fp8.held import held_of
from lib_kohaku.host.a1111.fp8.names import INFOTEXT_KEY
from lib_kohaku.host.a1111.fp8.switch import Fp8Switch
from lib_kohaku.host.a1111.queue import TaskProgress
from lib_kohaku.progress import SilentProgress

_log = logging.getLogger(__name__)


class Fp8Images:
    """Hooks of the script class. They run with the webui's queue held."""

    def __init__(self, switch: Fp8Switch) -> None:
        """Follow a switch."""
        self._switch = switch

    def process(self, processing: Any) -> None:
        """Before anything is encoded.

        The settings of this image alone (an infotext's, a grid cell's) are in force by now, and the webui may have
        put another model in place that was in memory already, of which it tells nobody.
        """
        model = sd_models.model_data.sd_model
        try:
            self._switch.bring_about(model, TaskProgress(SilentProgress(), owns_bar=False))
        except CancelledError:
            return  # the user stopped the image too
        except KohakuError as error:
            _log.warning("Kohaku: the model stays as it is. %s", error)
        problem = self._switch.problem(model)
        if problem:
            processing.comment(f"Kohaku fp8: {problem}")
        if held_of(model) is not None or problem:
            text = held_text(model)
            # Copies of one processing object share this table.
            processing.extra_generation_params = {**processing.extra_generation_params, INFOTEXT_KEY: text}


def held_text(model: Any) -> str:
    """How a model is held, as a setting's text."""
    held = held_of(model)
    return (OFF if held is None else held.choice).text
