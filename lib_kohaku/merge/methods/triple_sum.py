"""Triple sum."""

from __future__ import annotations

from fractions import Fraction

from lib_kohaku.merge.formula.nodes import Node
from lib_kohaku.merge.methods.base import BoundArguments, LinearMethod, ModelInput, Setting
from lib_kohaku.merge.methods.build import complement, plus, times


def _expand(arguments: BoundArguments) -> Node:
    alpha, beta = arguments.setting("alpha"), arguments.setting("beta")
    rest = times(complement(plus(alpha, beta)), arguments.model("a"))
    return plus(plus(rest, times(alpha, arguments.model("b"))), times(beta, arguments.model("c")))


TRIPLE_SUM = LinearMethod(
    name="triple_sum",
    label="Triple sum",
    description="Blends three models; A gets what B and C leave.",
    definition="(1 - alpha - beta)*A + alpha*B + beta*C",
    reference="hako-mikan, supermerger",
    inputs=(ModelInput("a"), ModelInput("b"), ModelInput("c")),
    settings=(
        Setting("alpha", "Share of B.", Fraction(1, 4), usual=(Fraction(0), Fraction(1))),
        Setting("beta", "Share of C.", Fraction(1, 4), usual=(Fraction(0), Fraction(1))),
    ),
    expand=_expand,
)
