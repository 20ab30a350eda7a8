"""Little helpers to write linear methods as formulas."""

from __future__ import annotations

from fractions import Fraction

from lib_kohaku.merge.formula.nodes import Binary, Node, Number

ONE = Number(Fraction(1))


def plus(left: Node, right: Node) -> Node:
    """``left + right``."""
    return Binary("+", left, right)


def minus(left: Node, right: Node) -> Node:
    """``left - right``."""
    return Binary("-", left, right)


def times(left: Node, right: Node) -> Node:
    """``left * right``."""
    return Binary("*", left, right)


def complement(weight: Node) -> Node:
    """``1 - weight``."""
    return minus(ONE, weight)
