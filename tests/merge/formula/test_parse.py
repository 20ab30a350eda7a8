"""What formulas mean: precedence, names, numbers, lines."""

from __future__ import annotations

from fractions import Fraction

import pytest

from lib_kohaku.merge.formula.nodes import Binary, Call, Name, Negative, Node, Number, Text
from lib_kohaku.merge.formula.parser import parse_formula
from lib_kohaku.merge.formula.tokens import Kind, tokenize


def shape(node: Node) -> object:
    """A tree as nested tuples."""
    if isinstance(node, Number):
        return node.value
    if isinstance(node, Name):
        return node.name
    if isinstance(node, Negative):
        return ("neg", shape(node.operand))
    assert isinstance(node, Binary)
    return (node.operator, shape(node.left), shape(node.right))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a + b*c", ("+", "a", ("*", "b", "c"))),
        ("a*b + c", ("+", ("*", "a", "b"), "c")),
        ("a - b - c", ("-", ("-", "a", "b"), "c")),
        ("a - (b - c)", ("-", "a", ("-", "b", "c"))),
        ("a/2/4", ("/", ("/", "a", 2), 4)),
        ("a/2*4", ("*", ("/", "a", 2), 4)),
        ("-a*b", ("*", ("neg", "a"), "b")),
        ("-(a*b)", ("neg", ("*", "a", "b"))),
        ("a - -b", ("-", "a", ("neg", "b"))),
        ("--a", ("neg", ("neg", "a"))),
        ("+a", "a"),
        ("2.5*a", ("*", Fraction(5, 2), "a")),
        ("((a))", "a"),
        (
            "beta7 + 0.8*(anxl3-anxl2) + 0.5*(base7-beta7)",
            (
                "+",
                ("+", "beta7", ("*", Fraction(4, 5), ("-", "anxl3", "anxl2"))),
                ("*", Fraction(1, 2), ("-", "base7", "beta7")),
            ),
        ),
    ],
)
def test_precedence(text: str, expected: object) -> None:
    assert shape(parse_formula(text).result) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0.1", Fraction(1, 10)),
        (".5", Fraction(1, 2)),
        ("2.", Fraction(2)),
        ("1e-3", Fraction(1, 1000)),
        ("2.5E+2", Fraction(250)),
        ("0.1000000000000000055511151231257827", Fraction("0.1000000000000000055511151231257827")),
        ("1e30", Fraction(10**30)),
    ],
)
def test_numbers_are_exact(text: str, value: Fraction) -> None:
    node = parse_formula(text + "*a").result
    assert isinstance(node, Binary)
    assert node.left == Number(value)


def test_names_with_anything_in_quotes() -> None:
    for quoted, name in [
        ('"Kohaku XL - Beta (7)"', "Kohaku XL - Beta (7)"),
        ("'it''s'".replace("''", r"\'"), "it's"),
        (r'"a\"b\\c"', r'a"b\c'),
        ('"sub/model v2.safetensors"', "sub/model v2.safetensors"),
        ("“model card”", "model card"),
        ("花.v1.5", "花.v1.5"),
    ]:
        assert parse_formula(quoted).result == Name(name)


def test_lookalike_operators_work_outside_quotes_only() -> None:
    """Model cards have them as operators; file names have them as characters."""
    assert shape(parse_formula("a − 0.5×(b – c) ÷ 2").result) == shape(parse_formula("a - 0.5*(b - c) / 2").result)
    assert parse_formula('"mix · v2 – final × “x”"').result == Name("mix · v2 – final × “x”")


def test_newlines_end_lines_except_in_brackets() -> None:
    formula = parse_formula("d = (b -\n     c)  # a comment\n\nr = a + d ; r + d")
    assert [definition.name for definition in formula.definitions] == ["d", "r"]
    assert shape(formula.result) == ("+", "r", "d")
    assert formula.result_name is None


def test_last_line_may_have_a_name() -> None:
    formula = parse_formula("rev2 = a + b")
    assert formula.result_name == "rev2"
    assert formula.definitions == ()


def test_parameters_and_ranges() -> None:
    formula = parse_formula("$k = 0.5 in [-1, 1.5]\n$j = -2\na + $k*(b - a)")
    first, second = formula.parameters
    assert (first.name, first.default, first.low, first.high) == ("k", Fraction(1, 2), Fraction(-1), Fraction(3, 2))
    assert (second.name, second.default, second.low, second.high) == ("j", Fraction(-2), None, None)


def test_texts_belong_to_weights_and_names_to_methods() -> None:
    weights = parse_formula('mbw("gamma")*a').result
    assert isinstance(weights, Binary)
    assert isinstance(weights.left, Call)
    assert weights.left.arguments[0].value == Text("gamma")
    method = parse_formula('average(["x y"])').result
    assert isinstance(method, Call)
    assert "x y" in repr(method.arguments[0].value)
    assert "Text" not in repr(method.arguments[0].value)


def test_quoted_keyword_is_a_pattern() -> None:
    call = parse_formula('blocks("*.attn1.*"=0.5, IN07=1)*a').result
    assert isinstance(call, Binary)
    assert isinstance(call.left, Call)
    assert [(item.keyword, item.quoted) for item in call.left.arguments] == [("*.attn1.*", True), ("IN07", False)]


def test_nodes_are_equal_wherever_they_stand() -> None:
    assert parse_formula("a+b").result == parse_formula("  a   +  b  ").result


def test_token_spans_cover_the_text() -> None:
    source = 'x = "two words" + 0.5*$p # c'
    for token in tokenize(source)[:-1]:
        piece = source[token.span.column - 1 : token.span.column - 1 + token.span.length]
        assert token.text in piece
        assert token.kind is not Kind.END
