"""What a merge method says about itself. Command line, user interface and documentation are made from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Literal, TypeAlias

from lib_kohaku.merge.formula.nodes import Node

if TYPE_CHECKING:
    import torch

ValueKind: TypeAlias = Literal["model", "delta"]


@dataclass(frozen=True)
class ModelInput:
    """An argument that is a model or a difference of models.

    Attributes:
        name: Keyword of the argument.
        kind: ``"model"`` (coefficients add up to 1) or ``"delta"`` (to 0).
        many: Whether it is a list, ``[a, b, c]``.
    """

    name: str
    kind: ValueKind = "model"
    many: bool = False


@dataclass(frozen=True)
class Setting:
    """An argument that is a number, or block weights.

    Attributes:
        name: Keyword of the argument.
        description: What it does, in one sentence.
        default: Value if it is not given; None if it must be.
        low: Smallest allowed value.
        high: Largest allowed value.
        many: Whether it is a list.
        usual: The range that sliders offer, if it is narrower than the allowed one.
    """

    name: str
    description: str
    default: Fraction | None = None
    low: Fraction | None = None
    high: Fraction | None = None
    many: bool = False
    usual: tuple[Fraction, Fraction] | None = None


@dataclass(frozen=True)
class BoundArguments:
    """The arguments of one call, each under its name. Lists are tuples."""

    models: Mapping[str, Node | tuple[Node, ...]]
    settings: Mapping[str, Node | tuple[Node, ...]]

    def model(self, name: str) -> Node:
        """A single model argument."""
        value = self.models[name]
        assert not isinstance(value, tuple)
        return value

    def setting(self, name: str) -> Node:
        """A single setting."""
        value = self.settings[name]
        assert not isinstance(value, tuple)
        return value


@dataclass(frozen=True)
class Method:
    """What all methods have in common.

    Attributes:
        name: The function's name in formulas.
        label: The name for people.
        description: One or two sentences for an artist.
        definition: The maths in one line.
        reference: Where it comes from: a paper or the tool that made it known.
        inputs: Its model arguments in positional order.
        settings: Its settings, after the models.
        gives: Whether the result is a model or a difference.
    """

    name: str
    label: str
    description: str
    definition: str
    reference: str
    inputs: tuple[ModelInput, ...]
    settings: tuple[Setting, ...] = ()
    gives: ValueKind = "model"


@dataclass(frozen=True)
class LinearMethod(Method):
    """A method that is a linear combination: it writes itself as a formula, which collapses with what is around it."""

    expand: Callable[[BoundArguments], Node] = NotImplemented


@dataclass(frozen=True)
class TensorContext:
    """What a tensor method may know about the tensor it works on.

    Attributes:
        key: The tensor's name.
        seed: A seed that depends on the recipe's seed and the key: the same recipe gives the same file.
    """

    key: str
    seed: int


TensorFunction: TypeAlias = "Callable[[Sequence[torch.Tensor], Mapping[str, float], TensorContext], torch.Tensor]"


@dataclass(frozen=True)
class TensorMethod(Method):
    """A method that has to see the values.

    ``apply`` gets the inputs in order (lists spread out) as float64 tensors of equal shape, which it may overwrite, the
    settings as floats, and returns one such tensor. It is called once per tensor; a method that treats each element
    alone says ``elementwise`` and may be called with flat slices.
    """

    apply: TensorFunction = NotImplemented
    elementwise: bool = False
