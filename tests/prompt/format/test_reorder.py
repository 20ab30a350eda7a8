from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.prompt.format import OrderSpec, TagClass, TagInfo, elements, format_prompt
from lib_kohaku.prompt.format.meaning import meaning
from lib_kohaku.prompt.format.moves import unmoved
from lib_kohaku.prompt.syntax import NEGATIVE, POSITIVE, UnreadableWeightError, apply_edits, escape, multicond, parse
from tests.prompt.fixtures import ANIMAGINE_4, GAMMA, PONY, TAGS, ListedTags, listed
from tests.prompt.support import THOROUGH, many, prompts, tag_rows


def formatted(text, spec=GAMMA, dialect=POSITIVE):
    return format_prompt(text, spec, TAGS, dialect).after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            r"masterpiece, best quality, 1girl, solo, (saber \(fate\):1.1), fate \(series\), wlop, long hair",
            r"1girl, (saber \(fate\):1.1), fate \(series\), wlop, solo, long hair, masterpiece, best quality",
        ),
        # Separators, line ends and the comma at the end stay.
        ("safe,solo,\n1girl ,  wlop,", "1girl,wlop,\nsolo ,  safe,"),
        # Unknown words follow the tag before them, those at the beginning the first known one.
        ("qux, safe, foo, bar, 1girl, baz", "1girl, baz, qux, safe, foo, bar"),
        # Brackets stay in one piece; the first known tag inside decides.
        (
            "safe, (solo, 1girl:1.2), [cat ears:smile:0.5], 1girl",
            "1girl, (solo, 1girl:1.2), [cat ears:smile:0.5], safe",
        ),
        # Nothing passes a BREAK, an AND or a comment.
        ("safe, 1girl BREAK safe, solo AND wlop, 1boy", "1girl, safe BREAK solo, safe AND 1boy, wlop"),
        ("safe, 1girl # people\nsafe, solo", "1girl, safe # people\nsolo, safe"),
        # Nor a keyword of Regional Prompter: a tag in another region is another picture.
        ("safe, wlop ADDCOMM smile, 1girl ADDCOL solo, 1boy", "wlop, safe ADDCOMM 1girl, smile ADDCOL 1boy, solo"),
        ("safe, 1girl ADDBASE solo, 1boy ADDROW smile, wlop", "1girl, safe ADDBASE 1boy, solo ADDROW wlop, smile"),
        ("safe, ADDCOLOR, 1girl", "1girl, safe, ADDCOLOR"),
        # Unescaped names are moved as they are typed.
        ("solo, saber (fate)", "saber (fate), solo"),
        # Other extensions' syntax is an unknown word.
        ("safe, {solo, x|1girl}, 1girl", "1girl, safe, {solo, x|1girl}"),
        ("safe, {solo # note\n|smile}, 1girl", "1girl, safe, {solo # note\n|smile}"),
        ("safe, <lora:x:0.8>, 1girl", "1girl, safe, <lora:x:0.8>"),
        # Words of other families go where ours would.
        ("late, 1girl, high quality, solo", "1girl, solo, late, high quality"),
        ("old, 1girl", "1girl, old"),
        # What comes last must not become a weight; what is one already stays.
        ("reverse:1999, 1girl", "1girl, reverse:\\1999"),
        ("reverse:1999, 1girl BREAK solo", "1girl, reverse:1999 BREAK solo"),
        ("solo, 1girl, :3", "1girl, solo, :3"),
        ("safe, solo, 1girl, reverse:1999", "1girl, solo, safe, reverse:1999"),
        ("reverse:1999, 1girl AND safe, solo:0.5", "1girl, reverse:\\1999 AND solo, safe:0.5"),
    ],
)
def test_kohaku_order(before, after):
    assert formatted(before) == after


def test_negative_prompts_have_no_parts_and_no_weights():
    assert formatted("safe, 1girl AND 1boy", dialect=NEGATIVE) == "safe, 1girl AND 1boy"
    assert formatted("reverse:1999, 1girl", dialect=NEGATIVE) == "1girl, reverse:1999"


def test_other_orders():
    assert formatted("1girl, solo, score_9, rating_safe", PONY) == "score_9, rating_safe, 1girl, solo"
    assert formatted("year 2023, masterpiece, 1girl, safe", ANIMAGINE_4) == "1girl, safe, year 2023, masterpiece"
    assert formatted("safe, 1girl", OrderSpec("any order")) == "safe, 1girl"


