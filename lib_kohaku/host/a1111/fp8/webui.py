"""All of fp8 in the webui as one object."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lib_kohaku.host.a1111.axes import xyz_module
from lib_kohaku.host.a1111.fp8.axis import add_axis
from lib_kohaku.host.a1111.fp8.loading import LoadHooks
from lib_kohaku.host.a1111.fp8.settings import add_setting, setting_field
from lib_kohaku.host.a1111.probe import is_forge_like
from lib_kohaku.later import Once

if TYPE_CHECKING:
    from lib_kohaku.host.a1111.fp8.desk import Fp8Desk
    from lib_kohaku.host.a1111.fp8.images import Fp8Images
    from lib_kohaku.host.a1111.fp8.switch import Fp8Switch


class Fp8Webui:
    """One for the process; the webui's script files come and go at every "Reload UI".

    What works is imported when it is first used, not at the webui's start.

    Attributes:
        possible: Whether this webui leaves the model's memory to itself.
    """

    def __init__(self, is_unsaved: Callable[[], bool]) -> None:
        """Make it.

        Args:
            is_unsaved: Whether the loaded model is an unsaved merge.
        """
        self._is_unsaved = is_unsaved
        self._switch = Once(self._make_switch)
        self._hooks = LoadHooks(self._switch)
        # Forks that manage the model's memory themselves have fp8 of their own, and stubs for what is wrapped here.
        self.possible = not is_forge_like()

    def _make_switch(self) -> Fp8Switch:
        from lib_kohaku.host.a1111.fp8.switch import Fp8Switch

        return Fp8Switch(self._is_unsaved)

    @cached_property
    def desk(self) -> Fp8Desk:
        """Moves the switch."""
        from lib_kohaku.host.a1111.fp8.desk import Fp8Desk

        return Fp8Desk(self._switch())

    @cached_property
    def _images(self) -> Fp8Images:
        from lib_kohaku.host.a1111.fp8.images import Fp8Images

        return Fp8Images(self._switch())

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
            add_setting(lambda: self.desk.follow())

    def setting_field(self) -> Any:
        """See :class:`~lib_kohaku.host.fp8_control.Fp8Control`."""
        return setting_field()

    def add_axis(self) -> None:
        """The axis of the X/Y/Z plot, for ``on_before_ui``."""
        if self.possible:
            add_axis(xyz_module())
