"""What simple mode's fields look like for a method."""

from __future__ import annotations

from typing import Any

from lib_kohaku.merge.methods.base import Method, Setting
from lib_kohaku.ui.markup import div, span
from lib_kohaku.ui.merge.simple_formula import (
    SETTING_FIELDS,
    SINGLE_FIELDS,
    list_setting,
    many_input,
    number_settings,
    single_labels,
)


def method_fields(method: Method) -> list[Any]:
    """HTML about the method, then the properties of every field.

    Returns:
        In the order of the page: about; ``SINGLE_FIELDS`` models; the list of models; ``SETTING_FIELDS`` sliders; the
        list of numbers; the choice of block weights.
    """
    labels = single_labels(method)
    settings = number_settings(method)
    singles = [
        {"label": labels[index] if index < len(labels) else f"Model {index + 1}", "visible": index < len(labels)}
        for index in range(SINGLE_FIELDS)
    ]
    sliders = [
        _slider(settings[index]) if index < len(settings) else _no_slider(index) for index in range(SETTING_FIELDS)
    ]
    first = method.settings[0] if method.settings and not method.settings[0].many else None
    return [
        div("kohaku-hint", f"{method.description} ", span("kohaku-mono", method.definition)),
        *singles,
        {"label": "Models", "visible": many_input(method) is not None},
        *sliders,
        {"label": "Numbers, one for each model", "visible": list_setting(method) is not None},
        {"label": "Use the block weights in place of the first number", "visible": first is not None, "value": False},
    ]


def _slider(setting: Setting) -> dict[str, Any]:
    low, high = setting.usual or (setting.low, setting.high)
    minimum = float(low if low is not None else 0)
    return {
        "visible": True,
        "label": setting.name,
        "info": setting.description,
        "minimum": minimum,
        "maximum": float(high if high is not None else 1),
        "value": float(setting.default) if setting.default is not None else minimum,
    }


def _no_slider(index: int) -> dict[str, Any]:
    return {"visible": False, "label": f"Setting {index + 1}", "minimum": 0, "maximum": 1, "value": 0}
