"""Matching the arguments of a call with what the method takes."""

from __future__ import annotations

import difflib

from lib_kohaku.merge.formula.nodes import Argument, Call, ListOf, Node, Number
from lib_kohaku.merge.formula.source import SourceText
from lib_kohaku.merge.methods.base import BoundArguments, Method, ModelInput, Setting


def bind_arguments(method: Method, call: Call, source: SourceText) -> BoundArguments:
    """Put every argument under its name and fill in defaults.

    Raises:
        FormulaError: On unknown, repeated, missing or too many arguments, and on a list where a single value belongs
            (or the other way round).
    """
    every: tuple[ModelInput | Setting, ...] = (*method.inputs, *method.settings)
    slots = {slot.name: slot for slot in every}
    given: dict[str, Argument] = {}
    positional = list(slots)
    for argument in call.arguments:
        name = argument.keyword
        if name is None:
            if not positional:
                raise source.error(f"{method.name} takes at most {len(slots)} arguments", argument.span)
            name = positional[0]
        if name not in slots:
            close = difflib.get_close_matches(name, slots, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; it has {', '.join(slots)}"
            raise source.error(f"{method.name} has no argument {name!r}{hint}", argument.span)
        if name in given:
            raise source.error(f"{method.name}: {name} is given twice", argument.span)
        given[name] = argument
        positional = [left for left in positional if left != name]
    values = {name: _value(method, slot, given.get(name), call, source) for name, slot in slots.items()}
    inputs = {slot.name for slot in method.inputs}
    return BoundArguments(
        {name: value for name, value in values.items() if name in inputs},
        {name: value for name, value in values.items() if name not in inputs},
    )


def _value(
    method: Method, slot: ModelInput | Setting, argument: Argument | None, call: Call, source: SourceText
) -> Node | tuple[Node, ...]:
    if argument is None:
        if isinstance(slot, Setting) and slot.default is not None:
            return Number(slot.default, call.span)
        raise source.error(f"{method.name} needs {slot.name}", call.span)
    value = argument.value
    if slot.many:
        if not isinstance(value, ListOf) or not value.items:
            raise source.error(f"{method.name}: {slot.name} is a list, such as [x, y]", argument.span)
        return value.items
    if isinstance(value, ListOf):
        raise source.error(f"{method.name}: {slot.name} is a single value, not a list", argument.span)
    return value
