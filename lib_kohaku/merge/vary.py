"""Variations of a recipe, for grids: other parameters, other block weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from lib_kohaku.merge.algebra.base_model import base_role
from lib_kohaku.merge.algebra.resolve import resolve_formula
from lib_kohaku.merge.formula.nodes import Argument, Binary, Call, Formula, ListOf, Name, Negative, Node, Text
from lib_kohaku.merge.formula.parser import parse_formula
from lib_kohaku.merge.formula.printer import print_formula
from lib_kohaku.merge.recipe import Recipe

_MBW = "mbw"


def with_parameters(recipe: Recipe, values: Mapping[str, float]) -> Recipe:
    """The recipe with other values of some ``$parameters``.

    Raises:
        RefusedError: If the formula has no such parameter, or a value is out of its range.
    """
    varied = replace(recipe, parameters={**recipe.parameters, **values})
    resolve_formula(varied.formula, varied.parameters)
    return varied


def with_block_weights(recipe: Recipe, weights: str) -> Recipe:
    """The recipe with other block weights.

    A formula with ``mbw(...)`` gets the list in each of them. In any other formula the list says how much of the merge
    takes place in each block: ``result`` becomes ``base + mbw(list)*(result - base)``, which is the merge itself where
    the weight is 1, and the base model where it is 0.

    Args:
        recipe: The recipe.
        weights: The name of a preset, or 20 or 26 numbers with commas between.

    Raises:
        RefusedError: If the formula or the weights are wrong.
    """
    formula = parse_formula(recipe.formula)
    call = Call(_MBW, (Argument(Text(weights.strip())),))
    varied = _Replacer(call).formula(formula)
    if varied == formula and not _has_mbw(formula):
        base = Name(recipe.base or base_role(resolve_formula(recipe.formula, recipe.parameters)))
        change = Binary("-", formula.result, base)
        varied = replace(formula, result=Binary("+", base, Binary("*", call, change)))
    text = print_formula(varied)
    resolve_formula(text, recipe.parameters)
    return replace(recipe, formula=text)


def _has_mbw(formula: Formula) -> bool:
    marker = Call(_MBW, (Argument(Text("")),))
    return _Replacer(marker).formula(formula) != formula


class _Replacer:
    """Puts another call in the place of every ``mbw(...)``."""

    def __init__(self, call: Call) -> None:
        self._call = call

    def formula(self, formula: Formula) -> Formula:
        """The formula with it."""
        definitions = tuple(replace(item, value=self._node(item.value)) for item in formula.definitions)
        return replace(formula, definitions=definitions, result=self._node(formula.result))

    def _node(self, node: Node) -> Node:
        if isinstance(node, Call):
            if node.function == _MBW:
                return self._with_slots(node)
            arguments = tuple(replace(item, value=self._node(item.value)) for item in node.arguments)
            return replace(node, arguments=arguments)
        if isinstance(node, Binary):
            return replace(node, left=self._node(node.left), right=self._node(node.right))
        if isinstance(node, Negative):
            return replace(node, operand=self._node(node.operand))
        if isinstance(node, ListOf):
            return replace(node, items=tuple(self._node(item) for item in node.items))
        return node

    def _with_slots(self, node: Call) -> Call:
        """The new call; slots outside the list that were named (``VAE=0.5``) stay as they were."""
        named = tuple(argument for argument in node.arguments if argument.keyword is not None)
        return replace(self._call, arguments=(*self._call.arguments, *named))
