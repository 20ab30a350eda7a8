"""The extension as one whole inside the webui: what ``scripts/kohaku.py`` hangs into its callbacks.

The webui executes its script files anew at every "Reload UI" but keeps this package, so the objects here live as long
as the process: there is one host (it knows the unsaved merge in the loaded model) and one workbench (it runs the jobs).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lib_kohaku.app.merging import MergeWorkbench
    from lib_kohaku.app.prompt.added_words import AddedWords
    from lib_kohaku.host.a1111.fp8.webui import Fp8Webui
    from lib_kohaku.host.a1111.host import A1111Host
    from lib_kohaku.host.a1111.prompt_script.paste import PastedWords
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


@cache
def added_words() -> AddedWords:
    """Words to add when images are made, and presets, for the webui's own pages."""
    from lib_kohaku.app.prompt.added_words import AddedWords

    return AddedWords(workbench().prompting)


@cache
def pasted_words() -> PastedWords:
    """What a pasted infotext says of them."""
    from lib_kohaku.host.a1111.prompt_script.paste import PastedWords

    return PastedWords(added_words)


def fp8() -> Fp8Webui:
    """Weights in fp8."""
    return host().fp8_webui


def tabs() -> list[tuple[Any, str, str]]:
    """The tab, for ``on_ui_tabs``."""
    from lib_kohaku.ui.tab import NAME, TITLE, build_tab

    return [(build_tab(workbench()), TITLE, NAME)]


def section(script: Any, is_img2img: bool) -> list[Any]:
    """The section "Kohaku" in txt2img or img2img, for the script class's ``ui``."""
    from lib_kohaku.host.a1111.prompt_script.paste import bind_paste
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
    from lib_kohaku.host.a1111.prompt_script.axes import add_prompt_axes
    from lib_kohaku.host.a1111.xyz import add_axes as add
    from lib_kohaku.host.a1111.xyz import xyz_module

    add(workbench())
    add_prompt_axes(xyz_module(), added_words())
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
    """A recipe, and styles, in a pasted infotext, for ``on_infotext_pasted``."""
    from lib_kohaku.host.a1111.pasted import take_pasted as take
    from lib_kohaku.host.a1111.prompt_script.pasted_styles import find_styles

    take(host(), workbench(), parameters)
    if host().setting("show_in_pages", True):
        find_styles(parameters, added_words)
