r"""Tags as they are written, read by the stages that agree with the webui."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.prompt.syntax import (
    Place,
    PromptError,
    UnwritableTagError,
    attention,
    escape,
    multicond,
    parse,
    place_at,
    read,
    schedule,
    visible,
    weight_text,
    write_tag,
)
from tests.prompt.support import THOROUGH, many, tag_rows

HASH_NAMES = {
    *("#unicus_(idolmaster)", "#compass", "htol#niq:_hotaru_no_nikki", "mion_(htol#niq)", "ririka_(#compass)"),
    *("hotaru_(htol#niq)", "#b7282e", "memories_off#5", "evo_moment_#37", "ruruka_(#compass)", "shiz_(#0077)"),
}
# Names that break when only brackets are escaped, and a few that no list has but a person can type.
HARD_NAMES = [
    *(r"\m/", r"\||/", r"\o/", r"\n/", r"double_\m/", r"\(^o^)/", r"\\//", ";)", ">:(", "(o)_(o)", "[[]]", "|_|"),
    *(":3", "reverse:1999", "7:08", "7:24", "0:00", "yarofes:2023", "code:074", "a: .5", "a:-1", "a:1.2.3", "::"),
    *("honkai:_star_rail", ":d", ":|", "saber_(fate)", "AND", "BREAK", "a AND b", "<lora:x:1>", "<o>_<o>", "<lora"),
    *("@_@", "re:", "||_||"),
]

# (text around the tag, place, step at which the tag shows, weight it is read at)
PLACES = [
    ("x, {}, y", Place.OPEN, 0, 1.0),
    ("x, {}", Place.OPEN, 0, 1.0),
    ("{}", Place.OPEN, 0, 1.0),
    ("{} AND y", Place.OPEN, 0, 1.0),
    ("x BREAK {}", Place.OPEN, 0, 1.0),
    ("[v:w:1], {}", Place.OPEN, 0, 1.0),
    ("(x, {})", Place.OPEN, 0, 1.1),
    ("(x, {}:1.3)", Place.OPEN, 0, 1.3),
    ("(x, {}", Place.OPEN, 0, 1.1),
    ("[{}:w:0.5]", Place.BRANCH, 0, 1.0),
    ("[v:{}:0.5]", Place.BRANCH, -1, 1.0),
    ("[{}:0.5]", Place.BRANCH, -1, 1.0),
    ("[{}::0.5]", Place.BRANCH, 0, 1.0),
    ("[{}|w]", Place.BRANCH, 0, 1.0),
    ("[v|{}]", Place.BRANCH, 1, 1.0),
    ("[{}]", Place.BRANCH, 0, 1 / 1.1),
    ("[v:(x, {}:1.2):0.5]", Place.BRANCH, -1, 1.2),
    ("([v|w], {}:1.2)", Place.BRANCH, 0, 1.2),
]


def check(name, frame, place, step, weight, own_weight=1.0):
    """The tag is there, whole and at its weight, and what is around it is read as it would be around a plain word."""
    text = frame.replace("{}", write_tag(name, own_weight, place))
    plain = frame.replace("{}", write_tag("PLAIN", own_weight, place))
    got, expected = reading(text, step), reading(plain, step)
    assert [(piece.replace("PLAIN", name), value) for piece, value in expected] == got, (name, frame)
    assert any(name in piece and math.isclose(value, weight * own_weight) for piece, value in got)


def reading(text, step):
    conditions = multicond(visible(text))
    assert all(condition.weight == 1 for condition in conditions)
    entries = schedule(conditions[0].text, 4)
    return attention(entries[step].text)


@pytest.mark.parametrize(("frame", "place", "step", "weight"), PLACES)
@pytest.mark.parametrize("name", HARD_NAMES)
def test_hard_names_everywhere(name, frame, place, step, weight):
    check(name, frame, place, step, weight)
    check(name, frame, place, step, weight, own_weight=1.25)


@pytest.mark.parametrize(("frame", "place"), [(frame, place) for frame, place, _, _ in PLACES])
def test_place_is_found(frame, place):
    offset = frame.index("{}")
    assert place_at(parse(frame.replace("{}", "PLAIN")), offset + 2) is place


@pytest.mark.parametrize(("before", "after", "place"), [("[a|", "", Place.BRANCH), ("[a], ", "", Place.OPEN)])
def test_place_at_the_end(before, after, place):
    assert place_at(parse(before + after), len(before)) is place


def test_every_name_of_the_list():
    unwritable = set()
    for index, (name, *_) in enumerate(tag_rows()):
        special = any(character in name for character in r"\()[]:|<>#")
        for text in {name, name.replace("_", " ")}:
            if "#" in name:
                with pytest.raises(UnwritableTagError, match="comment"):
                    escape(text)
                unwritable.add(name)
                continue
            assert read(visible(escape(text))) == text
            # All places for all special names take minutes; a sample of them, and every name at the end of a prompt.
            if special and (THOROUGH or "|" in name or "\\" in name or index % 100 == 0):
                for place in PLACES:
                    check(text, *place)
            elif special:
                check(text, *PLACES[1])
    assert unwritable == HASH_NAMES


def test_hash_is_fine_with_comments_switched_off():
    assert escape("memories_off#5", comments=False) == "memories_off#5"


@many(300)
@given(
    st.text(alphabet=st.characters(exclude_characters="#\n\r", exclude_categories=["Zs", "Zl", "Zp", "Cc"]), min_size=1)
)
def test_any_text_is_read_back(name):
    for place in PLACES:
        check(name, *place)


@pytest.mark.parametrize(
    ("weight", "text"),
    [(1.2, "1.2"), (1, "1"), (0.1 + 0.2, "0.30000000000000004"), (1e-7, "0.0000001"), (-1.5, "-1.5")],
)
def test_weights_are_written_without_exponent(weight, text):
    assert weight_text(weight) == text
    assert attention(f"(a:{text})")[0].weight == weight


@pytest.mark.parametrize("weight", [math.inf, math.nan])
def test_impossible_weights(weight):
    with pytest.raises(PromptError, match="not a weight"):
        write_tag("a", weight)
