"""Linear combinations with exact coefficients."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TypeAlias


@dataclass(frozen=True)
class MethodResult:
    """The result of a tensor method, as a term of a linear combination.

    Attributes:
        method: Its name in the registry.
        inputs: What goes in, lists spread out.
        settings: Its settings as floats, by name.
        gives_model: Whether it stands for a model (1) or a difference (0) in coefficient sums.
    """

    method: str
    inputs: tuple[LinearForm, ...]
    settings: tuple[tuple[str, float], ...]
    gives_model: bool

    @cached_property
    def roles(self) -> frozenset[str]:
        """All models that it depends on."""
        return frozenset().union(*(form.roles for form in self.inputs))

    @cached_property
    def methods(self) -> frozenset[str]:
        """Its own method, and those that its inputs are results of."""
        return frozenset({self.method}).union(*(form.methods for form in self.inputs))

    def __hash__(self) -> int:
        """Computed once: results of results share their inputs, and every level would double the work."""
        return self._hash

    @cached_property
    def _hash(self) -> int:
        return hash((self.method, self.inputs, self.settings, self.gives_model))


# A model's role, or the result of a method on models.
Source: TypeAlias = "str | MethodResult"


@dataclass(frozen=True)
class LinearForm:
    """``sum of coefficient * source``, exact; sources with coefficient 0 are left out.

    Attributes:
        terms: Pairs in the order in which the sources were first named.
    """

    terms: tuple[tuple[Source, Fraction], ...]

    @staticmethod
    def of(source: Source) -> LinearForm:
        """One times ``source``."""
        return LinearForm(((source, Fraction(1)),))

    @property
    def total(self) -> Fraction:
        """The coefficient sum: 1 for a model, 0 for a difference."""
        return sum(
            (k for source, k in self.terms if isinstance(source, str) or source.gives_model),
            Fraction(0),
        )

    @cached_property
    def roles(self) -> frozenset[str]:
        """All models that it depends on."""
        return frozenset().union(*({source} if isinstance(source, str) else source.roles for source, _ in self.terms))

    @cached_property
    def methods(self) -> frozenset[str]:
        """All tensor methods that it depends on."""
        return frozenset().union(*(source.methods for source, _ in self.terms if isinstance(source, MethodResult)))

    def shared_results(self) -> frozenset[int]:
        """Ids of the method results that are needed more than once to compute it."""
        seen: set[int] = set()
        shared: set[int] = set()
        waiting = [self]
        while waiting:
            for source, _ in waiting.pop().terms:
                if not isinstance(source, MethodResult):
                    continue
                if id(source) in seen:
                    shared.add(id(source))
                    continue
                seen.add(id(source))
                waiting.extend(source.inputs)
        return frozenset(shared)

    @property
    def coefficients(self) -> Mapping[Source, Fraction]:
        """The terms as a mapping."""
        return dict(self.terms)

    def plus(self, other: LinearForm, factor: Fraction) -> LinearForm:
        """``self + factor * other``."""
        merged = dict(self.terms)
        for source, coefficient in other.terms:
            merged[source] = merged.get(source, Fraction(0)) + factor * coefficient
        return LinearForm(tuple((source, k) for source, k in merged.items() if k))

    def scaled(self, factor: Fraction) -> LinearForm:
        """``factor * self``."""
        return LinearForm(tuple((source, k * factor) for source, k in self.terms if factor))


ZERO = LinearForm(())
