"""Which model of a formula is the base: the one whose keys, metadata and unmerged tensors the output takes."""

from __future__ import annotations

from fractions import Fraction

from lib_kohaku.errors import RefusedError
from lib_kohaku.merge.algebra.numbers import calculate
from lib_kohaku.merge.algebra.resolve import WEIGHT_FUNCTIONS, ResolvedFormula, is_number
from lib_kohaku.merge.formula.nodes import Binary, Call, ListOf, Name, Negative, Node, Number
from lib_kohaku.merge.formula.source import SourceText
from lib_kohaku.merge.methods.registry import METHODS

# Stands for every block weight: any value that is not 0 or 1 shows which terms cancel.
_SOME_WEIGHT = Fraction(389, 997)


def base_role(resolved: ResolvedFormula) -> str:
    """The first model that is not inside a difference; the first model if all are.

    Raises:
        FormulaError: On a number that cannot be computed.
    """
    return _Search(resolved.source).find(resolved.expression) or resolved.roles[0]


class _Search:
    """A walk over an expression whose parts may be shared: each is looked at once."""

    def __init__(self, source: SourceText) -> None:
        self._source = source
        self._found: dict[int, str | None] = {}
        self._totals: dict[int, Fraction] = {}

    def find(self, node: Node) -> str | None:
        """The first model under ``node`` that is not inside a difference."""
        if id(node) not in self._found:
            self._found[id(node)] = node.name if isinstance(node, Name) else self._find_below(node)
        return self._found[id(node)]

    def _find_below(self, node: Node) -> str | None:
        below: list[Node] = []
        if isinstance(node, Negative):
            below = [node.operand]
        elif isinstance(node, ListOf):
            below = list(node.items)
        elif isinstance(node, Call) and node.function not in WEIGHT_FUNCTIONS:
            below = [argument.value for argument in node.arguments]
        elif isinstance(node, Binary):
            below = [side for side in (node.left, node.right) if self._total(side) != 0]
        return next((found for found in map(self.find, below) if found), None)

    def _total(self, node: Node) -> Fraction:
        """Coefficient sum with :data:`_SOME_WEIGHT` for block weights; the value for numbers."""
        if id(node) not in self._totals:
            self._totals[id(node)] = self._compute_total(node)
        return self._totals[id(node)]

    def _compute_total(self, node: Node) -> Fraction:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Name):
            return Fraction(1)
        if isinstance(node, Negative):
            return -self._total(node.operand)
        if isinstance(node, Call):
            if node.function in WEIGHT_FUNCTIONS:
                return _SOME_WEIGHT
            return Fraction(METHODS[node.function].gives == "model")
        assert isinstance(node, Binary)
        left, right = self._total(node.left), self._total(node.right)
        if node.operator == "*" and not is_number(node):
            model, number = (right, left) if is_number(node.left) else (left, right)
            if number == 0:  # a weight of 0 does not make a model a difference
                return model
        if node.operator == "/" and right == 0:
            return left  # two block weights that only look equal here; the evaluation knows
        try:
            return calculate(node.operator, left, right)
        except RefusedError as error:
            raise self._source.error(str(error), node.span) from error
