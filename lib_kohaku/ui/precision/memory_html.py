"""Bytes by component and element type as bars, before and after."""

from __future__ import annotations

from lib_kohaku.fp8.policy import MemoryTable
from lib_kohaku.fp8.policy.predict import ComponentBytes
from lib_kohaku.ui.markup import Markup, div, span
from lib_kohaku.units import format_bytes

_LABELS = {"unet": "UNet", "te1": "Text encoder 1", "te2": "Text encoder 2", "te3": "Text encoder 3", "vae": "VAE"}
_FP8 = ("F8_E4M3", "F8_E5M2")
# Smaller ones cannot be seen: scales, say, which are part of the weights that they belong to.
_SMALLEST_SHARE = 0.004


def memory_html(table: MemoryTable | None, after: str) -> Markup:
    """The table as bars.

    Args:
        table: Bytes; None shows nothing.
        after: What its second state is: ``predicted``, ``now``.
    """
    if table is None or not table.before:
        return Markup("")
    largest = max(max(row.before, row.after) for row in table.rows)
    rows = [_row(row, largest) for row in table.rows if max(row.before, row.after) > _SMALLEST_SHARE * largest]
    share = 100 * (1 - table.after / table.before)
    total = f"{format_bytes(table.before)} without fp8 \u00b7 {format_bytes(table.after)} {after}"
    saved = f" \u00b7 {share:.0f} % less" if share >= 1 else ""
    legend = div(
        "kohaku-memory-legend",
        span("kohaku-swatch kohaku-memory-before", ""),
        "without fp8",
        span("kohaku-swatch kohaku-memory-fp8", ""),
        f"8 bit, {after}",
        span("kohaku-swatch kohaku-memory-wide", ""),
        f"16 or 32 bit, {after}",
    )
    return div("kohaku-memory", div("kohaku-name", total + saved), *rows, legend)


def _row(row: ComponentBytes, largest: int) -> Markup:
    label = _LABELS.get(row.component, row.component)
    before = div("kohaku-memory-bar", _piece("before", row.before, largest, "without fp8"))
    pieces = [
        _piece("fp8" if dtype in _FP8 else "wide", nbytes, largest, dtype)
        for dtype, nbytes in row.by_dtype
        if nbytes > _SMALLEST_SHARE * largest
    ]
    after = div("kohaku-memory-bar", *pieces)
    figures = f"{format_bytes(row.before)} \u2192 {format_bytes(row.after)}"
    head = div("kohaku-memory-head", span("", label), span("kohaku-number", figures))
    return div("kohaku-memory-row", head, before, after)


def _piece(kind: str, nbytes: int, largest: int, title: str) -> Markup:
    width = f"width:{100 * nbytes / largest:.2f}%"
    return span(f"kohaku-memory-piece kohaku-memory-{kind}", "", style=width, title=f"{title}: {format_bytes(nbytes)}")
