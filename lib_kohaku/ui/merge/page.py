"""The merge page of the tab."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lib_kohaku.checkpoint.blocks import DEFAULT_PROFILE
from lib_kohaku.ui.merge.choices import PROFILES
from lib_kohaku.ui.merge.layout import build_page
from lib_kohaku.ui.merge.wiring import wire_page

if TYPE_CHECKING:
    from lib_kohaku.app.merging import MergeWorkbench


def build(workbench: MergeWorkbench) -> None:
    """Build the page inside the current gradio block."""
    host = workbench.host
    profile = str(host.setting("block_profile", DEFAULT_PROFILE))
    wire_page(build_page(host.info, profile if profile in PROFILES else DEFAULT_PROFILE), workbench)
