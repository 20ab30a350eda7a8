"""The extension as one whole inside the webui: what ``scripts/kohaku.py`` hangs into its callbacks.

The webui executes its script files anew at every "Reload UI" but keeps this package, so the objects here live as long
as the process: there is one host (it knows the unsaved merge in the loaded model) and one workbench (it runs the jobs).
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import cache, wraps
from typing import TYPE_CHECKING, Any, TypeVar, cast

from lib_kohaku.later import Later

if TYPE_CHECKING:
    from lib_kohaku.app.merging import MergeWorkbench
    from lib_kohaku.app.prompt.added_words import AddedWords
    from lib_kohaku.host.a1111.fp8.webui import Fp8Webui
    from lib_kohaku.host.a1111.host import A1111Host
    from lib_kohaku.host.a1111.prompt_script.paste import PastedWords
    from lib_kohaku.host.a1111.prompt_script.paste_fields import LaterPasted
    from lib_kohaku.host.a1111.script import ImageHooks


API_BASE = "/kohaku/v1"

Made = TypeVar("Made")
_making = threading.RLock()


def _once(make: Callable[[], Made]) -> Callable[[], Made]:
    """Keep what a function makes; events of the page come in several threads at once."""
    cached = cache(make)

    @wraps(make)
    def get() -> Made:
        with _making:
            return cached()

    get.cache_clear = cached.cache_clear  # type: ignore[attr-defined]
    return get


@_once
def host() -> A1111Host:
    """The webui."""
    from lib_kohaku.host.a1111.host import A1111Host

    return A1111Host()


@_once
def workbench() -> MergeWorkbench:
    """The merge workbench; its folders are those of the settings at the time of its first use."""
    from lib_kohaku.app.merging import MergeWorkbench

    return MergeWorkbench(host())


@_once
def image_hooks() -> ImageHooks:
    """What happens at every image."""
    from lib_kohaku.host.a1111.grid import GridMerges
    from lib_kohaku.host.a1111.script import ImageHooks

    return ImageHooks(host().live, GridMerges(workbench(), host().live))


def image_hook(name: str, processing: Any) -> None:
    """One of those hooks; at images that are none of ours nothing is imported."""
    from lib_kohaku.host.a1111.axes import CELL

    if host().has_unsaved or hasattr(processing, CELL):
        getattr(image_hooks(), name)(processing)


@_once
def added_words() -> AddedWords:
    """Words to add when images are made, and presets, for the webui's own pages."""
    from lib_kohaku.app.prompt.added_words import AddedWords

    return AddedWords(workbench().prompting)


@_once
def pasted_words() -> LaterPasted:
    """What a pasted infotext says of them."""
    from lib_kohaku.host.a1111.prompt_script.paste_fields import LaterPasted

    def make() -> PastedWords:
        from lib_kohaku.host.a1111.prompt_script.paste import PastedWords

        return PastedWords(added_words)

    return LaterPasted(make)


def fp8() -> Fp8Webui:
    """Weights in fp8."""
    return host().fp8_webui


def tabs() -> list[tuple[Any, str, str]]:
    """The tab, for ``on_ui_tabs``."""
    from lib_kohaku.ui.tab import NAME, TITLE, build_tab

    return [(build_tab(cast("MergeWorkbench", Later(workbench, host=host()))), TITLE, NAME)]


def section(script: Any, is_img2img: bool) -> list[Any]:
    """The section "Kohaku" in txt2img or img2img, for the script class's ``ui``."""
    from lib_kohaku.host.a1111.prompt_script.paste_fields import bind_paste
    from lib_kohaku.ui.accordion.build import build_accordion

    shown = bool(host().setting("show_in_pages", True))
    accordion = build_accordion(added_words, "img2img" if is_img2img else "txt2img", visible=shown)
    if shown:  # what cannot be seen must not be switched on by a pasted infotext
        bind_paste(script, pasted_words(), accordion.enabled, accordion.profile, accordion.words, accordion.negative)
    return accordion.arguments


def add_words(processing: Any, values: tuple[Any, ...]) -> None:
    """Add words to the prompts of an image if somebody wants that, for the script class's ``process``."""
    from lib_kohaku.host.a1111.prompt_script.hooks import add_wanted_words

    add_wanted_words(processing, values, added_words)


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
    from lib_kohaku.host.a1111.prompt_script.axis_labels import add_prompt_axes
    from lib_kohaku.host.a1111.xyz import add_merge_axes

    add_merge_axes(Later(workbench))
    add_prompt_axes(Later(added_words))
    fp8().add_axis()


def add_api(demo: Any, app: Any) -> None:
    """The HTTP API, for ``on_app_started``; the app is a new one after every reload."""
    from lib_kohaku.host.a1111.later_routes import LaterRoutes

    def add() -> None:
        from lib_kohaku.api import register_api
        from lib_kohaku.api.fp8 import register_fp8_api
        from lib_kohaku.app.precision import PrecisionWorkbench
        from lib_kohaku.host.a1111.api_users import api_users

        register_api(app, workbench(), api_users())
        register_fp8_api(app, API_BASE, PrecisionWorkbench(workbench()), fp8().desk, api_users())

    app.router.routes.insert(0, LaterRoutes(API_BASE, add))


def take_pasted(infotext: str, parameters: dict[str, Any]) -> None:
    """A recipe, and styles, in a pasted infotext, for ``on_infotext_pasted``."""
    from lib_kohaku.host.a1111.pasted import take_pasted as take
    from lib_kohaku.host.a1111.prompt_script.pasted_styles import find_styles

    take(host(), workbench(), parameters)
    if host().setting("show_in_pages", True):
        find_styles(parameters, added_words)
