"""One coefficient per model for every tensor.

Because block weights take few distinct values, tensors fall into few classes: all tensors of a class share one linear
form, which is computed once with exact fractions. A formula over N models therefore costs one pass over N files,
however deep it is nested.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from lib_kohaku.checkpoint.blocks import BlockMap
from lib_kohaku.errors import RefusedError
from lib_kohaku.merge.algebra.block_weights import BlockWeights, read_block_weights
from lib_kohaku.merge.algebra.forms import ZERO, LinearForm, MethodResult
from lib_kohaku.merge.algebra.numbers import calculate
from lib_kohaku.merge.algebra.pairs import Term, lost_shares
from lib_kohaku.merge.algebra.resolve import WEIGHT_FUNCTIONS, ResolvedFormula, is_number
from lib_kohaku.merge.formula.nodes import Binary, Call, ListOf, Name, Negative, Node, Number
from lib_kohaku.merge.methods.base import TensorMethod
from lib_kohaku.merge.methods.bind import bind_arguments
from lib_kohaku.merge.methods.registry import METHODS

# Beyond this, float64 and float16 both overflow soon; nobody means it.
MAX_COEFFICIENT = 10**6
_TOO_LARGE = f"coefficients beyond {MAX_COEFFICIENT:,} mean nothing"


@dataclass(frozen=True)
class TensorClass:
    """What decides the coefficients of a tensor: tensors of one class share them.

    Attributes:
        slot: Its slot in the block map.
        patterns: For each ``blocks(...)`` of the formula, which key pattern decides.
        missing: Models whose file lacks the tensor.
    """

    slot: str | None
    patterns: tuple[int, ...]
    missing: frozenset[str]


class Evaluator:
    """Computes the linear form of every tensor under one formula.

    A model that lacks a tensor counts as the base model there, and a difference in which one side lacks it counts as
    zero, with brackets around it or without: what one does not know, one does not change.
    """

    def __init__(self, resolved: ResolvedFormula, blocks: BlockMap | None, profile: str, base: str) -> None:
        """Read the formula's block weights.

        Args:
            resolved: The formula.
            blocks: Block map of the architecture, None if it has none.
            profile: Block profile.
            base: Role of the base model.

        Raises:
            FormulaError: If block weights are used and do not fit the architecture.
            RefusedError: If there is no such profile.
        """
        self._resolved = resolved
        self._blocks = blocks
        self._profile = profile
        self._base = base
        if blocks is not None:
            blocks.follow(blocks.names[0], profile)
        self._weights: dict[int, BlockWeights] = {}
        self._weight_calls: list[Call] = []
        self._collect_weights(resolved.expression, set())
        self._forms: dict[TensorClass, LinearForm] = {}

    def class_of(self, key: str, missing: frozenset[str]) -> TensorClass:
        """The class of a tensor."""
        slot = self._blocks.slot_of(key) if self._blocks is not None else None
        patterns = tuple(self._weights[id(call)].matching(key) for call in self._weight_calls)
        return TensorClass(slot, patterns, missing)

    def form(self, tensor_class: TensorClass) -> LinearForm:
        """The linear form of a class.

        Raises:
            FormulaError: If a weight cannot be computed (a division by zero) or is too large to mean anything.
        """
        form = self._forms.get(tensor_class)
        if form is None:
            form = _Pass(self, tensor_class).form(self._resolved.expression)
            if any(abs(coefficient) > MAX_COEFFICIENT for _, coefficient in form.terms):
                raise self.error(_TOO_LARGE, self._resolved.expression)
            self._forms[tensor_class] = form
        return form

    # -- for _Pass ----------------------------------------------------------------------------------------------

    @property
    def base(self) -> str:
        """Role of the base model."""
        return self._base

    def error(self, message: str, node: Node) -> RefusedError:
        """An error that points at a node."""
        return self._resolved.source.error(message, node.span)

    def bound(self, call: Call) -> tuple[TensorMethod, list[Node], list[tuple[str, Node]]]:
        """A tensor method's call: method, inputs spread out, settings."""
        method = METHODS[call.function]
        assert isinstance(method, TensorMethod)
        arguments = bind_arguments(method, call, self._resolved.source)
        inputs: list[Node] = []
        for value in arguments.models.values():
            inputs.extend(value if isinstance(value, tuple) else (value,))
        settings = [
            (name if len(values) == 1 else f"{name}{index}", item)
            for name, value in arguments.settings.items()
            for values in (value if isinstance(value, tuple) else (value,),)
            for index, item in enumerate(values)
        ]
        return method, inputs, settings

    def weight(self, call: Call, tensor_class: TensorClass) -> Node:
        """The weight that a ``mbw`` or ``blocks`` call has for a class, as an expression."""
        weights = self._weights[id(call)]
        pattern = tensor_class.patterns[next(i for i, known in enumerate(self._weight_calls) if known is call)]
        followed = None
        if self._blocks is not None and tensor_class.slot is not None:
            followed = self._blocks.follow(tensor_class.slot, self._profile)
        return weights.weight(tensor_class.slot, followed, pattern)

    def _collect_weights(self, node: Node, seen: set[int]) -> None:
        if id(node) in seen:
            return
        seen.add(id(node))
        if isinstance(node, Negative):
            self._collect_weights(node.operand, seen)
        elif isinstance(node, Binary):
            self._collect_weights(node.left, seen)
            self._collect_weights(node.right, seen)
        elif isinstance(node, ListOf):
            for item in node.items:
                self._collect_weights(item, seen)
        elif isinstance(node, Call):
            if node.function in WEIGHT_FUNCTIONS:
                if self._blocks is None:
                    raise self._resolved.source.error("block weights are not defined for this architecture", node.span)
                self._weights[id(node)] = read_block_weights(node, self._blocks, self._resolved.source)
                self._weight_calls.append(node)
            for argument in node.arguments:
                self._collect_weights(argument.value, seen)


