"""Tokens to a syntax tree: precedence climbing, no evaluation of any kind."""

from __future__ import annotations

from fractions import Fraction
from typing import NoReturn, TypeVar

from lib_kohaku.errors import FormulaError
from lib_kohaku.merge.formula.decimals import read_decimal
from lib_kohaku.merge.formula.nodes import (
    TEXT_FUNCTIONS,
    Argument,
    Binary,
    Call,
    Definition,
    Formula,
    ListOf,
    Name,
    Negative,
    Node,
    Number,
    Parameter,
    ParameterName,
    Span,
    Text,
)
from lib_kohaku.merge.formula.tokens import Kind, Token, tokenize

MAX_DEPTH = 100
# Brackets around long sums make trees that are deeper than either; whoever walks them does so recursively.
MAX_TREE_DEPTH = 150

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}

_Inner = TypeVar("_Inner", Binary, Negative, ListOf, Call)


def parse_formula(source: str) -> Formula:
    """Parse a formula.

    Args:
        source: Lines of ``$parameter = number in [low, high]``, ``name = expression``, and last an expression.

    Raises:
        FormulaError: With line and column, on the first thing that cannot be understood.
    """
    return _Parser(source).formula()


class _Parser:
    def __init__(self, source: str) -> None:
        self._lines = source.split("\n")
        self._tokens = tokenize(source)
        self._position = 0
        self._depth = 0
        self._depths: dict[int, int] = {}  # of nodes with nodes below them, by id; all stay part of the tree

    # -- tokens -------------------------------------------------------------------------------------------------

    @property
    def _token(self) -> Token:
        return self._tokens[self._position]

    def _next(self) -> Token:
        token = self._token
        if token.kind is not Kind.END:
            self._position += 1
        return token

    def _is(self, symbol: str) -> bool:
        return self._token.kind is Kind.SYMBOL and self._token.text == symbol

    def _take(self, symbol: str) -> bool:
        if self._is(symbol):
            self._position += 1
            return True
        return False

    def _expect(self, symbol: str, where: str) -> None:
        if not self._take(symbol):
            self._fail(f"{symbol!r} expected {where}, found {self._describe()}")

    def _describe(self) -> str:
        token = self._token
        return token.kind.value if token.kind in (Kind.END, Kind.NEWLINE) else repr(token.text)

    def _fail(self, message: str, span: Span | None = None) -> NoReturn:
        span = span or self._token.span
        raise FormulaError(
            message, line=span.line, column=span.column, length=span.length, source=self._lines[span.line - 1]
        )

    # -- lines --------------------------------------------------------------------------------------------------

    def formula(self) -> Formula:
        parameters: list[Parameter] = []
        definitions: list[Definition] = []
        result: Node | None = None
        while self._token.kind is not Kind.END:
            if self._token.kind is Kind.NEWLINE:
                self._next()
                continue
            if result is not None:
                self._fail("only the last line may go without a name (name = expression): it is the result")
            if self._token.kind is Kind.PARAMETER and self._peek_is("="):
                self._add_parameter(parameters)
            elif self._token.kind in (Kind.NAME, Kind.TEXT) and self._peek_is("="):
                self._add_definition(definitions)
            else:
                result = self._expression()
            if self._token.kind not in (Kind.NEWLINE, Kind.END):
                self._fail(f"an operator or the end of the line expected, found {self._describe()}{self._spelling()}")
        return self._finish(parameters, definitions, result)

    def _spelling(self) -> str:
        """What other places write and formulas do not: ``0.5(b - c)``, ``0,5``."""
        if self._is("("):
            return ": multiply with *, as in 0.5*(b - c)"
        decimal = self._is(",") and self._position and self._tokens[self._position - 1].kind is Kind.NUMBER
        return ": decimals have a point" if decimal else ""

    def _peek_is(self, symbol: str) -> bool:
        token = self._tokens[self._position + 1]
        return token.kind is Kind.SYMBOL and token.text == symbol

    def _finish(self, parameters: list[Parameter], definitions: list[Definition], result: Node | None) -> Formula:
        if result is not None:
            return Formula(tuple(parameters), tuple(definitions), result)
        if not definitions:
            self._fail("the formula is empty: write an expression such as a + 0.5*(b - c)")
        last = definitions.pop()
        return Formula(tuple(parameters), tuple(definitions), last.value, last.name)

    def _add_parameter(self, parameters: list[Parameter]) -> None:
        token = self._next()
        if any(parameter.name == token.text for parameter in parameters):
            self._fail(f"${token.text} is declared twice", token.span)
        self._next()
        default = self._signed_number()
        low = high = None
        if self._token.kind is Kind.NAME and self._token.text == "in":
            self._next()
            self._expect("[", "before the range")
            low = self._signed_number()
            self._expect(",", "between the two ends of the range")
            high = self._signed_number()
            self._expect("]", "after the range")
            if not low <= default <= high:
                self._fail(f"the default of ${token.text} is outside its range", token.span)
        parameters.append(Parameter(token.text, default, low, high, token.span))

    def _add_definition(self, definitions: list[Definition]) -> None:
        token = self._next()
        if any(definition.name == token.text for definition in definitions):
            self._fail(f"{token.text!r} is defined twice", token.span)
        self._next()
        definitions.append(Definition(token.text, self._expression(), token.span))

    def _signed_number(self) -> Fraction:
        sign = -1 if self._take("-") else 1
        if self._token.kind is not Kind.NUMBER:
            self._fail(f"a number expected, found {self._describe()}")
        return sign * self._number(self._next())

    def _number(self, token: Token) -> Fraction:
        try:
            return read_decimal(token.text)
        except ValueError as error:
            self._fail(str(error), token.span)

    # -- expressions --------------------------------------------------------------------------------------------

    def _expression(self, minimum: int = 1) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            self._fail(f"more than {MAX_DEPTH} expressions inside one another")
        left = self._unary()
        terms = 0
        while self._token.kind is Kind.SYMBOL and _PRECEDENCE.get(self._token.text, 0) >= minimum:
            operator = self._next()
            right = self._expression(_PRECEDENCE[operator.text] + 1)
            left = self._above(Binary(operator.text, left, right, operator.span), left, right)
            terms += 1
            if terms > MAX_DEPTH:  # a chain is a deep tree as well
                self._fail(f"more than {MAX_DEPTH} terms in one expression: name parts of it on lines of their own")
        self._depth -= 1
        return left

    def _unary(self) -> Node:
        minus: list[Span] = []
        while self._is("-") or self._is("+"):
            token = self._next()
            if token.text == "-":
                minus.append(token.span)
            if len(minus) > MAX_DEPTH:
                self._fail("too many signs")
        operand = self._primary()
        for span in reversed(minus):
            operand = self._above(Negative(operand, span), operand)
        return operand

    def _above(self, node: _Inner, *below: Node) -> _Inner:
        """``node``, after checking that the tree with it on top is not too deep."""
        depth = 1 + max((self._depths.get(id(item), 1) for item in below), default=1)
        if depth > MAX_TREE_DEPTH:
            self._fail("the expression is too deep: name parts of it on lines of their own", node.span)
        self._depths[id(node)] = depth
        return node

    def _primary(self) -> Node:
        token = self._next()
        if token.kind is Kind.NUMBER:
            return Number(self._number(token), token.span)
        if token.kind is Kind.PARAMETER:
            return ParameterName(token.text, token.span)
        if token.kind is Kind.NAME:
            return self._call(token) if self._is("(") else Name(token.text, token.span)
        if token.kind is Kind.TEXT:
            if not token.text.strip():
                self._fail("a checkpoint's name is empty", token.span)
            return Name(token.text, token.span)
        if token.kind is Kind.SYMBOL and token.text == "(":
            inner = self._expression()
            self._expect(")", "to close the bracket")
            return inner
        if token.kind is Kind.SYMBOL and token.text == "[":
            items = self._items("]")
            return self._above(ListOf(tuple(items), token.span), *items)
        self._position -= token.kind is not Kind.END
        return self._fail(f"a checkpoint, a number or a bracket expected, found {self._describe()}")

    def _items(self, closing: str) -> list[Node]:
        items: list[Node] = []
        while not self._is(closing):
            items.append(self._expression())
            if not self._take(","):
                break
        self._expect(closing, "after the list")
        return items

    def _call(self, function: Token) -> Call:
        self._expect("(", "after the method's name")
        self._depth += 1
        arguments: list[Argument] = []
        while not self._is(")"):
            arguments.append(self._argument(function.text))
            if not self._take(","):
                break
        self._expect(")", f"to close {function.text}(")
        self._depth -= 1
        call = Call(function.text, tuple(arguments), function.span)
        return self._above(call, *(argument.value for argument in arguments))

    def _argument(self, function: str) -> Argument:
        token = self._token
        if token.kind in (Kind.NAME, Kind.TEXT) and self._peek_is("="):
            self._next()
            self._next()
            value = self._value(function)
            return Argument(value, token.text, token.kind is Kind.TEXT, token.span)
        return Argument(self._value(function), span=token.span)

    def _value(self, function: str) -> Node:
        token = self._token
        if token.kind is Kind.TEXT and function in TEXT_FUNCTIONS:
            self._next()
            return Text(token.text, token.span)
        return self._expression()
