"""A syntax tree back to text. ``parse_formula(print_formula(f)) == f`` for every formula."""

from __future__ import annotations

import re
from fractions import Fraction

from lib_kohaku.merge.formula.nodes import (
    TEXT_FUNCTIONS,
    Argument,
    Binary,
    Call,
    Formula,
    ListOf,
    Name,
    Negative,
    Node,
    Number,
    ParameterName,
    Text,
)

_PLAIN = re.compile(r"[^\W\d]\w*(?:\.\w+)*\Z")
_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}
_UNARY = 3
_MAX_DIGITS = 200


def print_formula(formula: Formula) -> str:
    """The formula as text, one line each for parameters, definitions and the result."""
    lines = []
    for parameter in formula.parameters:
        line = f"${parameter.name} = {print_number(parameter.default)}"
        if parameter.low is not None and parameter.high is not None:
            line += f" in [{print_number(parameter.low)}, {print_number(parameter.high)}]"
        lines.append(line)
    lines.extend(f"{quote_name(item.name)} = {print_node(item.value)}" for item in formula.definitions)
    result = print_node(formula.result)
    lines.append(result if formula.result_name is None else f"{quote_name(formula.result_name)} = {result}")
    return "\n".join(lines)


def print_node(node: Node, outer: int = 0) -> str:
    """An expression as text.

    Args:
        node: The expression.
        outer: Precedence of what stands around it; brackets are put where they are needed.
    """
    if isinstance(node, Number):
        return print_number(node.value)
    if isinstance(node, Name):
        return quote_name(node.name)
    if isinstance(node, ParameterName):
        return f"${node.name}"
    if isinstance(node, Text):
        return quote(node.value)
    if isinstance(node, ListOf):
        return "[" + ", ".join(print_node(item) for item in node.items) + "]"
    if isinstance(node, Call):
        return f"{node.function}(" + ", ".join(_print_argument(item, node.function) for item in node.arguments) + ")"
    if isinstance(node, Negative):
        text = "-" + print_node(node.operand, _UNARY)
        return f"({text})" if outer > _UNARY else text
    return _print_binary(node, outer)


def _print_binary(node: Binary, outer: int) -> str:
    precedence = _PRECEDENCE[node.operator]
    space = " " if precedence == 1 else ""
    # Operators bind to the left: a right operand of the same rank needs brackets.
    left, right = print_node(node.left, precedence), print_node(node.right, precedence + 1)
    text = f"{left}{space}{node.operator}{space}{right}"
    return f"({text})" if outer > precedence else text


def _print_argument(argument: Argument, function: str) -> str:
    value = print_node(argument.value)
    if function in TEXT_FUNCTIONS and value.startswith('"') and not isinstance(argument.value, Text):
        value = f"({value})"  # else its first name would be read as a text
    if argument.keyword is None:
        return value
    return f"{quote(argument.keyword) if argument.quoted else argument.keyword}={value}"


def print_number(value: Fraction) -> str:
    """A decimal fraction in plain notation, without loss: ``Fraction(1, 20)`` is ``0.05``.

    Raises:
        ValueError: If the value has no finite decimal form. Numbers that were parsed always have one.
    """
    sign, value = ("-", -value) if value < 0 else ("", value)
    digits = 0
    while value.denominator != 1:
        if digits > _MAX_DIGITS:
            raise ValueError(f"{value} has no finite decimal form")
        value, digits = value * 10, digits + 1
    text = str(value.numerator).zfill(digits + 1)
    return sign + (f"{text[:-digits]}.{text[-digits:]}" if digits else text)


def quote_name(name: str) -> str:
    """A checkpoint's name as the formula language writes it: bare where possible, else in quotes."""
    return name if _PLAIN.match(name) and name != "in" else quote(name)


def quote(text: str) -> str:
    """A quoted text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
