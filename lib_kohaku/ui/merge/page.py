"""The merge page of the tab."""

from __future__ import annotations

from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.ui.merge.layout import build_page
from lib_kohaku.ui.merge.wiring import wire_page


def build(workbench: MergeWorkbench) -> None:
    """Build the page inside the current gradio block."""
    wire_page(build_page(workbench.host.info), workbench)
