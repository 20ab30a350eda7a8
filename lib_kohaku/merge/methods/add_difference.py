"""Add difference."""

from __future__ import annotations

from fractions import Fraction

from lib_kohaku.merge.formula.nodes import Node
from lib_kohaku.merge.methods.base import BoundArguments, LinearMethod, ModelInput, Setting
from lib_kohaku.merge.methods.build import minus, plus, times


def _expand(arguments: BoundArguments) -> Node:
    difference = minus(arguments.model("b"), arguments.model("c"))
    return plus(arguments.model("a"), times(arguments.setting("alpha"), difference))


ADD_DIFFERENCE = LinearMethod(
    name="add_difference",
    label="Add difference",
    description="Adds to A what B learnt since C. C is usually the model that B was trained from.",
    definition="A + alpha*(B - C)",
    reference="Ilharco et al., Editing models with task arithmetic, arXiv 2212.04089",
    inputs=(ModelInput("a"), ModelInput("b"), ModelInput("c")),
    settings=(Setting("alpha", "How much of the difference.", Fraction(1), usual=(Fraction(0), Fraction(2))),),
    expand=_expand,
)
