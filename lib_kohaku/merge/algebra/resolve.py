"""A parsed formula to one expression: definitions, parameters and linear methods are written out.

What is left are numbers, block weights, model names, the four operators, and calls of tensor methods.
"""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from fractions import Fraction

from lib_kohaku.errors import FormulaError, RefusedError
from lib_kohaku.merge.formula.nodes import (
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
from lib_kohaku.merge.formula.parser import parse_formula
from lib_kohaku.merge.formula.printer import print_number
from lib_kohaku.merge.formula.source import SourceText
from lib_kohaku.merge.methods.base import LinearMethod, TensorMethod
from lib_kohaku.merge.methods.bind import bind_arguments
from lib_kohaku.merge.methods.registry import METHODS

WEIGHT_FUNCTIONS = ("mbw", "blocks")
# The expression is walked recursively; definitions may nest it deeper than the parser's own limit.
MAX_DEPTH = 150


@dataclass(frozen=True)
class ResolvedFormula:
    """A formula ready to be evaluated.

    Attributes:
        source: Its text, for errors.
        formula: As parsed.
        expression: The result with everything written out.
        roles: Names of the models that it uses, in the order of their first use.
        parameters: The value of every declared parameter.
    """

    source: SourceText
    formula: Formula
    expression: Node
    roles: tuple[str, ...]
    parameters: Mapping[str, Fraction]


def resolve_formula(text: str, parameters: Mapping[str, float | Fraction] | None = None) -> ResolvedFormula:
    """Parse a formula and write it out.

    Args:
        text: The formula.
        parameters: Values for ``$parameters`` in place of their defaults.

    Raises:
        FormulaError: If the formula is wrong, with the place.
        RefusedError: If a value is given for a parameter that is not declared, is not finite, or is out of range.
    """
    formula = parse_formula(text)
    source = SourceText(text)
    values = _parameter_values(formula, parameters or {})
    return _Resolver(formula, source, values).resolve()


def _parameter_values(formula: Formula, given: Mapping[str, float | Fraction]) -> dict[str, Fraction]:
    declared = {parameter.name: parameter for parameter in formula.parameters}
    exact: dict[str, Fraction] = {}
    for name, number in given.items():
        parameter = declared.get(name)
        if parameter is None:
            known = ", ".join(f"${known}" for known in declared) or "none"
            raise RefusedError(f"The formula has no parameter ${name}; declared: {known}.")
        if not math.isfinite(number):
            raise RefusedError(f"The value of ${name} is not a finite number.")
        # A float is taken as the decimal that it prints as: 0.1 means one tenth, also at the end of a range.
        exact[name] = number if isinstance(number, Fraction) else Fraction(repr(number))
        low, high = parameter.low, parameter.high
        if low is not None and high is not None and not low <= exact[name] <= high:
            text = f"${name} = {float(number):g} is outside its range {print_number(low)} to {print_number(high)}."
            raise RefusedError(text)
    return {name: exact.get(name, parameter.default) for name, parameter in declared.items()}


class _Resolver:
    def __init__(self, formula: Formula, source: SourceText, values: Mapping[str, Fraction]) -> None:
        self._formula = formula
        self._source = source
        self._values = values
        self._defined: dict[str, tuple[Node, int]] = {}
        self._later = [definition.name for definition in formula.definitions]
        self._roles: dict[str, None] = {}
        # Methods mention an argument several times; without this, nested calls would take exponential time. The
        # node is kept with its result so that its id stays its own.
        self._done: dict[int, tuple[Node, tuple[Node, int]]] = {}

    def resolve(self) -> ResolvedFormula:
        for definition in self._formula.definitions:
            self._later.remove(definition.name)
            self._defined[definition.name] = self._resolve(definition.value)
        expression, _ = self._resolve(self._formula.result)
        if is_number(expression):
            raise FormulaError("The formula is a number; it has to name at least one checkpoint.")
        roles = tuple(role for role in self._roles if role in _used_roles(expression))
        return ResolvedFormula(self._source, self._formula, expression, roles, self._values)

    def _resolve(self, node: Node) -> tuple[Node, int]:
        """The node written out, and its depth."""
        if id(node) not in self._done:
            self._done[id(node)] = (node, self._resolve_new(node))
        return self._done[id(node)][1]

    def _resolve_new(self, node: Node) -> tuple[Node, int]:
        if isinstance(node, Name):
            return self._name(node)
        if isinstance(node, ParameterName):
            return self._parameter(node), 1
        if isinstance(node, Negative):
            operand, depth = self._resolve(node.operand)
            return replace(node, operand=operand), self._deeper(depth, node)
        if isinstance(node, Binary):
            return self._binary(node)
        if isinstance(node, Call):
            return self._call(node)
        if isinstance(node, ListOf):
            raise self._source.error("a list can only be an argument of a method", node.span)
        return node, 1

    def _deeper(self, depth: int, node: Node) -> int:
        if depth >= MAX_DEPTH:
            raise self._source.error(f"expressions are nested more than {MAX_DEPTH} deep", node.span)
        return depth + 1

    def _name(self, node: Name) -> tuple[Node, int]:
        if node.name in self._defined:
            return self._defined[node.name]
        if node.name in self._later:
            raise self._source.error(f"{node.name!r} is used before the line that defines it", node.span)
        if node.name in METHODS or node.name in WEIGHT_FUNCTIONS:
            raise self._source.error(f"{node.name} is a method: write {node.name}(...)", node.span)
        self._roles.setdefault(node.name)
        return node, 1

    def _parameter(self, node: ParameterName) -> Number:
        if node.name not in self._values:
            message = f"${node.name} is not declared: add a line such as ${node.name} = 0.5 in [0, 1]"
            raise self._source.error(message, node.span)
        return Number(self._values[node.name], node.span)

    def _binary(self, node: Binary) -> tuple[Node, int]:
        left, left_depth = self._resolve(node.left)
        right, right_depth = self._resolve(node.right)
        left_number, right_number = is_number(left), is_number(right)
        if node.operator in "+-" and left_number != right_number:
            raise self._source.error("a number and a model cannot be added or subtracted", node.span)
        if node.operator == "*" and not left_number and not right_number:
            raise self._source.error("two models cannot be multiplied; one side has to be a number", node.span)
        if node.operator == "/" and not right_number:
            raise self._source.error("only a number can stand below a division", node.span)
        return replace(node, left=left, right=right), self._deeper(max(left_depth, right_depth), node)

    def _call(self, node: Call) -> tuple[Node, int]:
        if node.function in WEIGHT_FUNCTIONS:
            return self._weights(node), 1
        if node.function == "lora":
            message = "LoRA files cannot be used in formulas yet; bake the LoRA into a checkpoint and name that"
            raise self._source.error(message, node.span)
        method = METHODS.get(node.function)
        if method is None:
            known = [*METHODS, *WEIGHT_FUNCTIONS]
            close = difflib.get_close_matches(node.function, known, n=1)
            hint = f"; did you mean {close[0]}?" if close else f"; there are {', '.join(known)}"
            raise self._source.error(f"there is no method {node.function!r}{hint}", node.span)
        bound = bind_arguments(method, node, self._source)
        for name, value in bound.settings.items():
            for item in value if isinstance(value, tuple) else (value,):
                if not is_number(self._resolve(item)[0]):
                    raise self._source.error(f"{method.name}: {name} has to be a number or block weights", node.span)
        for name, value in bound.models.items():
            for item in value if isinstance(value, tuple) else (value,):
                if is_number(self._resolve(item)[0]):
                    raise self._source.error(f"{method.name}: {name} has to be a model", node.span)
        if isinstance(method, LinearMethod):
            try:
                written_out = method.expand(bound)
            except RefusedError as error:
                raise self._source.error(str(error), node.span) from error
            return self._resolve(written_out)
        assert isinstance(method, TensorMethod)
        return self._resolve_arguments(node)

    def _weights(self, node: Call) -> Call:
        arguments = []
        for argument in node.arguments:
            value = argument.value
            if not isinstance(value, Text):
                value, _ = self._resolve(value)
                if not is_number(value):
                    raise self._source.error(f"{node.function} takes numbers", argument.span)
            arguments.append(replace(argument, value=value))
        return replace(node, arguments=tuple(arguments))

    def _resolve_arguments(self, node: Call) -> tuple[Node, int]:
        deepest = 0
        arguments = []
        for argument in node.arguments:
            items = argument.value.items if isinstance(argument.value, ListOf) else (argument.value,)
            resolved = [self._resolve(item) for item in items]
            deepest = max(deepest, *(depth for _, depth in resolved))
            nodes = tuple(item for item, _ in resolved)
            value = replace(argument.value, items=nodes) if isinstance(argument.value, ListOf) else nodes[0]
            arguments.append(Argument(value, argument.keyword, argument.quoted, argument.span))
        return replace(node, arguments=tuple(arguments)), self._deeper(deepest, node)


def is_number(node: Node) -> bool:
    """Whether a resolved expression is a number or block weights rather than a model."""
    seen: set[int] = set()  # parts may be shared: a number that is multiplied by itself line after line
    stack = [node]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Negative):
            stack.append(node.operand)
        elif isinstance(node, Binary):
            stack.append(node.left)
            if node.operator == "*":  # both sides of + and - are alike, and what is below / is a number
                stack.append(node.right)
        elif not (isinstance(node, Number) or (isinstance(node, Call) and node.function in WEIGHT_FUNCTIONS)):
            return False
    return True


def _used_roles(expression: Node) -> set[str]:
    roles: set[str] = set()
    seen: set[int] = set()
    stack: list[Node] = [expression]
    while stack:
        node = stack.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node, Name):
            roles.add(node.name)
        elif isinstance(node, Negative):
            stack.append(node.operand)
        elif isinstance(node, Binary):
            stack += (node.left, node.right)
        elif isinstance(node, Call) and node.function not in WEIGHT_FUNCTIONS:
            stack.extend(argument.value for argument in node.arguments)
        elif isinstance(node, ListOf):
            stack.extend(node.items)
    return roles
