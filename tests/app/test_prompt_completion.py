"""Completion at the caret: what is taken for the word, and what is written in its place."""

from __future__ import annotations

import pytest

from lib_kohaku.app.prompt.completion import typed_at
from lib_kohaku.prompt.syntax import attention, schedule
from lib_kohaku.prompt.tags.search import Match

GAMMA = "kohaku-xl-gamma"


def completed(prompting, before: str, after: str = "", pick: int = 0) -> str:
    """The text after accepting an answer at the caret between two texts."""
    text = before + after
    found = prompting.complete(text, len(before), prompting.knowledge(GAMMA))
    return text[: found.start] + found.hits[pick].insert + found.suffix + text[found.end :]


@pytest.mark.parametrize(
    ("before", "after", "result"),
    [
        ("long ha", "", "long hair, "),
        ("笑顔、long ha", "", "笑顔、long hair, "),
        ("笑顔，long ha", "，solo", "笑顔，long hair，solo"),
        (">_", "", ">_<, "),
        ("smile, >", "", "smile, >_<, "),
        (">_<", " smile", ">_<, smile"),
        ("<lora:x:1>long ha", "", "<lora:x:1>long hair, "),
        ("(>_", ":1.2)", "(>_<:1.2)"),
        ("1girl, long ha", "", "1girl, long hair, "),
        ("a girl with long ha", "", "a girl with long hair, "),
        ("long_ha", ", solo", "long hair, solo"),
        ("lo", "ng ha, solo", "long hair, solo"),
        ("1girl,\nlong", "\nsolo", "1girl,\nlong hair, \nsolo"),
        ("(long ha", ":1.2)", "(long hair:1.2)"),
        ("saber", "", r"saber \(fate\), "),
        ("(saber", ":1.2)", r"(saber \(fate\):1.2)"),
        (r"saber \(fa", "", r"saber \(fate\), "),
        ("saber (fa", "", r"saber \(fate\), "),
        ("1girl, the saber (fa", ", smile", r"1girl, the saber \(fate\), smile"),
        ("(saber (fa", ":1.2)", r"(saber \(fate\):1.2)"),
        ("smile (lo", "", "smile (long hair"),
        ("smile, (lo", "", "smile, (long hair"),
        ("[smile::d", ":0.5]", r"[smile:\:d:0.5]"),
        ("[smi", ":blue hair:0.5]", "[smile:blue hair:0.5]"),
        ("BREAK long ha", "", "BREAK long hair, "),
        ("1girl AND long ha", "", "1girl AND long hair, "),
        ("hair AND long", "", "hair AND long hair, "),
        ("hair BREAK long", "", "hair BREAK long hair, "),
        ("(lo", "ng ha:1.2)", "(long hair:1.2)"),
        ("(lo", "ng ha:1.2", "(long hair:1.2"),
        ("[lo", "ng ha:blue hair:0.5]", "[long hair:blue hair:0.5]"),
        ("[lo", "ng ha:blue hair", "[long hair:blue hair"),
        ("([lo", "ng ha|blue hair]:1.2)", "([long hair|blue hair]:1.2)"),
        ("hair ADDCOL lo", "ng ha ADDROW smile", "hair ADDCOL long hair, ADDROW smile"),
        ("lo", "ng ha BREAK smile", "long hair, BREAK smile"),
        ("lo", "ng ha AND smile", "long hair, AND smile"),
        ("smile AND lo", "ng ha :1.2", "smile AND long hair, :1.2"),
        ("1girl, long ha", " smile", "1girl, long hair, smile"),
        ("lo", "ng ha __colour__", "long hair, __colour__"),
        ("lo", "ng ha {a|b}", "long hair, {a|b}"),
        ("lo", "ng ha # my note\nsolo", "long hair, # my note\nsolo"),
        (":3", "", ":\\3, "),
        ("\U0001f600, long ha", "", "\U0001f600, long hair, "),
    ],
)
def test_what_accepting_writes(prompting, before, after, result):
    assert completed(prompting, before, after) == result


@pytest.mark.parametrize(
    "before",
    [
        "",
        "1girl, ",
        "<",
        "<lo",
        "<lora:lon",
        "<lora:a,lon",
        "__lon",
        "# long",
        "(long hair:1.",
        "she walks along the river with long",
    ],
)
def test_where_nothing_is_offered(prompting, before):
    assert prompting.complete(before, len(before), prompting.knowledge(GAMMA)).hits == ()


def test_the_host_reads_exactly_the_tag(prompting):
    assert attention(completed(prompting, "(saber", ":1.5)"))[0] == ("saber (fate)", 1.5)
    inside = completed(prompting, "[smile::d", ":0.5]")
    assert attention(schedule(inside, 10)[-1].text)[0].text == ":d"


def test_words_of_other_families_are_not_offered(prompting):
    assert prompting.complete("oldest", 6, prompting.knowledge(GAMMA)).hits == ()
    found = prompting.complete("oldest", 6, prompting.knowledge("animagine-xl-3.1"))
    assert [(hit.label, hit.category) for hit in found.hits] == [("oldest", "year")]


def test_a_word_that_is_a_tag_as_well_is_the_models_word(prompting):
    hit = prompting.complete("old", 3, prompting.knowledge(GAMMA)).hits[0]
    assert (hit.name, hit.category, hit.posts) == ("old", "year", 12650)


def test_aliases_and_slips_say_what_they_are(prompting):
    known = prompting.knowledge(GAMMA)
    alias = prompting.complete("longhair", 8, known).hits[0]
    assert (alias.label, alias.match, alias.matched) == ("long hair", Match.ALIAS, "longhair")
    slip = prompting.complete("thigihghs", 9, known).hits[0]
    assert (slip.label, slip.match) == ("thighhighs", Match.TYPO)


def test_tags_that_are_there_already_are_marked(prompting):
    known = prompting.knowledge(GAMMA)
    hits = prompting.complete("blue hair, blue", 15, known).hits
    assert [(hit.name, hit.present) for hit in hits] == [("blue_eyes", False), ("blue_hair", True)]


def test_a_caret_outside_of_the_text_gets_nothing(prompting):
    assert prompting.complete("long", 99, prompting.knowledge(GAMMA)).hits == ()


def test_the_place_is_counted_in_characters_not_bytes():
    assert typed_at("\U0001f600\U0001f600, lo", 6).start == 4
