"""Signal to noise of every weight as an SVG picture: blocks side by side, weights as dots, the worst ones numbered."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from lib_kohaku.fp8.quality import WeightQuality
from lib_kohaku.ui.markup import Markup, tag
from lib_kohaku.ui.precision.layers import in_blocks, layer_of

_LEFT, _BLOCK, _LEAST_BLOCKS = 44, 40, 10
_TOP_DB, _PLOT, _GAP, _STRIP, _FOOT = 48.0, 200, 10, 34, 18
_GRID = (10, 20, 30, 40)
# What each format keeps of weights that suit it (docs/fp8.md).
_BEST = ((31.5, "e4m3fn"), (25.5, "e5m2"))
_LEAST_FLUSHED = 0.01
_MARGIN = 3.0
_NUMBER = 9.0


def quality_plot(qualities: Sequence[WeightQuality], worst: Sequence[WeightQuality]) -> Markup:
    """The plot.

    Args:
        qualities: All weights.
        worst: Those that get a number, beginning with 1.
    """
    blocks = in_blocks(qualities)
    width = _LEFT + _BLOCK * max(_LEAST_BLOCKS, len(blocks))
    places = _places(blocks)
    most = max(_LEAST_FLUSHED, *(quality.flushed for quality in qualities))
    height = _PLOT + _GAP + _STRIP + _FOOT
    parts = [*_frame(blocks, width, most), _channels(qualities, places), _flushed(qualities, places, most)]
    parts += [_dot(quality, places[quality.name]) for weights in blocks.values() for quality in weights]
    parts += _numbers(worst, places)
    label = "Signal to noise of every weight, in the order of the blocks"
    box = f"0 0 {width} {height}"
    return tag("svg", *parts, viewBox=box, class_="kohaku-plot", role="img", aria_label=label)


def _places(blocks: Mapping[str, Sequence[WeightQuality]]) -> dict[str, float]:
    """Where each weight is on the horizontal axis. Blocks are equally wide, however many weights they have."""
    places = {}
    for index, weights in enumerate(blocks.values()):
        step = (_BLOCK - 2 * _MARGIN) / len(weights)
        for position, quality in enumerate(weights):
            places[quality.name] = _LEFT + index * _BLOCK + _MARGIN + (position + 0.5) * step
    return places


def _frame(blocks: Mapping[str, object], width: int, most: float) -> list[Markup]:
    """Bands and names of blocks, lines of the scale."""
    parts = []
    for index, name in enumerate(blocks):
        left = _LEFT + index * _BLOCK
        if index % 2:
            height = _PLOT + _GAP + _STRIP
            parts.append(tag("rect", x=left, y=0, width=_BLOCK, height=height, class_="kohaku-plot-band"))
        middle = left + _BLOCK / 2
        parts.append(_text(name, middle, _PLOT + _GAP + _STRIP + 12, "kohaku-plot-text kohaku-plot-middle"))
    for level in _GRID:
        parts += [_line(level, width, "kohaku-plot-line"), _text(f"{level} dB", 0, float(_y(level)) + 3)]
    for best, name in _BEST:
        parts.append(_line(best, width, "kohaku-plot-best"))
        parts.append(_text(name, width - 2, float(_y(best)) - 3, "kohaku-plot-text kohaku-plot-end"))
    parts.append(_text(f"{100 * most:.0f} %", 0, _PLOT + _GAP + 8))
    return [*parts, _text("0 %", 0, _PLOT + _GAP + _STRIP)]


def _channels(qualities: Sequence[WeightQuality], places: Mapping[str, float]) -> Markup:
    """From each weight down to its worst channel; one path, for there can be a thousand."""
    strokes = (
        f"M{places[quality.name]:.1f} {_y(quality.sqnr_db)}V{_y(quality.worst_channel_db)}" for quality in qualities
    )
    return tag("path", d="".join(strokes), class_="kohaku-plot-channel")


def _flushed(qualities: Sequence[WeightQuality], places: Mapping[str, float], most: float) -> Markup:
    foot = _PLOT + _GAP + _STRIP
    strokes = (
        f"M{places[quality.name]:.1f} {foot}V{foot - _STRIP * quality.flushed / most:.1f}"
        for quality in qualities
        if quality.flushed
    )
    return tag("path", d="".join(strokes), class_="kohaku-plot-flushed")


def _dot(quality: WeightQuality, x: float) -> Markup:
    layer = layer_of(quality.name)
    text = (
        f"{layer.block} {layer.name}: {decibels(quality.sqnr_db)}, channel {quality.worst_channel}: "
        f"{decibels(quality.worst_channel_db)}, {100 * quality.flushed:.2f} % became zero"
    )
    return tag("circle", tag("title", text), cx=f"{x:.1f}", cy=_y(quality.sqnr_db), r=1.8, class_="kohaku-plot-dot")


def _numbers(worst: Sequence[WeightQuality], places: Mapping[str, float]) -> list[Markup]:
    """Numbers below the worst channels; where several would lie on each other, one under another."""
    taken: list[tuple[float, float]] = []
    for quality in worst:
        x, y = places[quality.name], float(_y(quality.worst_channel_db)) + _NUMBER
        while any(abs(x - left) < _NUMBER and abs(y - top) < _NUMBER for left, top in taken):
            y += _NUMBER
        taken.append((x, y))
    kind = "kohaku-plot-text kohaku-plot-number"
    return [_text(str(index), x, y, kind) for index, (x, y) in enumerate(taken, 1)]


def _line(level: float, width: int, class_: str) -> Markup:
    return tag("line", x1=_LEFT, x2=width, y1=_y(level), y2=_y(level), class_=class_)


def _text(text: str, x: float, y: float, class_: str = "kohaku-plot-text") -> Markup:
    return tag("text", text, x=f"{x:.1f}", y=f"{y:.1f}", class_=class_)


def _y(level: float) -> str:
    return f"{_PLOT - _PLOT * max(0.0, min(_TOP_DB, level)) / _TOP_DB:.1f}"


def decibels(value: float) -> str:
    """``31.5 dB``, or ``exact``."""
    return f"{value:.1f} dB" if math.isfinite(value) else "exact"
