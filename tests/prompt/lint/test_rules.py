"""Each rule: what it finds, what it leaves alone, and that its fix does what it says and nothing else."""

import time
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.prompt.format import TagClass, TagInfo
from lib_kohaku.prompt.lint import RULES, Severity, fix_all, lint
from lib_kohaku.prompt.lint.finding import Finding, Fix
from lib_kohaku.prompt.lint.rule import Rule
from lib_kohaku.prompt.syntax import (
    NEGATIVE,
    POSITIVE,
    Dialect,
    Edit,
    Span,
    attention,
    escape,
    multicond,
    schedule,
    visible,
)
from tests.prompt.fixtures import GAMMA, TAGS, ListedTags
from tests.prompt.support import many, prompts


def found(text, code=None, dialect=POSITIVE, lookup=TAGS):
    findings = lint(text, GAMMA, lookup, dialect)
    return [finding for finding in findings if code in (None, finding.code)]


@dataclass(frozen=True)
class Case:
    code: str
    text: str
    marked: str
    fixed: str | None


PIECES = ["1girl", "solo", "log hair", "saber (fate)", ":3", "high quality", "safe", "nsfw", "(smile:1.2)", "old"]
tag_prompts = st.lists(st.sampled_from(PIECES), max_size=8).map(", ".join)


