"""The model's own words, and changes to single tags."""

from __future__ import annotations

import pytest

from lib_kohaku.app.prompt.parts import add, remove, rows, weigh
from lib_kohaku.app.prompt.words import pick, pickers, present_words
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.format import TagClass

GAMMA = "kohaku-xl-gamma"


@pytest.fixture
def known(prompting):
    return prompting.knowledge(GAMMA)


@pytest.mark.parametrize(
    ("text", "kind", "words", "result"),
    [
        ("", TagClass.QUALITY, ["masterpiece"], "masterpiece"),
        ("", TagClass.RATING, ["explicit", "nsfw"], "explicit, nsfw"),
        ("1girl, solo", TagClass.QUALITY, ["masterpiece"], "1girl, solo, masterpiece"),
        ("1girl, safe", TagClass.YEAR, ["newest"], "1girl, newest, safe"),
        ("masterpiece, 1girl", TagClass.QUALITY, ["low quality"], "low quality, 1girl"),
        ("masterpiece, 1girl, best quality", TagClass.QUALITY, ["good quality"], "good quality, 1girl"),
        ("1girl, safe, solo", TagClass.RATING, [], "1girl, solo"),
        ("1girl, explicit, nsfw", TagClass.RATING, ["safe"], "1girl, safe"),
        ("1girl, (masterpiece:1.2)", TagClass.QUALITY, [], "1girl"),
        ("1girl, (masterpiece:1.2)", TagClass.QUALITY, ["masterpiece"], "1girl, (masterpiece:1.2)"),
        ("1girl, (masterpiece:1.2)", TagClass.QUALITY, ["good quality"], "1girl, (good quality:1.2)"),
        ("(safe:1.2), 1girl", TagClass.RATING, ["explicit", "nsfw"], "(explicit, nsfw:1.2), 1girl"),
        ("(masterpiece:1.2), best quality", TagClass.QUALITY, ["masterpiece"], "(masterpiece:1.2)"),
        ("(masterpiece, best quality:1.2), 1girl", TagClass.QUALITY, [], "1girl"),
        ("(masterpiece, best quality:1.2), 1girl", TagClass.QUALITY, ["masterpiece"], "(masterpiece:1.2), 1girl"),
        ("(masterpiece, best quality:1.2), 1girl", TagClass.QUALITY, ["good quality"], "(good quality:1.2), 1girl"),
        ("solo, (masterpiece, blush, best quality:1.2)", TagClass.QUALITY, [], "solo, (blush:1.2)"),
        ("((safe, blush)), nsfw, solo", TagClass.RATING, ["sensitive"], "((sensitive, blush)), solo"),
        ("(blush, (safe:1.2):1.1)", TagClass.RATING, ["nsfw"], "(blush, (safe:1.2):1.1), nsfw"),
        ("1girl, [safe:nsfw:0.5]", TagClass.RATING, ["safe"], "1girl, [safe:nsfw:0.5], safe"),
        ("1girl BREAK solo", TagClass.RATING, ["safe"], "1girl BREAK solo, safe"),
        ("(1girl:1.2)BREAK masterpiece", TagClass.RATING, ["nsfw"], "(1girl:1.2), nsfw BREAK masterpiece"),
        ("(1girl:1.2)AND (solo)ADDCOL smile", TagClass.RATING, ["safe"], "(1girl:1.2), safe AND (solo)ADDCOL smile"),
    ],
)
def test_picking(known, text, kind, words, result):
    assert pick(text, kind, words, known) == result


def test_picking_and_unpicking_gives_the_prompt_back(known):
    text = "1girl,\nsolo, (blue hair:1.1)"
    for picker in pickers(known.profile):
        for option in picker.options:
            picked = pick(text, picker.tag_class, option.words, known)
            assert present_words(picked, picker.tag_class, known) == option.words
            assert pick(picked, picker.tag_class, [], known) == text


@pytest.mark.parametrize("text", ["((smile))", "[[smile]]", "(((smile:1.2)))", "(smile:0.9)", "smile"])
def test_a_weight_is_the_one_that_was_asked_for_whatever_brackets_there_were(known, text):
    weighed = weigh(f"1girl, {text}, solo", 7, 7 + len(text), 1.3, known)
    chip = next(chip for row in rows(weighed, known) for chip in row.chips if chip.name == "smile")
    assert chip.weight == 1.3
    assert weigh(weighed, chip.start, chip.end, 1, known) == "1girl, smile, solo"


def test_words_with_weights_are_seen_where_the_comma_between_them_was_left_out(known):
    text = "(masterpiece:1.2) (best quality:1.1), (safe:1.1) (smile), 1girl"
    assert present_words(text, TagClass.QUALITY, known) == ("masterpiece", "best quality")
    assert present_words(text, TagClass.RATING, known) == ("safe",)
    assert present_words("(best:1.2) quality", TagClass.QUALITY, known) == ("best quality",)


def test_ponys_scores_come_as_a_ladder(prompting):
    picker = pickers(prompting.knowledge("pony-v6").profile)[0]
    assert picker.tag_class is TagClass.QUALITY
    assert picker.options[0].words[:2] == ("score_9", "score_8_up")
    assert picker.options[-1].words == ("score_9",)


def test_rows_are_in_the_models_order_and_name_every_element(known):
    text = r"blue hair, (saber \(fate\):1.2), [smile:solo:0.5], 1girl, <lora:x:1>, qwertz"
    found = {row.tag_class: [chip.name for chip in row.chips] for row in rows(text, known)}
    assert list(found)[:4] == [TagClass.COUNT, TagClass.CHARACTER, TagClass.SERIES, TagClass.ARTIST]
    assert found[TagClass.CHARACTER] == ["saber (fate)"]
    assert found[TagClass.GENERAL] == ["blue hair", "[smile:solo:0.5]"]
    assert found[TagClass.NETWORK] == ["<lora:x:1>"]
    assert sum(map(len, found.values())) == 6


def test_changing_one_tag_leaves_the_rest(known):
    text = "1girl,  (blue hair),\nsolo # why"
    (chip,) = [chip for row in rows(text, known) for chip in row.chips if chip.name == "blue hair"]
    assert chip.weight == pytest.approx(1.1)
    assert weigh(text, chip.start, chip.end, 1.3, known) == "1girl,  (blue hair:1.3),\nsolo # why"
    assert remove(text, chip.start, chip.end, known) == "1girl,\nsolo # why"
    assert add(text, TagClass.CHARACTER, "saber_(fate)", known).startswith("1girl, saber \\(fate\\),")


def test_a_stale_place_is_refused(known):
    with pytest.raises(RefusedError, match="changed meanwhile"):
        remove("1girl, solo", 1, 4, known)
    with pytest.raises(RefusedError, match="weight"):
        weigh("1girl", 0, 5, 1e9, known)


def test_nothing_but_a_tame_rating_is_ever_usual(prompting):
    tame = {"kohaku-xl-gamma": ("safe",), "animagine-xl-3.0": ("rating: general",), "pony-v6": ("rating_safe",)}
    for profile in prompting.profiles.profiles:
        usual = {picker.tag_class: picker.usual for picker in pickers(profile)}.get(TagClass.RATING, ())
        assert not {"nsfw", "explicit", "rating_explicit", "rating_questionable"} & {
            w for u in usual for w in u.split(", ")
        }
        assert usual == tame.get(profile.id, usual)
    animagine_2 = next(p for p in prompting.profiles.profiles if p.id == "animagine-xl-2.0")
    assert {picker.tag_class: picker.usual for picker in pickers(animagine_2)}[TagClass.RATING] == ()
