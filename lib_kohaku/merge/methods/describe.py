"""The registry as documents, for the command line, the user interface and the documentation."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lib_kohaku.merge.methods.base import Method, Setting
from lib_kohaku.merge.methods.registry import METHODS


def method_documents() -> list[dict[str, Any]]:
    """One JSON-able document per method."""
    return [_document(method) for method in METHODS.values()]


def signature(method: Method) -> str:
    """How the method is called: ``weighted_sum(a, b, alpha=0.5)``."""
    parts = [f"[{item.name}, ...]" if item.many else item.name for item in method.inputs]
    for setting in method.settings:
        name = f"[{setting.name}, ...]" if setting.many else setting.name
        parts.append(name if setting.default is None else f"{name}={float(setting.default):g}")
    return f"{method.name}({', '.join(parts)})"


def _document(method: Method) -> dict[str, Any]:
    return {
        "name": method.name,
        "label": method.label,
        "signature": signature(method),
        "description": method.description,
        "definition": method.definition,
        "reference": method.reference,
        "inputs": [{"name": item.name, "kind": item.kind, "many": item.many} for item in method.inputs],
        "settings": [_setting(setting) for setting in method.settings],
        "gives": method.gives,
    }


def _setting(setting: Setting) -> dict[str, Any]:
    usual = setting.usual or (setting.low, setting.high)
    return {
        "name": setting.name,
        "description": setting.description,
        "default": _number(setting.default),
        "low": _number(setting.low),
        "high": _number(setting.high),
        "usual": [_number(usual[0]), _number(usual[1])],
        "many": setting.many,
    }


def _number(value: Fraction | None) -> float | None:
    return None if value is None else float(value)
