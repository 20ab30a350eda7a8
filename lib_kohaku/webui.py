"""The extension as one whole inside the webui: what ``scripts/kohaku.py`` hangs into its callbacks.

The webui executes its script files anew at every "Reload UI" but keeps this package, so the objects here live as long
as the process: there is one host (it knows the unsaved merge in the loaded model) and one workbench (it runs the jobs).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lib_kohaku.app.merging import MergeWorkbench
    from lib_kohaku.host.a1111.fp8.webui import Fp8Webui
    from lib_kohaku.host.a1111.host import A1111Host
    from lib_kohaku.host.a1111.script import ImageHooks


@cache
def host() -> A1111Host:
    """The webui."""
    from lib_kohaku.host.a1111.host import A1111Host

    return A1111Host()


@cache
def workbench() -> MergeWorkbench:
    """The merge workbench; its folders are those of the settings at the time of its first use."""
    from lib_kohaku.app.merging import MergeWorkbench

    return MergeWorkbench(host())


@cache
def image_hooks() -> ImageHooks:
    """What happens at every image."""
    from lib_kohaku.host.a1111.grid import GridMerges
    from lib_kohaku.host.a1111.script import ImageHooks

    return ImageHooks(host().live, GridMerges(workbench(), host().live))


def fp8() -> Fp8Webui:
    """Weights in fp8."""
    return host().fp8_webui


def tabs() -> list[tuple[Any, str, str]]:
    """The tab, for ``on_ui_tabs``."""
    from lib_kohaku.ui.tab import NAME, TITLE, build_tab

    return [(build_tab(workbench()), TITLE, NAME)]


def start_fp8(_unets: list[Any]) -> None:
    """Convert models as they are loaded, for ``on_list_unets``: nothing is added to that list."""
    fp8().start()


def stop_fp8() -> None:
    """Take back what was put into the webui, for ``on_script_unloaded``."""
    fp8().stop()


def add_settings() -> None:
    """The section of the settings, for ``on_ui_settings``."""
    from lib_kohaku.host.a1111.settings import add_settings as add

    add()
    fp8().add_setting()


def add_axes() -> None:
    """The axes of the X/Y/Z plot, for ``on_before_ui``."""
    from lib_kohaku.host.a1111.xyz import add_axes as add

    add(workbench())
    fp8().add_axis()


def add_api(demo: Any, app: Any) -> None:
    """The HTTP API, for ``on_app_started``; the app is a new one after every reload."""
    from lib_kohaku.api import register_api
    from lib_kohaku.api.fp8 import register_fp8_api
    from lib_kohaku.api.routes import BASE
    from lib_kohaku.app.precision import PrecisionWorkbench
    from lib_kohaku.host.a1111.api_users import api_users

    register_api(app, workbench(), api_users())
    register_fp8_api(app, BASE, PrecisionWorkbench(workbench()), fp8().desk, api_users())


def take_pasted(infotext: str, parameters: dict[str, Any]) -> None:
    """A recipe in a pasted infotext, for ``on_infotext_pasted``."""
    from lib_kohaku.host.a1111.pasted import take_pasted as take

    take(host(), workbench(), parameters)
