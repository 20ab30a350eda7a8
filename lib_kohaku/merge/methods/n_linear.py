"""Linear combination of any number of models."""

from __future__ import annotations

from fractions import Fraction
from functools import reduce

from lib_kohaku.errors import RefusedError
from lib_kohaku.merge.formula.nodes import Node, Number
from lib_kohaku.merge.methods.base import BoundArguments, LinearMethod, ModelInput, Setting
from lib_kohaku.merge.methods.build import plus, times


def _items(value: Node | tuple[Node, ...]) -> tuple[Node, ...]:
    assert isinstance(value, tuple)
    return value


def _expand(arguments: BoundArguments) -> Node:
    models = _items(arguments.models["models"])
    weights = _items(arguments.settings["weights"])
    if len(models) != len(weights):
        raise RefusedError(f"n_linear has {len(models)} models but {len(weights)} weights")
    return reduce(plus, (times(weight, model) for weight, model in zip(weights, models, strict=True)))


def _expand_average(arguments: BoundArguments) -> Node:
    models = _items(arguments.models["models"])
    share = Number(Fraction(1, len(models)))
    return reduce(plus, (times(share, model) for model in models))


N_LINEAR = LinearMethod(
    name="n_linear",
    label="Linear combination",
    description="Blends any number of models, each with its own weight. The weights should add up to 1.",
    definition="w1*M1 + w2*M2 + ...",
    reference="Wortsman et al., Model soups, arXiv 2203.05482",
    inputs=(ModelInput("models", many=True),),
    settings=(Setting("weights", "One weight per model.", many=True),),
    expand=_expand,
)

AVERAGE = LinearMethod(
    name="average",
    label="Average",
    description="The plain average of any number of models.",
    definition="(M1 + M2 + ... + Mn)/n",
    reference="Wortsman et al., Model soups, arXiv 2203.05482",
    inputs=(ModelInput("models", many=True),),
    expand=_expand_average,
)
