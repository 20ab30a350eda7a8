"""Words put into prompts: only insertions, in the model's place, read at weight 1, and nothing else read otherwise."""

from __future__ import annotations

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.prompt.format import Classifier, NoTags, TagClass
from lib_kohaku.prompt.format.additions import Addition, add
from lib_kohaku.prompt.syntax import (
    NEGATIVE,
    POSITIVE,
    UnreadableWeightError,
    attention,
    multicond,
    networks,
    schedule,
    strip_comments,
    visible,
)
from tests.prompt.fixtures import ANIMAGINE_4, GAMMA, PONY, TAGS
from tests.prompt.support import many, prompts

C = TagClass
WORDS = [Addition("masterpiece", C.QUALITY), Addition("safe", C.RATING), Addition("newest", C.YEAR)]
SCORES = [Addition("score_9", C.QUALITY), Addition("score_8_up", C.QUALITY), Addition("rating_safe", C.RATING)]
YEARS = [Addition("high score", C.QUALITY), Addition("year 2023", C.YEAR), Addition("safe", C.RATING)]


def added(text, spec=GAMMA, words=WORDS, dialect=POSITIVE):
    return add(text, words, Classifier(spec, TAGS), dialect)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("", "newest, safe, masterpiece"),
        ("  \n", "newest, safe, masterpiece  \n"),
        ("1girl, solo", "1girl, solo, newest, safe, masterpiece"),
        ("1girl, solo,\n", "1girl, solo, newest, safe, masterpiece,\n"),
        # Beside other words of the model, in its order; habits of other models are not tidied up here.
        ("1girl, best quality", "1girl, newest, safe, best quality, masterpiece"),
        ("best quality, 1girl", "newest, safe, best quality, 1girl, masterpiece"),
        ("what nobody knows, 1girl", "what nobody knows, 1girl, newest, safe, masterpiece"),
        # The number is a tag's once something comes behind it.
        ("1girl, :3", "1girl, :3, newest, safe, masterpiece"),
        ("reverse:1999 ", "reverse:1999, newest, safe, masterpiece "),
        # With AND a number at the end of a part is its weight.
        ("1girl:1.2 AND dog", "1girl, newest, safe, masterpiece:1.2 AND dog"),
        ("1girl, solo :1.2 AND dog :0.5", "1girl, solo, newest, safe, masterpiece :1.2 AND dog :0.5"),
        ("dark, night :-0.5 AND 1girl", "dark, night :-0.5 AND 1girl, newest, safe, masterpiece"),
        (" AND 1girl", " AND 1girl, newest, safe, masterpiece"),
        ("1girl BREAK solo", "1girl BREAK solo, newest, safe, masterpiece"),
        ("1girl, best quality BREAK solo", "1girl, newest, safe, best quality BREAK solo, masterpiece"),
        # What Regional Prompter gives to every region, if there is that.
        ("2girls ADDCOMM solo ADDCOL smile", "2girls, newest, safe, masterpiece ADDCOMM solo ADDCOL smile"),
        ("2girls, park ADDBASE solo", "2girls, park, newest, safe, masterpiece ADDBASE solo"),
        ("solo ADDCOL smile", "solo ADDCOL smile, newest, safe, masterpiece"),
        ("1girl BREAK", "1girl, newest, safe, masterpiece BREAK"),
        ("[cat:dog:0.5]", "[cat:dog:0.5], newest, safe, masterpiece"),
        ("(1girl, solo:1.3)", "(1girl, solo:1.3), newest, safe, masterpiece"),
        ("1girl, <lora:x:1>, <lora:y:0.5>", "1girl, newest, safe, masterpiece, <lora:x:1>, <lora:y:0.5>"),
        ("1girl <lora:x:1>", "1girl <lora:x:1>, newest, safe, masterpiece"),
        ("1girl # who", "1girl, newest, safe, masterpiece # who"),
        ("{1girl, solo|1boy}", "{1girl, solo|1boy}, newest, safe, masterpiece"),
        ("__who__", "__who__, newest, safe, masterpiece"),
        ("1girl\\", "1girl\\, newest, safe, masterpiece"),
        # Behind a bracket that nobody closes everything has another weight.
        ("1girl, (solo, smile", "1girl, newest, safe, masterpiece, (solo, smile"),
        ("[1girl, solo", "newest, safe, masterpiece, [1girl, solo"),
        # The webui stops at this one; that is for the person to mend.
        ("1girl, (solo:1.2.3)", "1girl, (solo:1.2.3)"),
    ],
)
def test_places_of_words(before, after):
    assert added(before) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("1girl, solo", "score_9, score_8_up, rating_safe, 1girl, solo"),
        ("nobody knows, 1girl", "score_9, score_8_up, rating_safe, nobody knows, 1girl"),
        ("{1girl|1boy}", "score_9, score_8_up, rating_safe, {1girl|1boy}"),
        ("1girl BREAK solo", "score_9, score_8_up, rating_safe, 1girl BREAK solo"),
        ("  1girl, :3", "  score_9, score_8_up, rating_safe, 1girl, :3"),
    ],
)
def test_words_that_come_first(before, after):
    assert added(before, PONY, SCORES) == after


