"""Sum twice."""

from __future__ import annotations

from fractions import Fraction

from lib_kohaku.merge.formula.nodes import Node
from lib_kohaku.merge.methods.base import BoundArguments, LinearMethod, ModelInput, Setting
from lib_kohaku.merge.methods.build import complement, plus, times


def _expand(arguments: BoundArguments) -> Node:
    alpha, beta = arguments.setting("alpha"), arguments.setting("beta")
    first = plus(times(complement(alpha), arguments.model("a")), times(alpha, arguments.model("b")))
    return plus(times(complement(beta), first), times(beta, arguments.model("c")))


SUM_TWICE = LinearMethod(
    name="sum_twice",
    label="Sum twice",
    description="Blends A and B, then blends C into the result.",
    definition="(1 - beta)*((1 - alpha)*A + alpha*B) + beta*C",
    reference="hako-mikan, supermerger",
    inputs=(ModelInput("a"), ModelInput("b"), ModelInput("c")),
    settings=(
        Setting("alpha", "Share of B in the first blend.", Fraction(1, 2), usual=(Fraction(0), Fraction(1))),
        Setting("beta", "Share of C in the second blend.", Fraction(1, 2), usual=(Fraction(0), Fraction(1))),
    ),
    expand=_expand,
)