CASES = [
    Case("number-read-as-weight", "1girl, :3", ":3", "1girl, :3,"),
    Case("number-read-as-weight", "1girl, reverse:1999 \n", ":1999", "1girl, reverse:1999, \n"),
    Case("number-read-as-weight", "solo, :3 AND 1girl:0.5", ":3", "solo, :3, AND 1girl:0.5"),
    Case("number-read-as-weight", "1girl, :3 # note", ":3", "1girl, :3, # note"),
    Case("number-read-as-weight", "1girl, smile:1.2", ":1.2", "1girl, (smile:1.2)"),
    Case("number-read-as-weight", "1girl,\nlong hair : 0.8 ", ": 0.8", "1girl,\n(long hair : 0.8) "),
    Case("number-read-as-weight", "1girl, (smile):1.2", ":1.2", "1girl, (smile):1.2,"),
    Case("number-read-as-weight", "1girl, smile:1999", ":1999", "1girl, smile:1999,"),
    Case("number-read-as-weight", "(smile, :3), solo", ":3", "(smile, :\\3), solo"),
    Case("number-read-as-weight", "(reverse:1999), solo", ":1999", "(reverse:\\1999), solo"),
    Case("unreadable-weight", "a, (smile:1.2.3), solo", ":1.2.3", "a, (smile:1.2), solo"),
    Case("unreadable-weight", "(smile:.)", ":.", "(smile)"),
    Case("hash-in-name", "solo, memories off#5, smile", "memories off#5", "solo, smile"),
    Case("hash-in-name", "htol#niq:_hotaru_no_nikki\nsmile", "htol#niq:_hotaru_no_nikki", "\nsmile"),
    Case("keyword-in-weight", "(solo BREAK smile:1.2)", "BREAK", "(solo:1.2) BREAK (smile:1.2)"),
    Case("keyword-in-weight", "([solo, BREAK smile]), :d", "BREAK", "([solo,]) BREAK ([smile]), :d"),
    Case("keyword-in-weight", "(solo AND smile:1.2)", "AND", "(solo:1.2) AND (smile:1.2)"),
    Case("keyword-in-weight", "([solo BREAK smile:5]:1.2)", "BREAK", "([solo, smile:5]:1.2)"),
    Case("unescaped-name", "1girl, saber (fate), solo", "saber (fate)", "1girl, saber \\(fate\\), solo"),
    Case("unescaped-name", "(saber (fate):1.2)", "saber (fate)", "(saber \\(fate\\):1.2)"),
    Case("unescaped-name", "1girl, (o)_(o), solo", "(o)_(o)", "1girl, \\(o\\)_\\(o\\), solo"),
    Case("unescaped-name", "((o)_(o):1.2)", "(o)_(o)", "(\\(o\\)_\\(o\\):1.2)"),
    Case("unescaped-name", "((o)_(o)), solo", "(o)_(o)", "(\\(o\\)_\\(o\\)), solo"),
    Case("unescaped-name", "smile, (\\m/:1.2)", "\\m/", "smile, (\\\\m/:1.2)"),
    Case("unknown-tag", "1girl, (log:1.2) hair", "log:1.2) hair", "1girl, long hair"),
    Case("unknown-tag", "1girl, (log) hair", "(log) hair", "1girl, long hair"),
    Case("loose-bracket", "solo, (smile, :d ", "(", "solo, (smile, :d) "),
    Case("loose-bracket", "solo, [smile # note", "[", "solo, [smile] # note"),
    Case("loose-bracket", "solo, (smile:1.2, :d", "(", "solo, (smile:1.2), :d"),
    Case("loose-bracket", "solo, (smile:1.2 ", "(", "solo, (smile:1.2) "),
    Case("loose-bracket", "solo), smile", ")", "solo\\), smile"),
    Case("loose-bracket", "(solo, [smile), :d]", "[", "(solo, \\[smile), :d\\]"),
    Case("dead-schedule", "[solo:smile:0.5], :d | a", "|", "[solo:smile:0.5], :d \\| a"),
    Case("dead-schedule", "[solo|smile], :d\\", "\\", "[solo|smile], :d"),
    Case("dead-schedule", "[solo|:d], smile", ":", "[solo|\\:d], smile"),
    Case("touching-schedule", "a:[solo:smile:5], b", "[solo:smile:5]", "a: [solo:smile:5], b"),
    Case("touching-schedule", "[solo|smile]), b", "[solo|smile]", "[solo|smile] ), b"),
    Case("rating-conflict", "safe, 1girl, nsfw, solo", "nsfw", "safe, 1girl, solo"),
    Case("foreign-word", "1girl, high quality", "high quality", "1girl, great quality"),
    Case("foreign-word", "late, 1girl", "late", "recent, 1girl"),
    Case("foreign-word", "1girl, oldest", "oldest", "1girl, old"),
    Case("foreign-word", "1girl, very aesthetic,\nsolo", "very aesthetic", "1girl,\nsolo"),
    Case("alias", "(sole_female:1.2), [hires|solo]", "sole_female", "(1girl:1.2), [hires|solo]"),
    Case("duplicate", "1girl, solo,\nsmile, Solo", "Solo", "1girl, solo,\nsmile"),
    Case("duplicate", "(solo:1.2), solo, smile", "solo", "(solo:1.2), smile"),
    Case("duplicate", "solo, (smile, solo:1.2)", "solo", "solo, (smile:1.2)"),
    Case("duplicate", "solo, (solo, smile:1.2)", "solo", "solo, (smile:1.2)"),
    Case("duplicate", "solo, smile, (solo:1.2), 1girl", "solo", "smile, (solo:1.2), 1girl"),
    Case("duplicate", "(solo:1.2), smile, solo", "solo", "(solo:1.2), smile"),
    Case("duplicate", "(solo:1.1), smile, (solo:1.2)", "solo", "(solo:1.1), smile"),
    Case("duplicate", "1girl, sole female, solo", "sole female", "1girl, solo"),
    Case("implied", "absurdly long hair, long hair", "long hair", "absurdly long hair"),
    Case("implied", "long hair, very_long_hair", "long hair", "very_long_hair"),
    Case("unknown-tag", "1girl, log hair", "log hair", "1girl, long hair"),
    Case("unknown-tag", "1girl, qwertz", "qwertz", "1girl"),
    Case("unknown-tag", "1girl, by wlop", "by wlop", "1girl, wlop"),
    Case(
        "unknown-tag", "1girl, (artist:ask \\(askzy\\):1.1)", "artist:ask \\(askzy\\)", "1girl, (ask \\(askzy\\):1.1)"
    ),
    Case("unknown-tag", "1girl, style of wlop", "style of wlop", "1girl, wlop"),
    Case("word-is-also-tag", "1girl, old", "old", "1girl, old woman"),
]