def test_words_in_the_middle():
    text = r"1girl, saber \(fate\), wlop, long hair"
    assert added(text, ANIMAGINE_4, YEARS) == r"1girl, saber \(fate\), safe, wlop, long hair, year 2023, high score"
    assert (
        add("1girl, nobody", YEARS, Classifier(ANIMAGINE_4, NoTags())) == "1girl, nobody, safe, year 2023, high score"
    )


def test_what_has_no_place_goes_to_the_end_with_its_own_weight():
    words = [Addition("(bad:1.2)"), Addition("[abstract]"), Addition("text")]
    assert added("lowres, AND, blurry:3", words=words, dialect=NEGATIVE) == (
        "lowres, AND, blurry:3, (bad:1.2), [abstract], text"
    )


def test_no_words_change_nothing():
    assert added("1girl, :3", words=[]) == "1girl, :3"


def pieces(text):
    """The webui's view: for each part its weight and, per step, the pieces between commas of all chunks together."""
    found = []
    for part, weight in multicond(visible(text)):
        steps = schedule(part, 7)
        found.append((weight, [(step, Counter(_weighted(now))) for step, now in steps]))
    return found


def _weighted(text):
    for piece, weight in attention(text):
        for words in re.split(r"[,\n]|\bADDCOL\b", piece):  # a region of Regional Prompter ends a tag as well
            if words.strip():
                yield " ".join(words.split()), weight


def network_counts(text):
    return Counter((network.kind, network.arguments) for network in networks(strip_comments(text)))


def is_subsequence(short, long):
    characters = iter(long)
    return all(character in characters for character in short)


@many(400)
@given(text=prompts, spec_and_words=st.sampled_from([(GAMMA, WORDS), (PONY, SCORES), (ANIMAGINE_4, YEARS)]))
def test_any_prompt_keeps_its_meaning_and_gains_the_words_at_weight_one(text, spec_and_words):
    spec, words = spec_and_words
    after = added(text, spec, words)
    assert is_subsequence(text, after)
    try:
        before, now = pieces(text), pieces(after)
    except UnreadableWeightError:
        assert after == text
        return
    assert len(after) == len(text) + sum(len(word.text) for word in words) + 2 * (len(words) - (not text.strip()))
    assert network_counts(after) == network_counts(text)
    expected = Counter((word.text, 1.0) for word in words)
    # A number at the very end may have become a tag's; a backslash there no longer spoils the schedules.
    freed = pieces(text.rstrip() + ",")
    changed = [(new, old, free) for new, old, free in zip(now, before, freed, strict=True) if new != old]
    assert len(changed) == 1
    new, old, free = changed[0]
    assert any(has_gained(new, was, expected) for was in (old, free))


def has_gained(new, was, expected):
    if new[0] != was[0] or [step for step, _ in new[1]] != [step for step, _ in was[1]]:
        return False
    return all(after == before + expected for (_, after), (_, before) in zip(new[1], was[1], strict=True))