class _Pass:
    """One walk over the expression for one class of tensors."""

    def __init__(self, evaluator: Evaluator, tensor_class: TensorClass) -> None:
        self._evaluator = evaluator
        self._class = tensor_class
        self._forms: dict[int, LinearForm] = {}
        self._raw: dict[int, LinearForm] = {}
        self._numbers = Numbers(evaluator, tensor_class)

    def form(self, node: Node) -> LinearForm:
        """The linear form with missing tensors accounted for."""
        if id(node) not in self._forms:
            self._forms[id(node)] = self._form(node)
        return self._forms[id(node)]

    def _form(self, node: Node) -> LinearForm:
        raw = self._raw_form(node)
        if not raw.roles & self._class.missing:
            return raw
        if isinstance(node, Name):
            return LinearForm.of(self._evaluator.base)
        if isinstance(node, Negative):
            return self.form(node.operand).scaled(Fraction(-1))
        if isinstance(node, Binary):
            return self._binary_with_missing(node, raw)
        # A tensor method cannot do without one of its inputs: the base model, or no difference, stands in for it.
        return LinearForm.of(self._evaluator.base).scaled(raw.total)

    def _binary_with_missing(self, node: Binary, raw: LinearForm) -> LinearForm:
        if node.operator in "*/":
            left_is_number = node.operator == "*" and is_number(node.left)
            model, number = (node.right, node.left) if left_is_number else (node.left, node.right)
            return self.form(model).scaled(self._factor(node, number))
        left, right = self._raw_form(node.left), self._raw_form(node.right)
        if raw.total == 0 and (left.total != 0 or right.total != 0):
            return ZERO
        return self._sum_with_missing(node)

    def _sum_with_missing(self, node: Binary) -> LinearForm:
        """A sum of any length, with the differences in it that are written without brackets."""
        summands = _summands(node)
        forms = [self._raw_form(summand) for _, summand in summands]
        lost = lost_shares(
            [
                Term(sign * raw.total, raw.roles == {self._evaluator.base}, not raw.roles & self._class.missing)
                for (sign, _), raw in zip(summands, forms, strict=True)
            ]
        )
        result = ZERO
        for (sign, summand), share in zip(summands, lost, strict=True):
            result = result.plus(self.form(summand), sign * (1 - share))
        return result

    def _raw_form(self, node: Node) -> LinearForm:
        if id(node) not in self._raw:
            self._raw[id(node)] = self._compute_raw(node)
        return self._raw[id(node)]

    def _compute_raw(self, node: Node) -> LinearForm:
        if isinstance(node, Name):
            return LinearForm.of(node.name)
        if isinstance(node, Negative):
            return self._raw_form(node.operand).scaled(Fraction(-1))
        if isinstance(node, Binary):
            if node.operator in "+-":
                sign = Fraction(1 if node.operator == "+" else -1)
                return self._raw_form(node.left).plus(self._raw_form(node.right), sign)
            left_is_number = node.operator == "*" and is_number(node.left)
            model, number = (node.right, node.left) if left_is_number else (node.left, node.right)
            return self._raw_form(model).scaled(self._factor(node, number))
        assert isinstance(node, Call)
        return self._method(node)

    def _method(self, call: Call) -> LinearForm:
        method, inputs, settings = self._evaluator.bound(call)
        result = MethodResult(
            method.name,
            tuple(self._raw_form(node) for node in inputs),
            tuple((name, float(self._checked(self._numbers.value(node), node))) for name, node in settings),
            method.gives == "model",
        )
        return LinearForm.of(result)

    def _factor(self, node: Binary, number: Node) -> Fraction:
        value = self._numbers.value(number)
        factor = value if node.operator == "*" else self._numbers.combine(node, Fraction(1), value)
        return self._checked(factor, number)

    def _checked(self, value: Fraction, node: Node) -> Fraction:
        if abs(value) > MAX_COEFFICIENT:
            raise self._evaluator.error(_TOO_LARGE, node)
        return value


