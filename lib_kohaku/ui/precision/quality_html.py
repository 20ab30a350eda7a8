"""What fp8 costs each weight: a verdict, figures, a plot over the blocks, the worst ones named."""

from __future__ import annotations

from collections.abc import Sequence

from lib_kohaku.fp8.quality import QualitySummary, WeightQuality
from lib_kohaku.ui.markup import Markup, div, notice, span, tag
from lib_kohaku.ui.precision import texts
from lib_kohaku.ui.precision.layers import layer_of
from lib_kohaku.ui.precision.quality_plot import decibels, quality_plot

_WORST = 8
# A channel with an error of a quarter of its strength, and one with an error of 6 % (see policy.automatic.Limits).
_LOST_DB, _LIMIT_DB = 12.0, 24.0
_TABLE = ("", "Block", "Weight", "Signal to noise", "Worst channel", "Became zero", "Largest error")


def quality_html(qualities: Sequence[WeightQuality], summary: QualitySummary) -> Markup:
    """Everything about the weights of one model; nothing if none was measured."""
    if not qualities:
        return Markup("")
    worst = sorted(qualities, key=lambda quality: quality.worst_channel_db)[:_WORST]
    facts = (
        ("Weights", str(summary.weights)),
        ("Median", decibels(summary.median_db)),
        ("Lowest weight", decibels(summary.lowest_db)),
        ("Lowest channel", decibels(summary.lowest_channel_db)),
        ("Became zero", f"{100 * summary.flushed:.2f} %"),
    )
    shown = (span("kohaku-fact", span("kohaku-fact-name", name), span("kohaku-number", text)) for name, text in facts)
    return div(
        "kohaku-quality",
        _verdict(qualities),
        div("kohaku-facts", *shown),
        div("kohaku-scroll", quality_plot(qualities, worst)),
        div("kohaku-hint", texts.PLOT),
        div("kohaku-scroll", _table(worst)),
    )


def _verdict(qualities: Sequence[WeightQuality]) -> Markup:
    """One sentence for people who do not read decibels."""
    lost = sum(quality.worst_channel_db < _LOST_DB for quality in qualities)
    weak = sum(quality.worst_channel_db < _LIMIT_DB for quality in qualities)
    if lost:
        many = f"In {lost} of {len(qualities)} weights a channel is all but lost"
        return notice(
            f"{many}: expect visible changes. Scaled e4m3fn loses least; or leave these weights out.", "warning"
        )
    if weak:
        return notice(f"In {weak} of {len(qualities)} weights a channel is off by more than 6 %.", "warning")
    return notice(texts.SOUND, "good")


def _table(worst: Sequence[WeightQuality]) -> Markup:
    rows = []
    for index, quality in enumerate(worst, 1):
        layer = layer_of(quality.name)
        channel = f"{decibels(quality.worst_channel_db)} (no. {quality.worst_channel})"
        cells = (
            str(index),
            layer.block,
            span("kohaku-mono", layer.name, title=quality.name),
            decibels(quality.sqnr_db),
            channel,
            f"{100 * quality.flushed:.2f} %",
            f"{quality.max_error:.2g}",
        )
        rows.append(tag("tr", *(tag("td", cell) for cell in cells)))
    head = tag("tr", *(tag("th", text) for text in _TABLE))
    return tag("table", tag("thead", head), tag("tbody", *rows), class_="kohaku-table")
