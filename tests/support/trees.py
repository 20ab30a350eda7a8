"""Random syntax trees: every tree that the parser can make."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import strategies as st

from lib_kohaku.merge.formula.nodes import (
    TEXT_FUNCTIONS,
    Argument,
    Binary,
    Call,
    Definition,
    Formula,
    ListOf,
    Name,
    Negative,
    Node,
    Number,
    Parameter,
    ParameterName,
    Text,
)

# Quotes, operators, lookalikes, other scripts: whatever a file may be called.
_CHARACTERS = st.sampled_from(list("abZ09_.- \"'\\+*/()[]=,;#$–−×·÷“”éж花\t"))
PLAIN_NAMES = st.sampled_from(["a", "beta7", "anxl3", "_x", "v1.5", "in", "花", "mbw2", "weighted_sum", "e1"])
NAMES = st.one_of(PLAIN_NAMES, st.text(_CHARACTERS, min_size=1, max_size=8).filter(str.strip))
PARAMETERS = st.sampled_from(["alpha", "x", "_1", "ж"])
DECIMALS = st.builds(lambda digits, places: Fraction(digits, 10**places), st.integers(0, 10**9), st.integers(0, 12))
FUNCTIONS = st.sampled_from(["weighted_sum", "ties", "mbw", "blocks", "lora", "f.g"])


@st.composite
def _arguments(draw: st.DrawFn, function: str, inner: st.SearchStrategy[Node]) -> Argument:
    values = st.one_of(inner, st.builds(Text, NAMES)) if function in TEXT_FUNCTIONS else inner
    # The first thing in an argument decides whether it is a keyword or a text: names there are left to brackets.
    value = draw(values)
    kind = draw(st.sampled_from(("plain", "keyword", "quoted")))
    if kind == "plain":
        return Argument(value)
    if kind == "keyword":
        return Argument(value, draw(PLAIN_NAMES))
    return Argument(value, draw(st.text(_CHARACTERS, max_size=8)), quoted=True)


@st.composite
def _calls(draw: st.DrawFn, inner: st.SearchStrategy[Node]) -> Call:
    function = draw(FUNCTIONS)
    return Call(function, tuple(draw(st.lists(_arguments(function, inner), max_size=3))))


NODES: st.SearchStrategy[Node] = st.recursive(
    st.one_of(st.builds(Number, DECIMALS), st.builds(Name, NAMES), st.builds(ParameterName, PARAMETERS)),
    lambda inner: st.one_of(
        st.builds(Binary, st.sampled_from("+-*/"), inner, inner),
        st.builds(Negative, inner),
        st.builds(ListOf, st.lists(inner, max_size=3).map(tuple)),
        _calls(inner),
    ),
    max_leaves=12,
)


@st.composite
def _parameters(draw: st.DrawFn, name: str) -> Parameter:
    low, default, high = sorted(draw(st.lists(DECIMALS.map(lambda value: value - 5), min_size=3, max_size=3)))
    return Parameter(name, default, low, high) if draw(st.booleans()) else Parameter(name, default)


@st.composite
def formulas(draw: st.DrawFn) -> Formula:
    """Whole formulas."""
    parameters = tuple(draw(_parameters(name)) for name in draw(st.lists(PARAMETERS, unique=True, max_size=2)))
    names = draw(st.lists(NAMES, unique=True, max_size=4))
    definitions = [Definition(name, draw(NODES)) for name in names]
    if definitions and draw(st.booleans()):
        last = definitions.pop()
        return Formula(parameters, tuple(definitions), last.value, last.name)
    return Formula(parameters, tuple(definitions), draw(NODES))
