"""The section "Kohaku" of the webui's settings."""

from __future__ import annotations

from typing import Any

import gradio as gr
from modules import shared

from lib_kohaku.checkpoint.blocks import DEFAULT_PROFILE, block_map

PREFIX = "kohaku_"
# Without a section the webui cannot build its page.
_SECTION = ("kohaku", "Kohaku")


def add_settings() -> None:
    """Add the section."""
    _add(
        "infotext",
        True,
        "Write the recipe of an unsaved merge into the infotext of its images",
        info="pasting the infotext brings the recipe back into the Kohaku tab",
    )
    _add(
        "block_profile",
        DEFAULT_PROFILE,
        "Block profile of new recipes",
        component=gr.Dropdown,
        component_args={"choices": list(block_map("sdxl").profiles)},
        info="which block the tensors outside the block list follow",
    )
    folder = _add(
        "data_folder",
        "",
        "Folder for recipes and the history of merges",
        info='empty: "kohaku" in the webui\'s data folder',
        restrict_api=True,
    )
    folder.needs_restart()
    _add(
        "booru_database",
        "",
        "Booru database for captions",
        info="a danbooru2023-sqlite file; the prompt page then takes post ids as well",
        restrict_api=True,
    )
    _add(
        "complete_prompts",
        False,
        "Complete tags in the webui's own prompt boxes",
        info="never when tagcomplete is installed; takes effect at once",
    )
    in_pages = _add(
        "show_in_pages",
        True,
        'Show the section "Kohaku" in txt2img and img2img',
        info="presets, the model's words, putting the prompt in order",
    )
    in_pages.needs_reload_ui()
    restricted = getattr(shared.opts, "restricted_opts", None)
    if isinstance(restricted, set):  # --hide-ui-dir-config takes the choice of folders away
        restricted.update({PREFIX + "data_folder", PREFIX + "booru_database"})


def _add(
    name: str,
    default: Any,
    label: str,
    *,
    info: str,
    component: Any = None,
    component_args: dict[str, Any] | None = None,
    restrict_api: bool = False,
) -> Any:
    option = shared.OptionInfo(
        default, label, component, component_args, section=_SECTION, category_id="sd", restrict_api=restrict_api
    ).info(info)
    shared.opts.add_option(PREFIX + name, option)
    return option
