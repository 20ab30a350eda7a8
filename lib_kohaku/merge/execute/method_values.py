"""The values of combinations that contain results of tensor methods."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from fractions import Fraction

import torch

from lib_kohaku.merge.algebra.forms import LinearForm, MethodResult
from lib_kohaku.merge.execute.batches import Part
from lib_kohaku.merge.execute.kernel import LinearKernel
from lib_kohaku.merge.methods.base import TensorContext, TensorMethod
from lib_kohaku.merge.methods.registry import METHODS


class MethodValues:
    """One evaluation for one part. A result that is needed more than once is computed once and kept until the end."""

    def __init__(self, part: Part, inputs: Mapping[str, torch.Tensor], kernel: LinearKernel, seed: int) -> None:
        """Prepare.

        Args:
            part: What is computed.
            inputs: Flat values of every model.
            kernel: Sums models.
            seed: The recipe's.
        """
        self._inputs = inputs
        self._kernel = kernel
        self._shape = part.tensor.spec.shape if part.whole else (part.count,)
        name = part.tensor.spec.name
        self._context = TensorContext(name, zlib.crc32(f"{seed}/{name}".encode()))
        self._shared: frozenset[int] = frozenset()
        self._kept: dict[int, torch.Tensor] = {}

    def of(self, form: LinearForm) -> torch.Tensor:
        """The value of a combination, float64, in the tensor's shape (or flat, for a slice)."""
        self._shared = form.shared_results()
        return self._value(form)

    def _value(self, form: LinearForm) -> torch.Tensor:
        # A new tensor every time: methods may destroy what they are given.
        total = torch.zeros(self._shape, dtype=torch.float64)
        plain = [(source, value) for source, value in form.terms if isinstance(source, str)]
        if plain:
            self._combine_into(total.reshape(-1), plain)
        for source, value in form.terms:
            if isinstance(source, MethodResult):
                total.add_(self._result(source), alpha=float(value))
        return total

    def _combine_into(self, out: torch.Tensor, terms: list[tuple[str, Fraction]]) -> None:
        coefficients = tuple(value for _, value in terms)
        for start in range(0, len(out), self._kernel.block):
            end = min(start + self._kernel.block, len(out))
            out[start:end] = self._kernel.combine([self._inputs[role][start:end] for role, _ in terms], coefficients)

    def _result(self, result: MethodResult) -> torch.Tensor:
        kept = self._kept.get(id(result))
        if kept is not None:
            return kept
        method = METHODS[result.method]
        assert isinstance(method, TensorMethod)
        arguments = [self._value(form) for form in result.inputs]
        values = method.apply(arguments, dict(result.settings), self._context)
        if id(result) in self._shared:
            self._kept[id(result)] = values
        return values
