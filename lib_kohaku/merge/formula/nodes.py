"""The syntax tree. Nodes are equal when they mean the same, wherever they stand in the text."""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Span:
    """A piece of one line: 1-based line and column, length in characters."""

    line: int
    column: int
    length: int


NO_SPAN = Span(0, 0, 1)

# Functions whose quoted arguments are texts, not checkpoint names.
TEXT_FUNCTIONS = frozenset({"mbw", "blocks", "lora"})


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number, kept exact: ``0.1`` is one tenth, not the nearest binary fraction."""

    value: Fraction
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Name:
    """A checkpoint, or a line that was given a name before."""

    name: str
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class ParameterName:
    """A named parameter, ``$alpha``; ``name`` is without the dollar sign."""

    name: str
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Text:
    """A quoted text as an argument, such as a preset's name."""

    value: str
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """``-operand``."""

    operand: Node
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Binary:
    """``left operator right``; the operator is one of ``+ - * /``. The span is the operator's."""

    operator: str
    left: Node
    right: Node
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class ListOf:
    """``[a, b, c]``, an argument of methods that take any number of models."""

    items: tuple[Node, ...]
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Argument:
    """One argument of a call. ``quoted`` marks a keyword that is written in quotes (a key pattern)."""

    value: Node
    keyword: str | None = None
    quoted: bool = False
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Call:
    """``function(arguments)``: a merge method, ``mbw``, ``blocks`` or ``lora``."""

    function: str
    arguments: tuple[Argument, ...]
    span: Span = field(default=NO_SPAN, compare=False)


Node: TypeAlias = "Number | Name | ParameterName | Text | Negative | Binary | ListOf | Call"


@dataclass(frozen=True, slots=True)
class Parameter:
    """A line that declares a parameter: ``$alpha = 0.5 in [0, 1]``.

    Attributes:
        name: Without the dollar sign.
        default: Its value unless another is given.
        low: Smallest sensible value, None if not stated. User interfaces make a slider of it.
        high: Largest sensible value.
    """

    name: str
    default: Fraction
    low: Fraction | None = None
    high: Fraction | None = None
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Definition:
    """A line that names an expression for later lines."""

    name: str
    value: Node
    span: Span = field(default=NO_SPAN, compare=False)


@dataclass(frozen=True, slots=True)
class Formula:
    """A whole formula.

    Attributes:
        parameters: Declared parameters in order.
        definitions: Named lines in order; each may use those before it.
        result: The expression of the last line.
        result_name: The name that the last line gives to it, None if it has none.
    """

    parameters: tuple[Parameter, ...]
    definitions: tuple[Definition, ...]
    result: Node
    result_name: str | None = None
