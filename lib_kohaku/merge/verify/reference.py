"""The expected values, computed as the formula is written.

The pipeline collapses a formula into one coefficient per model and sums whole multiples; this walks the expression in
float64, differences first, with torch's plain operators. What both agree on is right.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

from lib_kohaku.merge.algebra.evaluate import Evaluator, Numbers, TensorClass
from lib_kohaku.merge.algebra.forms import LinearForm
from lib_kohaku.merge.algebra.resolve import is_number
from lib_kohaku.merge.formula.nodes import Binary, Name, Negative, Node


class ReferenceWalk:
    """One walk over an expression for one tensor."""

    def __init__(self, evaluator: Evaluator, tensor_class: TensorClass, values: Mapping[str, torch.Tensor]) -> None:
        """Prepare.

        Args:
            evaluator: Knows the block weights.
            tensor_class: The tensor's class.
            values: float64 values of every model.
        """
        self._values = values
        self._done: dict[int, torch.Tensor] = {}
        self._numbers = Numbers(evaluator, tensor_class)

    def model(self, node: Node) -> torch.Tensor:
        """The value of a model expression, float64."""
        if id(node) not in self._done:
            self._done[id(node)] = self._compute(node)
        return self._done[id(node)]

    def _compute(self, node: Node) -> torch.Tensor:
        if isinstance(node, Name):
            return self._values[node.name]
        if isinstance(node, Negative):
            return -self.model(node.operand)
        assert isinstance(node, Binary)
        if node.operator == "+":
            return self.model(node.left) + self.model(node.right)
        if node.operator == "-":
            return self.model(node.left) - self.model(node.right)
        if node.operator == "/":
            return self.model(node.left) / float(self._numbers.value(node.right))
        if is_number(node.left):
            return self.model(node.right) * float(self._numbers.value(node.left))
        return self.model(node.left) * float(self._numbers.value(node.right))


def reference_of_form(form: LinearForm, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """A collapsed combination in plain float64, for tensors that some model lacks."""
    total: torch.Tensor | None = None
    for source, coefficient in form.terms:
        assert isinstance(source, str)
        term = values[source] * float(coefficient)
        total = term if total is None else total + term
    assert total is not None
    return total
