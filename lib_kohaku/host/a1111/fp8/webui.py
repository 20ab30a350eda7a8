"""All of fp8 in the webui as one object."""

from __future__ import annotations

from typing import Any

from lib_kohaku.host.a1111.fp8.axis import add_axis
from lib_kohaku.host.a1111.fp8.desk import Fp8Desk
from lib_kohaku.host.a1111.fp8.images import Fp8Images
from lib_kohaku.host.a1111.fp8.loading import LoadHooks
from lib_kohaku.host.a1111.fp8.settings import add_setting
from lib_kohaku.host.a1111.fp8.switch import Fp8Switch
from lib_kohaku.host.a1111.live_merge import LiveMerger
from lib_kohaku.host.a1111.probe import is_forge_like
from lib_kohaku.host.a1111.xyz import xyz_module


class Fp8Webui:
    """One for the process; the webui's script files come and go at every "Reload UI".

    Attributes:
        desk: Moves the switch.
        possible: Whether this webui leaves the model's memory to itself.
    """

    def __init__(self, live: LiveMerger) -> None:
        """Work beside the process's unsaved merge."""
        switch = Fp8Switch(lambda: live.active is not None)
        self.desk = Fp8Desk(switch)
        self._images = Fp8Images(switch)
        self._hooks = LoadHooks(switch)
        # Forks that manage the model's memory themselves have fp8 of their own, and stubs for what is wrapped here.
        self.possible = not is_forge_like()

    def start(self) -> None:
        """From now on models are converted as they are loaded."""
        if self.possible:
            self._hooks.install()

    def stop(self) -> None:
        """Take everything back that was put into the webui. The loaded model stays as it is."""
        self._hooks.remove()

    def process(self, processing: Any) -> None:
        """Before anything of an image is encoded."""
        if self.possible:
            self._images.process(processing)

    def add_setting(self) -> None:
        """The setting, for ``on_ui_settings``."""
        if self.possible:
            add_setting(self.desk.follow)

    def add_axis(self) -> None:
        """The axis of the X/Y/Z plot, for ``on_before_ui``."""
        if self.possible:
            add_axis(xyz_module())
