"""HTML from untrusted text: everything is escaped unless it was built here."""

from __future__ import annotations

from html import escape

_VOID = ("input", "br", "img")


class Markup(str):
    """Text that is HTML already."""

    __slots__ = ()


def tag(name: str, /, *children: str | None, **attributes: str | float | bool | None) -> Markup:
    """One element.

    Args:
        name: Its name.
        *children: Texts, which are escaped, and elements; None is left out.
        **attributes: ``class_`` is ``class``, other underscores are dashes; None and False are left out.
    """
    words = [name]
    for key, value in attributes.items():
        if value is None or value is False:
            continue
        shown = key.rstrip("_").replace("_", "-")
        words.append(shown if value is True else f'{shown}="{escape(str(value))}"')
    end = "" if name in _VOID else f"</{name}>"
    return Markup(f"<{' '.join(words)}>{join(*children)}{end}")


def join(*parts: str | None) -> Markup:
    """Texts and elements one after another."""
    return Markup("".join(part if isinstance(part, Markup) else escape(part) for part in parts if part is not None))


def div(class_: str, /, *children: str | None, **attributes: str | float | bool | None) -> Markup:
    """A ``div`` with a class."""
    return tag("div", *children, class_=class_, **attributes)


def span(class_: str, /, *children: str | None, **attributes: str | float | bool | None) -> Markup:
    """A ``span`` with a class."""
    return tag("span", *children, class_=class_, **attributes)


def action(text: str, name: str, value: str, hint: str = "", class_: str = "") -> Markup:
    """A small button inside HTML; ``window.kohaku`` hands its value to the hidden button of that name."""
    classes = f"kohaku-action {class_}".strip()
    return tag(
        "button",
        text,
        type="button",
        class_=classes,
        title=hint or None,
        data_kohaku_action=name,
        data_kohaku_value=value,
    )


def notice(text: str, kind: str = "error") -> Markup:
    """A message to the user: ``error``, ``warning`` or ``good``. Line breaks are kept; empty for no text."""
    if not text:
        return Markup("")
    return div(f"kohaku-notice kohaku-{kind}", text, role="alert" if kind == "error" else "status")
