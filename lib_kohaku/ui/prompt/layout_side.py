"""The right column: presets, size and settings."""

from __future__ import annotations

from lib_kohaku.ui.ids import element_id
from lib_kohaku.ui.markup import Markup, div, tag
from lib_kohaku.ui.prompt.pieces import line, part, press, row, section


def side() -> Markup:
    """What belongs to a prompt besides its words."""
    return div("kohaku-prompt-side", _presets(), _settings())


def _settings() -> Markup:
    swap = press("Swap", "swap", "Turns the picture round")
    numbers = div(
        "kohaku-prompt-numbers",
        line("Width", "width", kind="number"),
        line("Height", "height", kind="number"),
        line("CFG scale", "cfg", "as it is", kind="number"),
        line("Steps", "steps", "as it is", kind="number"),
    )
    ratio = line("Nearest size to", "ratio", "16:9 or 800x1200", "Type an aspect ratio or a size and press Enter")
    return tag(
        "section",
        tag("h3", "Size and settings"),
        part("sizes"),
        numbers,
        row(ratio, swap),
        part("settings_findings"),
        part("advice", "kohaku-hint"),
        aria_label="Size and settings",
    )


def _presets() -> Markup:
    search = tag(
        "input",
        type="search",
        id=element_id("prompt_preset_search"),
        placeholder="Search presets",
        aria_label="Search presets",
        autocomplete="off",
    )
    return tag(
        "section",
        div("kohaku-prompt-title", tag("h3", "Presets"), search),
        part("presets"),
        part("preset_said", "", role="status", aria_live="polite"),
        _keep(),
        aria_label="Presets",
    )


def _keep() -> Markup:
    replace = tag(
        "label",
        tag("input", type="checkbox", id=element_id("prompt_preset_replace")),
        "Replace a preset of that name",
        class_="kohaku-prompt-check",
    )
    file = tag(
        "input",
        type="file",
        id=element_id("prompt_preset_file"),
        accept=".json,application/json",
        class_="kohaku-hidden",
    )
    return section(
        "Save, import, export",
        "preset_tools",
        row(
            line("Name", "preset_name", "Rainy evening"),
            press("Save this prompt", "preset_save", "With negative, size, CFG and steps"),
        ),
        line("What it is for", "preset_description"),
        replace,
        row(
            press("Import a file", "preset_import", "A file that Export gave, or one preset's file"),
            press("Export mine", "preset_export", "All your presets in one file"),
            press("Import the webui's styles", "preset_styles", "Every style becomes a preset", hidden=True),
        ),
        file,
    )
