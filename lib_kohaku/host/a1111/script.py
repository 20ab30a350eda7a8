"""What happens at every image: next to nothing, unless a merge is in the model or a grid asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modules import shared

from lib_kohaku.host.a1111.settings import PREFIX
from lib_kohaku.merge.infotext import INFOTEXT_KEY, recipe_to_infotext

if TYPE_CHECKING:
    from lib_kohaku.host.a1111.grid import GridMerges
    from lib_kohaku.host.a1111.live_merge import LiveMerger


class ImageHooks:
    """The hooks of the script class, which has to live in the script file itself."""

    def __init__(self, live: LiveMerger, grid: GridMerges) -> None:
        """Serve the process's unsaved merge."""
        self._live = live
        self._grid = grid

    def before_process(self, processing: Any) -> None:
        """Before the webui checks which model is loaded."""
        self._grid.before_image(processing)

    def process(self, processing: Any) -> None:
        """After the prompts are known, before anything is encoded."""
        self._grid.merge_for(processing)
        active = self._live.active
        if active is not None and getattr(shared.opts, f"{PREFIX}infotext", True):
            # Copies of one processing object share this table.
            text = recipe_to_infotext(active.recipe)
            processing.extra_generation_params = {**processing.extra_generation_params, INFOTEXT_KEY: text}

    def before_process_batch(self, processing: Any) -> None:
        """Before each batch, right after the webui has looked at the model again: a refiner may have replaced it."""
        self._grid.merge_for(processing)

    def postprocess(self, processing: Any) -> None:
        """After the last batch."""
        self._grid.after_image(processing)
