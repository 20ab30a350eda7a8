"""Small pieces of the prompt page's markup. Their ids are how the scripts find them."""

from __future__ import annotations

from lib_kohaku.ui.ids import element_id
from lib_kohaku.ui.markup import Markup, div, span, tag


def part(name: str, class_: str = "", *children: str | None, **attributes: str | bool | None) -> Markup:
    """A place that a script fills."""
    return div(f"kohaku-prompt-{name.replace('_', '-')} {class_}".strip(), *children, id=_id(name), **attributes)


def press(text: str, name: str, hint: str, class_: str = "", **attributes: str | bool | None) -> Markup:
    """A button."""
    return tag("button", text, type="button", id=_id(name), title=hint, class_=_classes(class_), **attributes)


def box(label: str, name: str, rows: int, placeholder: str, *, completes: bool = False) -> Markup:
    """A text of several lines with its label."""
    area = tag(
        "textarea",
        id=_id(name),
        rows=rows,
        placeholder=placeholder,
        spellcheck="false",
        autocomplete="off",
        data_kohaku_completes=completes,
    )
    return tag("label", span("kohaku-prompt-label", label), area, class_="kohaku-prompt-field")


def line(label: str, name: str, placeholder: str = "", hint: str = "", kind: str = "text") -> Markup:
    """A text of one line, or a number, with its label."""
    field = tag(
        "input", type=kind, id=_id(name), placeholder=placeholder or None, title=hint or None, autocomplete="off"
    )
    return tag("label", span("kohaku-prompt-label", label), field, class_="kohaku-prompt-field")


def choice(label: str, name: str, *options: tuple[str, str]) -> Markup:
    """One of a few values, each with what it is called."""
    items = [tag("option", text, value=value) for value, text in options]
    return tag(
        "label",
        span("kohaku-prompt-label", label),
        tag("select", *items, id=_id(name)),
        class_="kohaku-prompt-field",
    )


def named(label: str, name: str, placeholder: str, hint: str) -> Markup:
    """A name that may be of a list that the host has; it can be typed as well, since presets travel."""
    field = tag(
        "input",
        type="text",
        id=_id(name),
        list=_id(f"{name}_names"),
        placeholder=placeholder,
        title=hint,
        autocomplete="off",
        spellcheck="false",
    )
    names = tag("datalist", id=_id(f"{name}_names"))
    return tag("label", span("kohaku-prompt-label", label), field, names, class_="kohaku-prompt-field")


def section(title: str, name: str, *children: str | None) -> Markup:
    """Something that is folded away until it is wanted; the page remembers which are open."""
    summary = tag("summary", title)
    return tag("details", summary, div("kohaku-prompt-inside", *children), id=_id(name), class_="kohaku-prompt-section")


def hint(text: str) -> Markup:
    """A line of explanation."""
    return div("kohaku-hint", text)


def row(*children: str | None) -> Markup:
    """Things beside each other."""
    return div("kohaku-row", *children)


def _id(name: str) -> str:
    return element_id(f"prompt_{name}")


def _classes(class_: str) -> str:
    return f"kohaku-prompt-button {class_}".strip()
