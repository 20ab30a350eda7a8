"""What fp8 costs each weight, as a plot in the order of the blocks, with the worst ones named."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from lib_kohaku.fp8.quality import QualitySummary, WeightQuality
from lib_kohaku.ui.markup import Markup, div, tag

_WIDTH, _HEIGHT, _LEFT, _BOTTOM = 640, 180, 34, 20
_TOP_DB = 60.0
_LINES = (10, 20, 30, 40, 50)
_WORST = 8
_NUMBER = re.compile(r"(\d+)")
_SECTIONS = (("input_blocks", "IN"), ("middle_block", "MID"), ("output_blocks", "OUT"))


def quality_html(qualities: Sequence[WeightQuality], summary: QualitySummary) -> Markup:
    """Plot, figures and the worst weights."""
    if not qualities:
        return Markup("")
    facts = (
        f"Median {_decibels(summary.median_db)}, lowest weight {_decibels(summary.lowest_db)}, "
        f"lowest channel {_decibels(summary.lowest_channel_db)}, {100 * summary.flushed:.2f} % became zero."
    )
    worst = sorted(qualities, key=lambda quality: quality.worst_channel_db)[:_WORST]
    header = ["Weight", "SQNR", "Worst channel", "Became zero"]
    rows = [tag("tr", *(tag("th", text) for text in header))]
    for quality in worst:
        channel = f"{_decibels(quality.worst_channel_db)} (no. {quality.worst_channel})"
        cells = [quality.name, _decibels(quality.sqnr_db), channel, f"{100 * quality.flushed:.2f} %"]
        rows.append(tag("tr", *(tag("td", cell) for cell in cells)))
    table = div("kohaku-scroll", tag("table", *rows, class_="kohaku-table"))
    hint = div("kohaku-hint", "Dots: whole weights. Marks below them: the channel that lost most. Higher is better.")
    return div("kohaku-quality", div("kohaku-name", facts), _plot(qualities), hint, table)


def _plot(qualities: Sequence[WeightQuality]) -> Markup:
    ordered = sorted(qualities, key=lambda quality: _natural(quality.name))
    step = (_WIDTH - _LEFT) / max(1, len(ordered))
    parts = [_line(level) for level in _LINES]
    section = ""
    for index, quality in enumerate(ordered):
        x = _LEFT + (index + 0.5) * step
        label = next((text for part, text in _SECTIONS if part in quality.name), "TE")
        if label != section:
            section = label
            parts.append(tag("text", label, x=f"{x:.1f}", y=_HEIGHT - 5, class_="kohaku-plot-text"))
        title = tag("title", f"{quality.name}: {_decibels(quality.sqnr_db)}")
        parts.append(tag("circle", title, cx=f"{x:.1f}", cy=_y(quality.sqnr_db), r=1.6, class_="kohaku-plot-dot"))
        worst = tag("title", f"{quality.name}, channel {quality.worst_channel}: {_decibels(quality.worst_channel_db)}")
        y = _y(quality.worst_channel_db)
        parts.append(tag("rect", worst, x=f"{x - 1.2:.1f}", y=y, width=2.4, height=1.4, class_="kohaku-plot-mark"))
    label = "Signal to noise of every weight, in the order of the blocks"
    return tag("svg", *parts, viewBox=f"0 0 {_WIDTH} {_HEIGHT}", class_="kohaku-plot", role="img", aria_label=label)


def _line(level: int) -> Markup:
    y = _y(level)
    return Markup(
        tag("line", x1=_LEFT, x2=_WIDTH, y1=y, y2=y, class_="kohaku-plot-line")
        + tag("text", f"{level} dB", x=0, y=f"{float(y) + 3:.1f}", class_="kohaku-plot-text")
    )


def _y(decibels: float) -> str:
    height = _HEIGHT - _BOTTOM
    return f"{height - height * max(0.0, min(_TOP_DB, decibels)) / _TOP_DB:.1f}"


def _natural(name: str) -> list[tuple[int, str]]:
    """Sorts text encoders first, then input, middle and output blocks, numbers by value."""
    parts = _NUMBER.split(name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _decibels(value: float) -> str:
    return f"{value:.1f} dB" if math.isfinite(value) else "exact"