def _summands(node: Node) -> list[tuple[Fraction, Node]]:
    """The terms of ``a + b - c`` with their signs; what stands in brackets behind a sign is one term."""
    found: list[tuple[Fraction, Node]] = []
    while isinstance(node, Binary) and node.operator in "+-":
        found.append((Fraction(1 if node.operator == "+" else -1), node.right))
        node = node.left
    return [(Fraction(1), node), *reversed(found)]


class Numbers:
    """The values of number expressions for one class of tensors, each computed once."""

    def __init__(self, evaluator: Evaluator, tensor_class: TensorClass) -> None:
        """Block weights come from ``evaluator``, as they are for ``tensor_class``."""
        self._evaluator = evaluator
        self._class = tensor_class
        self._done: dict[int, Fraction] = {}

    def value(self, node: Node) -> Fraction:
        """The exact value.

        Raises:
            FormulaError: On a division by zero or a number with too many digits.
        """
        if id(node) not in self._done:
            self._done[id(node)] = self._compute(node)
        return self._done[id(node)]

    def combine(self, node: Binary, left: Fraction, right: Fraction) -> Fraction:
        """``left operator right`` for the operator of ``node``.

        Raises:
            FormulaError: As :meth:`value`, pointing at ``node``.
        """
        try:
            return calculate(node.operator, left, right)
        except RefusedError as error:
            raise self._evaluator.error(str(error), node) from error

    def _compute(self, node: Node) -> Fraction:
        if isinstance(node, Number):
            return node.value
        if isinstance(node, Negative):
            return -self.value(node.operand)
        if isinstance(node, Binary):
            return self.combine(node, self.value(node.left), self.value(node.right))
        assert isinstance(node, Call)
        return self.value(self._evaluator.weight(node, self._class))
