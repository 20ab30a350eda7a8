"""The right column: presets, size and settings."""

from __future__ import annotations

from lib_kohaku.ui.ids import element_id
from lib_kohaku.ui.markup import Markup, div, tag
from lib_kohaku.ui.prompt.pieces import choice, line, named, part, press, row, section


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
    only = press(
        "Set only these in txt2img",
        "send_settings",
        "Size, CFG, steps, sampler, clip skip and hires fix; the prompts there stay",
        hidden=True,
    )
    return tag(
        "section",
        tag("h3", "Size and settings"),
        part("sizes"),
        numbers,
        row(ratio, swap),
        _sampling(),
        _hires(),
        part("settings_findings"),
        part("advice", "kohaku-hint"),
        row(only),
        aria_label="Size and settings",
    )


def _sampling() -> Markup:
    return div(
        "kohaku-prompt-sampling",
        named("Sampler", "sampler", "as it is", "As the webui calls it; empty leaves what is set there"),
        named("Schedule type", "scheduler", "as it is", "As the webui calls it; empty leaves what is set there"),
        line("Clip skip", "clip_skip", "as it is", kind="number"),
    )


def _hires() -> Markup:
    switch = choice("Hires fix", "hires", ("", "as it is"), ("off", "off"), ("on", "on"))
    more = div(
        "kohaku-prompt-numbers kohaku-prompt-hires-more",
        named("Upscaler", "hires_upscaler", "as it is", "As the webui calls it; empty leaves what is set there"),
        line("Enlarge by", "hires_scale", "as it is", kind="number"),
        line("Denoising", "hires_denoising", "as it is", kind="number"),
    )
    return div("kohaku-prompt-hires", div("kohaku-row", switch, part("upscalers")), more)


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
        accept=".json,.csv,application/json,text/csv",
        class_="kohaku-hidden",
    )
    picture = tag(
        "input",
        type="file",
        id=element_id("prompt_preset_picture"),
        accept="image/png,image/jpeg,image/webp",
        class_="kohaku-hidden",
    )
    return section(
        "Save, import, export",
        "preset_tools",
        row(
            line("Name", "preset_name", "Rainy evening"),
            press("Save this prompt", "preset_save", "With negative, size and settings"),
        ),
        line("What it is for", "preset_description"),
        replace,
        row(
            press("Import a file", "preset_import", "Presets, or a styles.csv; it can be dropped on the page as well"),
            press("Export mine", "preset_export", "All your presets in one file"),
            press("Export as styles.csv", "preset_export_styles", "Prompts and negatives, as the webui's styles"),
            press("Import the webui's styles", "preset_styles", "Every style becomes a preset", hidden=True),
        ),
        file,
        picture,
    )
