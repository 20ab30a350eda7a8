"""The Kohaku tab: one page per workbench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import gradio as gr

from lib_kohaku.later import Later
from lib_kohaku.ui.ids import element_id, hidden
from lib_kohaku.ui.markup import join, tag
from lib_kohaku.ui.merge import page as merge_page
from lib_kohaku.ui.precision import page as precision_page
from lib_kohaku.ui.prompt import page as prompt_page

if TYPE_CHECKING:
    from lib_kohaku.app.merging import MergeWorkbench
    from lib_kohaku.app.prompting import PromptWorkbench

# The webui shows the tab under this title and gives its element the id "tab_kohaku".
TITLE = "Kohaku"
NAME = "kohaku"


# The webui presses buttons with these endings in the tab that is seen, on Ctrl+Enter, Alt+Enter and Esc. Where there
# are none its script fails with an error, so we have some that do nothing.
_SHORTCUTS = ("generate", "interrupt", "skip")


@dataclass(frozen=True)
class Page:
    """One page.

    Attributes:
        title: What its tab says.
        name: Its element's id without our prefix.
        build: Builds it inside the current gradio block.
    """

    title: str
    name: str
    build: Callable[[MergeWorkbench], None]


def _build_prompt_page(merging: MergeWorkbench) -> None:
    prompt_page.build(cast("PromptWorkbench", Later(lambda: merging.prompting, host=merging.host)))


PAGES: tuple[Page, ...] = (
    Page("Merge", "page_merge", merge_page.build),
    Page("Prompt", "page_prompt", _build_prompt_page),
    Page("Precision (fp8)", "page_precision", precision_page.build),
)


def build_tab(workbench: MergeWorkbench) -> gr.Blocks:
    """The tab as gradio blocks, to be rendered by the webui or by :mod:`lib_kohaku.ui.standalone`.

    Reads no folder: the page asks for its lists when it is first seen.
    """
    with gr.Blocks(analytics_enabled=False) as blocks, gr.Tabs(elem_id=element_id("pages")):
        for page in PAGES:
            with gr.TabItem(page.title, elem_id=element_id(page.name)):
                page.build(workbench)
        with hidden():
            gr.HTML(join(*(tag("button", id=element_id(f"no_{name}"), type="button") for name in _SHORTCUTS)))
    return blocks