def ids(case):
    return f"{case.code} {case.text}"


@pytest.mark.parametrize("case", CASES, ids=ids)
def test_finding_and_fix(case):
    finding = found(case.text, case.code)[0]
    assert case.text[finding.span.start : finding.span.end] == case.marked
    assert finding.message.endswith((".", "?"))
    if case.fixed is None:
        assert finding.fix is None
        return
    fixed = finding.fix.apply(case.text)
    assert fixed == case.fixed
    assert len(found(fixed, case.code)) < len(found(case.text, case.code))


def test_every_rule_has_a_case():
    assert {case.code for case in CASES} == {rule.code for rule in RULES}


WITH_EMOTICON = ListedTags([*TAGS.tags.values(), TagInfo(";)", TagClass.GENERAL)], TAGS.aliases, {})
GOOD = [
    r"1girl, saber \(fate\), fate \(series\), ask \(askzy\), solo, :3, smile, newest, safe, masterpiece, best quality",
    "1girl, solo, :3,",
    "(smile:1.2), [cat ears:animal ears:0.5], [solo|\\:d], a girl who stands in the rain and smiles.",
    "1girl, solo # a note\nsmile",
    "1girl BREAK 1girl AND 1girl:0.5",
    "2girls, smile ADDCOMM safe, 1girl, smile ADDCOL nsfw, 1girl, smile ADDROW solo",
    "nsfw, 1girl, explicit",
    "(smile:-1), ((solo)), [:d]",
    "{a|b}, __wild/card__, <lora:x:0.8>, $var",
    "cat ears, ;\\)",
]


@pytest.mark.parametrize("text", GOOD)
def test_nothing_to_say(text):
    assert found(text, lookup=WITH_EMOTICON) == []


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("1girl, :3", "number-read-as-weight"),
        ("solo AND (smile AND 1girl)", "keyword-in-weight"),
        ("safe, nsfw, explicit", "rating-conflict"),
    ],
)
def test_negative_prompts_differ(text, code):
    assert found(text, code)
    assert not found(text, code, NEGATIVE)


def test_hashes_are_fine_with_comments_switched_off():
    assert not found("memories off#5", "hash-in-name", Dialect(comments=False))


def test_without_a_list_nothing_is_unknown_but_names_are_guessed():
    assert [finding.code for finding in lint("foo, bar (baz)")] == ["unescaped-name"]


def test_an_emoticon_with_a_closing_bracket_is_no_loose_bracket():
    assert found("1girl, ;)", lookup=WITH_EMOTICON) == []
    assert [finding.code for finding in found("1girl, ;)")] == ["unknown-tag", "loose-bracket"]


def test_another_familys_rating_does_not_count_as_a_contradiction():
    assert [finding.code for finding in found("score_9, safe")] == ["foreign-word"]


def test_a_real_tag_is_no_foreign_word():
    tags = ListedTags([TagInfo("late", TagClass.GENERAL)], {}, {})
    assert found("late", lookup=tags) == []


def test_suggestions_are_all_offered():
    (finding,) = found("log hair", "unknown-tag")
    assert [fix.apply("log hair") for fix in finding.fixes] == ["long hair", "very long hair"]
    assert "'long hair', 'very long hair'" in finding.message


def test_findings_are_in_order_and_rules_can_be_left_out():
    findings = lint("high quality, solo, solo, :3", GAMMA, TAGS)
    assert [finding.code for finding in findings] == ["foreign-word", "duplicate", "number-read-as-weight"]
    assert [f.severity for f in findings] == [Severity.WARNING, Severity.WARNING, Severity.ERROR]
    assert [f.code for f in lint("solo, solo, :3", GAMMA, TAGS, without=["duplicate"])] == ["number-read-as-weight"]


