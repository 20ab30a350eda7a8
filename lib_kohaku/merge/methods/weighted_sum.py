"""Weighted sum."""

from __future__ import annotations

from fractions import Fraction

from lib_kohaku.merge.formula.nodes import Node
from lib_kohaku.merge.methods.base import BoundArguments, LinearMethod, ModelInput, Setting
from lib_kohaku.merge.methods.build import complement, plus, times


def _expand(arguments: BoundArguments) -> Node:
    alpha = arguments.setting("alpha")
    return plus(times(complement(alpha), arguments.model("a")), times(alpha, arguments.model("b")))


WEIGHTED_SUM = LinearMethod(
    name="weighted_sum",
    label="Weighted sum",
    description="Blends two models. Alpha 0 is all A, alpha 1 is all B.",
    definition="(1 - alpha)*A + alpha*B",
    reference="Wortsman et al., Robust fine-tuning of zero-shot models, arXiv 2109.01903",
    inputs=(ModelInput("a"), ModelInput("b")),
    settings=(Setting("alpha", "Share of B.", Fraction(1, 2), usual=(Fraction(0), Fraction(1))),),
    expand=_expand,
)