@pytest.mark.parametrize("text", ["safe, (solo, 1girl", "safe, [solo, 1girl", "safe, (1girl AND solo:1.2), 1girl"])
def test_an_unclosed_bracket_keeps_its_part_as_it_is(text):
    result = format_prompt(text, GAMMA, TAGS)
    assert not result.changed
    assert any("counterpart" in note.message for note in result.notes)


def test_a_prompt_that_stops_the_webui_is_left_alone():
    result = format_prompt("safe, (1girl:1.2.3)", GAMMA, TAGS)
    assert not result.changed
    assert "1.2.3" in result.notes[0].message


def test_tags_that_look_like_variables_are_tags_if_the_list_has_them():
    lookup = ListedTags([TagInfo("$hu", TagClass.ARTIST), TagInfo("solo", TagClass.GENERAL)], {}, {})
    assert format_prompt("solo, $hu, $else", GAMMA, lookup).after == "$hu, $else, solo"


def test_moves_are_few_and_point_at_both_places():
    text = "masterpiece, 1girl, solo, reverse:1999,"
    result = format_prompt(text, GAMMA, TAGS)
    assert result.after == "1girl, reverse:1999, solo, masterpiece,"
    moved = {move.text: (text[move.source.start : move.source.end], cut(result, move)) for move in result.moves}
    assert moved == {
        "masterpiece": ("masterpiece", "masterpiece"),
        "reverse:1999": ("reverse:1999", "reverse:1999"),
    }
    assert apply_edits(text, result.edits) == result.after


def cut(result, move):
    return result.after[move.target.start : move.target.end]


@pytest.mark.parametrize(("order", "kept"), [([2, 0, 1], {0, 1}), ([0, 1], {0, 1}), ([], set()), ([1, 0], {0})])
def test_unmoved(order, kept):
    assert unmoved(order) == kept


TAG_TEXTS = [*TAGS.tags, "masterpiece", "best quality", "safe", "newest", "late", "unknown word", "<lora:x:1>"]
tag_lists = st.lists(st.sampled_from([escape(t, comments=False) for t in TAG_TEXTS]), min_size=2, max_size=12)


@many(500)
@given(st.one_of(prompts, tag_lists.map(", ".join)), st.sampled_from([GAMMA, PONY, ANIMAGINE_4]))
def test_format_keeps_the_meaning_and_settles_at_once(text, spec):
    result = format_prompt(text, spec, TAGS)
    again = format_prompt(result.after, spec, TAGS)
    assert again.after == result.after
    assert apply_edits(text, result.edits) == result.after
    if result.changed:
        assert meaning(text, POSITIVE) == meaning(result.after, POSITIVE)
    # Apart from backslashes that protect a number, the characters are the same.
    before, after = Counter(text), Counter(result.after)
    assert before - after == Counter()
    assert set(after - before) <= {"\\"}
    for move in result.moves:
        assert text[move.source.start : move.source.end] == move.text
        assert cut(result, move).replace("\\", "") == move.text.replace("\\", "")


def test_meaning_sees_what_matters():
    assert meaning("a, (b:1.2) BREAK c", POSITIVE) == meaning("(b:1.2), a BREAK c", POSITIVE)
    for other in ("a, b BREAK c", "a BREAK (b:1.2), c", "a, (b:1.2), c", "a, (b:1.2) BREAK c, <lora:x:1>", "a AND c"):
        assert meaning("a, (b:1.2) BREAK c", POSITIVE) != meaning(other, POSITIVE)
    with pytest.raises(UnreadableWeightError):
        meaning("(a:.)", POSITIVE)


@pytest.mark.parametrize("spec", [GAMMA, PONY, ANIMAGINE_4], ids=lambda spec: spec.name)
def test_every_name_of_the_list_survives_formatting(spec):
    """Ten tags a prompt, at first in the order of the list, each escaped; the reading of every tag stays."""
    rows = [row for row in tag_rows() if "#" not in row[0]]
    lookup = listed(rows)
    step = 10 if THOROUGH else 100
    for start in range(0, len(rows), step):
        names = [row[0].replace("_", " ") for row in rows[start : start + 10]]
        text = ", ".join([escape(name) for name in names])
        result = format_prompt(text, spec, lookup)
        assert not result.notes
        read = [tag.name for element in elements(parse(result.after)) for tag in element.tags]
        assert sorted(read) == sorted(names)
        assert multicond(result.after) == [(result.after, 1.0)]
