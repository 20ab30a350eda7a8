"""Simple mode: a method and the values chosen for it, as a formula."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from lib_kohaku.errors import RefusedError
from lib_kohaku.merge.formula.printer import print_number, quote_name
from lib_kohaku.merge.methods.base import Method, ModelInput, Setting

# How many of each kind of field the page has.
SINGLE_FIELDS = 4
SETTING_FIELDS = 6
_NUMBERS = re.compile(r"[\s,;]+")


@dataclass(frozen=True)
class SimpleChoice:
    """What was chosen.

    Attributes:
        singles: Models in the order of :func:`single_names`; empty texts for none.
        many: Models of the method's list, in order.
        settings: Values of the settings that are one number, in the method's order.
        numbers: Text with one number per model, for a setting that is a list.
        weights: Block weights in place of the first setting, as a list; empty for none.
    """

    singles: Sequence[str]
    many: Sequence[str]
    settings: Sequence[float]
    numbers: str = ""
    weights: str = ""


def single_names(method: Method) -> list[str]:
    """Names of the single models that a method needs.

    Differences are made out of models. What is subtracted is the method's first model, or, where it has none, one
    that has to be chosen too: ``ancestor``.
    """
    names = [item.name for item in method.inputs if not item.many]
    if _needs_ancestor(method):
        names.append("ancestor")
    return names


def many_input(method: Method) -> ModelInput | None:
    """The input that is a list, if there is one."""
    return next((item for item in method.inputs if item.many), None)


def number_settings(method: Method) -> list[Setting]:
    """The settings that are one number each."""
    return [setting for setting in method.settings if not setting.many]


def list_setting(method: Method) -> Setting | None:
    """The setting that is a list of numbers, if there is one."""
    return next((setting for setting in method.settings if setting.many), None)


def is_simple(method: Method) -> bool:
    """Whether the page has enough fields for the method."""
    enough = len(single_names(method)) <= SINGLE_FIELDS and len(number_settings(method)) <= SETTING_FIELDS
    lists = sum(item.many for item in method.inputs)
    return enough and lists <= 1 and sum(setting.many for setting in method.settings) <= 1


def is_complete(method: Method, choice: SimpleChoice) -> bool:
    """Whether every model has been chosen."""
    return not missing_models(method, choice)


def missing_models(method: Method, choice: SimpleChoice) -> list[str]:
    """What the page calls the models that have not been chosen yet."""
    missing = [label for label, name in zip(single_labels(method), choice.singles, strict=False) if not name]
    return [*missing, "Models"] if many_input(method) is not None and not choice.many else missing


def simple_formula(method: Method, choice: SimpleChoice) -> str:
    """The formula.

    Raises:
        RefusedError: If a list of numbers is not one, or has another length than the list of models.
    """
    singles = dict(zip(single_names(method), choice.singles, strict=False))
    subtracted = next((item.name for item in method.inputs if item.kind == "model" and not item.many), "ancestor")
    parts = []
    for item in method.inputs:
        names = choice.many if item.many else [singles[item.name]]
        terms = [quote_name(name) for name in names]
        if item.kind == "delta":
            terms = [f"{term} - {quote_name(singles[subtracted])}" for term in terms]
        parts.append(f"[{', '.join(terms)}]" if item.many else terms[0])
    parts += _settings(method, choice)
    call = f"{method.name}({', '.join(parts)})"
    return f"{quote_name(singles['ancestor'])} + {call}" if method.gives == "delta" and "ancestor" in singles else call


def _settings(method: Method, choice: SimpleChoice) -> list[str]:
    values = iter(choice.settings)
    written = []
    for index, setting in enumerate(method.settings):
        if setting.many:
            written.append(f"{setting.name}=[{', '.join(_number_list(setting, choice))}]")
            continue
        value = next(values)
        text = f"mbw({choice.weights})" if choice.weights and index == 0 else _number(value)
        written.append(f"{setting.name}={text}")
    return written


def _number_list(setting: Setting, choice: SimpleChoice) -> list[str]:
    words = [word for word in _NUMBERS.split(choice.numbers) if word]
    if not words:
        return [print_number(share) for share in equal_shares(len(choice.many))]
    if len(words) != len(choice.many):
        raise RefusedError(f"{setting.name}: {len(words)} numbers for {len(choice.many)} models; one for each.")
    try:
        return [_number(float(word)) for word in words]
    except ValueError as error:
        raise RefusedError(f"{setting.name}: {choice.numbers[:60]!r} is not a list of numbers.") from error


def equal_shares(count: int) -> list[Fraction]:
    """Shares that add up to 1 exactly, with three decimals."""
    share = Fraction(round(1000 / count), 1000)
    return [share] * (count - 1) + [1 - share * (count - 1)]


def _number(value: float) -> str:
    if not math.isfinite(value):
        raise RefusedError("A setting is not a finite number.")
    # Sliders give the nearest binary fraction; the decimal that it prints as is what was meant.
    return print_number(Fraction(repr(round(float(value), 9))))


def _needs_ancestor(method: Method) -> bool:
    deltas = any(item.kind == "delta" for item in method.inputs)
    return deltas and not any(item.kind == "model" and not item.many for item in method.inputs)


def single_labels(method: Method) -> list[str]:
    """What the page calls each single model."""
    return ["Trained from" if name == "ancestor" else f"Model {name.upper()}" for name in single_names(method)]
