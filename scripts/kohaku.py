"""Entry point of the webui: hangs the extension into its callbacks. Executed anew at every "Reload UI".

Everything is in ``lib_kohaku``, which has to be imported here: the extension's folder is on the path only now.
"""

from __future__ import annotations

from typing import Any

from modules import script_callbacks, scripts

from lib_kohaku import webui
from lib_kohaku.host.callbacks import hang_in

# Not only added: "Reload custom script bodies" executes this file without clearing what it registered before.
hang_in(
    script_callbacks,
    __file__,
    {
        "ui_settings": webui.add_settings,
        "before_ui": webui.add_axes,
        "ui_tabs": webui.tabs,
        "app_started": webui.add_api,
        "infotext_pasted": webui.take_pasted,
        "list_unets": webui.start_fp8,  # the last callback before the first model is loaded
        "script_unloaded": webui.stop_fp8,
    },
)


class KohakuScript(scripts.Script):
    """Names unsaved merges in infotexts, merges for the cells of an X/Y/Z plot, and adds words to prompts."""

    def title(self) -> str:
        """What API clients call it."""
        return "Kohaku"

    def show(self, is_img2img: bool) -> Any:
        """Always on, in both tabs."""
        return scripts.AlwaysVisible

    def ui(self, is_img2img: bool) -> list[Any]:
        """The section in the page; the values of its components come back as ``args``."""
        return webui.section(self, is_img2img)

    def before_process(self, p: Any, *args: Any) -> None:
        """Before the webui checks which model is loaded."""
        webui.image_hook("before_process", p)

    def process(self, p: Any, *args: Any) -> None:
        """After the prompts are made, before anything is encoded."""
        webui.image_hook("process", p)
        webui.fp8().process(p)
        webui.add_words(p, args)

    def before_process_batch(self, p: Any, *args: Any, **kwargs: Any) -> None:
        """After the webui has looked at the model again."""
        webui.image_hook("before_process_batch", p)

    def postprocess(self, p: Any, processed: Any, *args: Any) -> None:
        """After the last batch."""
        webui.image_hook("postprocess", p)
