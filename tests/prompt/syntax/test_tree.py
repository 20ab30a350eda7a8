import time

import pytest
from hypothesis import given

from lib_kohaku.prompt.syntax import (
    NEGATIVE,
    Alternation,
    Branch,
    Group,
    Kind,
    Schedule,
    attention,
    leaves,
    multicond,
    parse,
    schedule,
    source,
    visible,
    walk,
)
from tests.prompt.support import many, prompts


def check_tiling(text, prompt):
    position = 0
    for leaf in leaves(prompt.children):
        assert leaf.start == position
        assert leaf.text
        position = leaf.end
    assert position == len(text)
    for node in walk(prompt.children):
        if isinstance(node, Branch) and node.children:
            assert (node.start, node.end) == (node.children[0].start, node.children[-1].end)
            assert source([node]) == text[node.start : node.end]


@many(1000)
@given(prompts)
def test_nothing_is_lost(text):
    for dialect_prompt in (parse(text), parse(text, NEGATIVE)):
        assert dialect_prompt.text == text
        check_tiling(text, dialect_prompt)


@many(300)
@given(prompts)
def test_parts_and_their_weights_are_the_webuis(text):
    if any(leaf.kind is Kind.FOREIGN for leaf in leaves(parse(text).children)):
        return
    conditions = multicond(visible(text))
    assert [part.weight for part in parse(text).parts] == [condition.weight for condition in conditions]


def kinds(text):
    return [(leaf.kind, leaf.text) for leaf in leaves(parse(text).children) if leaf.kind is not Kind.BLANK]


def only(text, node_type):
    (node,) = [node for node in walk(parse(text).children) if isinstance(node, node_type)]
    return node


def test_leaf_kinds():
    assert kinds("a, <lora:x:1> BREAK {p|q} \\( # c\n__w__ AND |") == [
        (Kind.WORDS, "a"),
        (Kind.COMMA, ","),
        (Kind.NETWORK, "<lora:x:1>"),
        (Kind.BREAK, "BREAK"),
        (Kind.FOREIGN, "{p|q}"),
        (Kind.ESCAPE, "\\("),
        (Kind.COMMENT, "# c"),
        (Kind.FOREIGN, "__w__"),
        (Kind.AND, "AND"),
        (Kind.BAR, "|"),
    ]


@pytest.mark.parametrize("word", ["ADDBASE", "ADDCOMM", "ADDCOL", "ADDROW", "ADDP"])
def test_regions(word):
    assert kinds(f"a {word} b,{word}, {word}S x{word}") == [
        (Kind.WORDS, "a"),
        (Kind.REGION, word),
        (Kind.WORDS, "b"),
        (Kind.COMMA, ","),
        (Kind.REGION, word),
        (Kind.COMMA, ","),
        (Kind.WORDS, f"{word}S"),
        (Kind.WORDS, f"x{word}"),
    ]


def test_schedule_fields():
    node = only("x [a, b:c : 0.5 ] y", Schedule)
    assert (source(node.before), source(node.after), node.when) == ("a, b", "c ", "0.5")
    assert only("[c:5]", Schedule).before is None
    assert only("[:c:5]", Schedule).before == ()


def test_alternation_options():
    assert [source(option) for option in only("[a|(b:1.1)||c]", Alternation).options] == ["a", "(b:1.1)", "", "c"]


@pytest.mark.parametrize(
    ("text", "weight", "explicit"), [("(a)", 1.1, False), ("[a]", 1 / 1.1, False), ("(a: -.5 )", -0.5, True)]
)
def test_group_weights(text, weight, explicit):
    node = only(text, Group)
    assert (node.weight, node.explicit, source(node.content)) == (weight, explicit, "a")


def test_a_bar_elsewhere_makes_schedules_plain_groups():
    assert isinstance(only("[a:b:5], c|d", Group), Group)
    assert not [node for node in walk(parse("[a:b:5], c|d").children) if isinstance(node, Schedule)]


def test_hidden_parts_inside_a_weight_do_not_hide_it():
    node = only("(a:<lora:x:1>1.2)", Group)
    assert node.weight == 1.2
    assert source(node.content) == "a"


def test_a_comment_inside_a_network_stays_a_comment():
    assert kinds("<lora:a#b\nc:1>") == [
        (Kind.NETWORK, "<lora:a"),
        (Kind.COMMENT, "#b"),
        (Kind.NETWORK, "\nc:1>"),
    ]


def test_hidden_parts_at_the_ends_belong_to_a_part():
    prompt = parse("<lora:a:1> AND x <lora:b:1># c")
    assert [source(part.children) for part in prompt.parts] == ["<lora:a:1> ", " x <lora:b:1># c"]


def test_trailing_weight_is_the_parts():
    part = parse("1girl, :3").parts[0]
    assert part.weight == 3.0
    assert (part.children[-1].kind, part.children[-1].text) == (Kind.TRAILING_WEIGHT, " :3")
    assert parse("1girl, :3", NEGATIVE).parts[0].weight == 1.0


@pytest.mark.parametrize("tag", ["@_@", "a$ap rocky", "m@sterpiece", "under_score__", "__", "{", "}{"])
def test_tags_that_look_like_other_extensions_syntax(tag):
    assert Kind.FOREIGN not in {kind for kind, _ in kinds(tag)}


HUGE = [
    *("(" * 100_000, "[" * 30_000 + "a" + "]" * 30_000, "(" * 30_000 + ")" * 30_000, "([" * 20_000 + ")" * 20_000),
    *("(a:1.1" * 20_000, "[a:b:" * 20_000, "[a|" * 10_000 + "]" * 10_000, "[a:[b:" * 5_000 + "5]" * 10_000),
    *("<a:" * 30_000, "{" * 50_000, "\\" * 50_001, ":" * 50_000, " " * 100_000, "__a" * 30_000, "@a" * 30_000),
    *(" BREAK" * 10_000, " AND" * 10_000, "#\n" * 30_000, "([)" * 20_000, ": " * 20_000, "<a" * 30_000),
]


@pytest.mark.parametrize("text", HUGE, ids=lambda text: f"{text[:8]!r}x{len(text)}")
def test_no_input_takes_long(text):
    begin = time.process_time()
    prompt = parse(text)
    assert prompt.text == text
    for condition in multicond(visible(text))[:2]:
        attention(condition.text)
        schedule(condition.text, 2)
    # A fraction of a second; quadratic time would be minutes.
    assert time.process_time() - begin < 10


def test_equality_is_that_of_the_texts():
    assert parse("(a)") == parse("(a)")
    assert parse("(a)") != parse("(b)")
    assert len({parse("(a)"), parse("(a)")}) == 1
    assert "children" in repr(parse("(" * 5000 + ")" * 5000))