def test_fix_all():
    text = "high quality, saber (fate), solo, solo,\n(smile BREAK 1girl:1.2), :3"
    fixed = "great quality, saber \\(fate\\), solo,\n(smile:1.2) BREAK (1girl:1.2), :3,"
    assert fix_all(text, GAMMA, TAGS) == fixed


def pressing(text):
    return [finding for finding in found(text) if finding.severity is not Severity.HINT]


@pytest.mark.parametrize(
    ("text", "fixed"),
    [
        ("solo, " * 1_000, "solo, "),
        ("sole female, " * 300 + "smile", "1girl, smile"),
        (", ".join(["saber (fate)", "high quality", "solo"] * 200), "saber \\(fate\\), great quality, solo"),
    ],
)
def test_fix_all_mends_hundreds_of_mistakes_in_no_time(text, fixed):
    begin = time.process_time()
    assert fix_all(text, GAMMA, TAGS) == fixed
    assert time.process_time() - begin < 10


def test_fix_all_ends_even_where_nothing_helps(monkeypatch):
    """Fixes that put the same mistake back, as those of a rule with a bug would."""
    looks = []

    def useless(context):
        looks.append(context.text)
        for number in range(100):
            yield Finding(
                "useless", Severity.ERROR, Span(number, number + 1), "x", (Fix("y", (Edit(number, number + 1, "z"),)),)
            )

    monkeypatch.setattr("lib_kohaku.prompt.lint.run.RULES", (Rule("useless", "x", useless),))
    assert fix_all("a" * 100) == "a" * 100
    assert len(looks) <= 200


@many(200)
@given(st.one_of(prompts, tag_prompts))
def test_fix_all_never_makes_it_worse_and_leaves_nothing_that_a_fix_would_help(text):
    fixed = fix_all(text, GAMMA, TAGS)
    left = pressing(fixed)
    assert len(left) <= len(pressing(text))
    assert fixed == text or len(left) < len(pressing(text))
    for finding in left:
        assert finding.fix is None or len(pressing(finding.fix.apply(fixed))) >= len(left)


def whole_reading(text):
    """Every text at every step of every part, with its weight."""
    return [
        (part.weight, [[tuple(piece) for piece in attention(entry.text)] for entry in schedule(part.text, 4)])
        for part in multicond(visible(text))
    ]


@pytest.mark.parametrize("text", ["solo, (smile, :d", "solo, [smile, :d", "solo), smile", "a ] b"])
def test_fixes_of_loose_brackets_change_nothing_that_the_webui_reads(text):
    (finding,) = found(text, "loose-bracket")
    assert whole_reading(finding.fix.apply(text)) == whole_reading(text)


@many(300)
@given(st.one_of(prompts, tag_prompts))
def test_every_fix_can_be_applied_and_takes_its_finding_away(text):
    findings = found(text)
    for finding in findings:
        assert 0 <= finding.span.start <= finding.span.end <= len(text)
        for fix in finding.fixes:
            fixed = fix.apply(text)
            assert fixed != text
            before = [f for f in findings if f.code == finding.code]
            if finding.code == "hash-in-name":
                # What comes back behind the comment can have further ones.
                assert fixed.count("#") < text.count("#")
            elif finding.severity is Severity.ERROR and fix is finding.fix:
                assert len(found(fixed, finding.code)) < len(before), (text, fixed)


@many(50)
@given(st.sampled_from(sorted(name for name in TAGS.tags if "#" not in name)))
def test_written_tags_are_never_findings(name):
    errors = [finding for finding in found(escape(name)) if finding.severity is not Severity.HINT]
    assert errors == []


@pytest.mark.parametrize(
    "text",
    ["(" * 20_000, "(a BREAK " * 3_000, "solo, " * 5_000, "(" * 3_000 + "sole female" + ")" * 3_000, "a#b\n" * 5_000],
)
def test_lint_takes_no_long_time(text):
    begin = time.process_time()
    lint(text, GAMMA, TAGS)
    assert time.process_time() - begin < 10
