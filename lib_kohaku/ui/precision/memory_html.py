"""Bytes by component and element type, before, predicted and after: figures with a bar under each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lib_kohaku.fp8.policy import MemoryTable
from lib_kohaku.ui.markup import Markup, div, join, span, tag
from lib_kohaku.units import format_bytes

_LABELS = {
    "unet": "UNet",
    "te1": "Text encoder 1",
    "te2": "Text encoder 2",
    "te3": "Text encoder 3",
    "vae": "VAE",
    "other": "Other",
}
_ORDER = tuple(_LABELS)
_TYPES = {
    "F8_E4M3": "fp8 e4m3fn",
    "F8_E5M2": "fp8 e5m2",
    "F16": "fp16",
    "BF16": "bf16",
    "F32": "fp32",
    "F64": "fp64",
    "I64": "int64",
    "I32": "int32",
    "U8": "uint8",
}
FP8_TYPES = ("F8_E4M3", "F8_E5M2")
_HALF = ("F16", "BF16")
# Narrower pieces of a bar cannot be seen; the figures name them all the same.
_SMALLEST_SHARE = 0.004

ByType = tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class MemoryState:
    """One column.

    Attributes:
        title: What state it is, in words that are translated.
        rows: (component, bytes by element type).
    """

    title: str
    rows: tuple[tuple[str, ByType], ...]

    @property
    def total(self) -> int:
        """All bytes."""
        return sum(nbytes for _, types in self.rows for _, nbytes in types)

    def of(self, component: str) -> ByType:
        """Bytes of one component."""
        return dict(self.rows).get(component, ())


def before(table: MemoryTable, title: str) -> MemoryState:
    """A table's first state."""
    return MemoryState(title, tuple((row.component, row.before_by_dtype) for row in table.rows))


def after(table: MemoryTable, title: str) -> MemoryState:
    """A table's second state."""
    return MemoryState(title, tuple((row.component, row.by_dtype) for row in table.rows))


def memory_html(states: Sequence[MemoryState]) -> Markup:
    """States of one model side by side; the first is what the others are compared with."""
    if not states or not states[0].total:
        return Markup("")
    found = dict.fromkeys(component for state in states for component, _ in state.rows)
    components = sorted(found, key=lambda component: _ORDER.index(component) if component in _ORDER else len(_ORDER))
    largest = max(_sum(state.of(component)) for state in states for component in components)
    head = tag("tr", tag("th", "Component"), *(tag("th", state.title) for state in states))
    rows = [
        tag(
            "tr",
            tag("td", _LABELS.get(component, component)),
            *(_cell(state.of(component), largest) for state in states),
        )
        for component in components
    ]
    total = tag("tr", tag("td", "All"), *(_total(state, states[0].total) for state in states), class_="kohaku-total")
    table = tag("table", tag("thead", head), tag("tbody", *rows, total), class_="kohaku-table kohaku-memory")
    return join(div("kohaku-scroll", table), _legend())


def _legend() -> Markup:
    kinds = (("fp8", "8 bit"), ("half", "16 bit"), ("wide", "32 bit and others"))
    entries = (join(span(f"kohaku-swatch kohaku-memory-{kind}", ""), tag("span", text)) for kind, text in kinds)
    return div("kohaku-memory-legend", *entries)


def _cell(types: ByType, largest: int) -> Markup:
    pieces = [
        span(f"kohaku-memory-piece kohaku-memory-{_kind(name)}", "", style=f"width:{100 * nbytes / largest:.2f}%")
        for name, nbytes in types
        if nbytes > _SMALLEST_SHARE * largest
    ]
    names = [
        span("kohaku-number", f"{_TYPES.get(name, name.lower())} {format_bytes(nbytes)}") for name, nbytes in types
    ]
    return tag(
        "td",
        span("kohaku-number", format_bytes(_sum(types))),
        div("kohaku-memory-bar", *pieces),
        div("kohaku-memory-types", *names),
    )


def _total(state: MemoryState, compared_with: int) -> Markup:
    share = 100 * (1 - state.total / compared_with)
    less = span("kohaku-badge kohaku-number", f"\u2212{share:.0f} %") if share >= 1 else None
    return tag("td", span("kohaku-number", format_bytes(state.total)), " ", less)


def _kind(dtype: str) -> str:
    if dtype in FP8_TYPES:
        return "fp8"
    return "half" if dtype in _HALF else "wide"


def _sum(types: ByType) -> int:
    return sum(nbytes for _, nbytes in types)
