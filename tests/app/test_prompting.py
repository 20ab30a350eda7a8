"""The prompt workbench: which profile, which tags, and what comes of a prompt."""

from __future__ import annotations

import json
import sqlite3

import pytest

from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.errors import RefusedError
from lib_kohaku.host.base import LoadedModel
from lib_kohaku.host.prompting import PromptSurroundings
from lib_kohaku.prompt.format import TagClass
from lib_kohaku.prompt.profiles.select import Confidence
from lib_kohaku.prompt.sizes.legal import Size
from lib_kohaku.prompt.syntax import attention
from tests.support.prompting import make_host

GAMMA = "kohaku-xl-gamma"


def test_without_a_model_the_default_profile_is_a_guess_and_says_so(prompting):
    choice = prompting.chosen_profile()
    assert choice.profile.id == GAMMA
    assert choice.confidence is Confidence.NONE
    assert "No checkpoint is loaded" in choice.reason


def test_the_hash_decides_over_the_name(prompting, tmp_path):
    path = tmp_path / "models" / "animagine-xl-3.1.safetensors"
    path.write_bytes(b"not a checkpoint")
    prompting.host.model = LoadedModel(path.name, path)
    assert prompting.chosen_profile().profile.id == "animagine-xl-3.1"
    prompting.host.hashes[path] = "38942904e9" + "0" * 54
    choice = prompting.chosen_profile()
    assert (choice.profile.id, choice.confidence) == (GAMMA, Confidence.CERTAIN)


def test_an_unsaved_merge_has_only_its_name(prompting):
    prompting.host.model = LoadedModel("kohaku-gamma + something", None, unsaved=True)
    assert prompting.chosen_profile().profile.id == GAMMA


def test_an_unknown_model_gets_the_default_and_a_reason(prompting):
    prompting.host.model = LoadedModel("photo model", None)
    choice = prompting.chosen_profile()
    assert (choice.profile.id, choice.confidence) == (GAMMA, Confidence.NONE)


def test_an_own_profile_file_is_found(tmp_path):
    host = make_host(tmp_path)
    folder = tmp_path / "data" / "profiles"
    folder.mkdir()
    (folder / "broken.json").write_text("{")
    workbench = PromptWorkbench(host)
    assert any("broken.json" in problem for problem in workbench.profiles.problems)
    with pytest.raises(RefusedError, match="no profile"):
        workbench.knowledge("../../etc/passwd")


def test_the_builtin_words_serve_until_the_lists_are_read(tmp_path):
    workbench = PromptWorkbench(make_host(tmp_path))
    known = workbench.knowledge(GAMMA)
    labels = [hit.label for hit in workbench.complete("great q", 7, known).hits]
    assert labels == ["great quality"]
    shelf = workbench.tags.wait(20)
    assert shelf.sources == ("tags.csv",)
    assert not shelf.loading
    assert workbench.complete("hatsu", 5, workbench.knowledge(GAMMA)).hits[0].label == "hatsune miku"


def test_a_broken_list_is_told_and_the_others_serve(tmp_path):
    host = make_host(tmp_path)
    (tmp_path / "data" / "tags" / "bad.csv").write_bytes(b"\xff\xfe\x00 not text")
    workbench = PromptWorkbench(host)
    shelf = workbench.tags.wait(20)
    assert shelf.sources == ("tags.csv",)
    assert any("bad.csv" in problem for problem in shelf.problems)


def test_a_new_list_is_there_after_reloading(prompting, tmp_path):
    (tmp_path / "data" / "tags" / "more.csv").write_text("zebra_crossing,0,99,\n")
    assert prompting.complete("zebra", 5, prompting.knowledge(GAMMA)).hits == ()
    prompting.tags.reload()
    prompting.tags.wait(20)
    assert prompting.complete("zebra", 5, prompting.knowledge(GAMMA)).hits[0].name == "zebra_crossing"


def test_what_is_used_often_comes_first(prompting):
    def first() -> str:
        return prompting.complete("blue", 4, prompting.knowledge(GAMMA)).hits[0].name

    assert first() == "blue_eyes"
    for _ in range(4):
        prompting.tags.used(["blue_hair"])
    assert first() == "blue_hair"


def test_four_tags_become_a_prompt_in_order_with_the_models_words(prompting):
    known = prompting.knowledge(GAMMA)
    shown = prompting.format(
        "blue hair, hatsune miku, smile, 1girl", known, [TagClass.QUALITY, TagClass.RATING, TagClass.YEAR]
    )
    assert shown.after == "1girl, hatsune miku, blue hair, smile, newest, safe, masterpiece"
    assert "".join(piece.text for piece in shown.was) == shown.before
    assert [m.words for m in shown.missing] == [("newest",), ("safe",), ("masterpiece",)]


def test_without_a_list_unknown_words_count_as_general(tmp_path):
    host = make_host(tmp_path, "")
    (tmp_path / "data" / "tags" / "tags.csv").unlink()
    workbench = PromptWorkbench(host)
    workbench.tags.wait(20)
    shown = workbench.format("blue hair, qwertz, safe, 1girl", workbench.knowledge(GAMMA))
    assert shown.after == "1girl, blue hair, qwertz, safe"
    assert workbench.check("qwertz, high quality", workbench.knowledge(GAMMA)).findings[0].code == "foreign-word"


def test_nothing_is_added_that_nobody_asked_for(prompting):
    shown = prompting.format("1girl, solo, masterpiece", prompting.knowledge(GAMMA))
    assert shown.after == shown.before
    assert {m.tag_class for m in shown.missing} == {TagClass.RATING, TagClass.YEAR}


def test_additions_stand_before_a_comma_that_was_typed_at_the_end(prompting):
    shown = prompting.format("solo, 1girl, ", prompting.knowledge(GAMMA), [TagClass.RATING])
    assert shown.after == "1girl, solo, safe, "


def test_the_usual_words_are_those_that_the_source_recommends(prompting):
    known = prompting.knowledge("animagine-xl-3.1")
    shown = prompting.format("1girl", known, list(TagClass))
    assert shown.after == "1girl, safe, masterpiece, best quality, very aesthetic"


def test_checks_tell_what_the_webui_would_misread(prompting):
    checks = prompting.check("1girl, saber (fate), :3", prompting.knowledge(GAMMA))
    codes = {finding.code for finding in checks.findings}
    assert {"unescaped-name", "number-read-as-weight"} <= codes
    fixed = prompting.fix_all("1girl, saber (fate), :3", prompting.knowledge(GAMMA))
    assert [tuple(piece) for piece in attention(fixed)] == [(r"1girl, saber (fate), :3,", 1.0)]


def test_the_profiles_own_negative_is_not_criticised(prompting):
    for profile in prompting.profiles.profiles:
        known = prompting.knowledge(profile.id)
        for advice in profile.negative:
            found = prompting.check(advice.text, known, negative=True).findings
            assert {f.code for f in found} & {"unknown-tag", "alias", "foreign-word"} == set(), profile.id
            assert prompting.fix_all(advice.text, known, negative=True) == advice.text


def test_an_endless_prompt_is_not_checked_but_says_so(prompting):
    checks = prompting.check("a," * 20_000, prompting.knowledge(GAMMA))
    assert checks.findings == ()
    assert "not checked" in checks.problem


def test_the_hosts_options_change_the_reading(prompting):
    prompting.host.surroundings = PromptSurroundings(comments=False)
    known = prompting.knowledge(GAMMA)
    assert prompting.complete("memories off", 12, known).hits[0].insert == "memories off#5"
    prompting.host.surroundings = PromptSurroundings()
    assert prompting.complete("memories off", 12, prompting.knowledge(GAMMA)).hits == ()


def test_compose_and_decompose_are_each_others_reverse(prompting):
    known = prompting.knowledge(GAMMA)
    text = r"1girl, (saber \(fate\):1.2), fate \(series\), blue hair, newest, safe, masterpiece"
    assert prompting.compose(prompting.decompose(text, known), known) == text


@pytest.mark.parametrize("profile_id", ["kohaku-xl-gamma", "animagine-xl-3.1", "pony-v6", "noobai-xl-1.0"])
def test_every_size_that_is_offered_is_legal(prompting, profile_id):
    profile = prompting.profiles.get(profile_id)
    sizes = prompting.sizes(profile)
    assert len(sizes) >= 3
    assert prompting.review(profile, sizes[0], None, None) == []
    assert list(sizes) == sorted(sizes, key=lambda size: (size.width / size.height, size.pixels))


def test_gammas_sizes_are_those_of_its_card(prompting):
    profile = prompting.profiles.get(GAMMA)
    sizes = prompting.sizes(profile)
    assert {Size(768, 1024), Size(1024, 1024)} <= set(sizes)
    assert all(786_432 <= size.pixels <= 1_310_720 for size in sizes)
    nearest = prompting.nearest_size(profile, 16, 9)
    assert 786_432 <= nearest.pixels <= 1_310_720
    assert abs(nearest.width / nearest.height - 16 / 9) < 0.08
    findings = prompting.review(profile, (512, 512), 12.0, None)
    assert [finding.setting for finding in findings] == ["size", "cfg"]


POST = {
    "id": 7,
    "rating": "g",
    "created_at": "2022-05-01T00:00:00.000-04:00",
    "score": 500,
    "fav_count": 100,
    "tag_string_general": "1girl solo long_hair",
    "tag_string_character": "saber_(fate)",
    "tag_string_copyright": "fate_(series)",
    "tag_string_artist": "wlop",
    "tag_string_meta": "highres",
}


def test_a_pasted_post_becomes_a_prompt(prompting):
    (found,) = prompting.captions(json.dumps(POST), prompting.knowledge(GAMMA))
    assert found.caption.prompt() == (
        r"1girl, saber \(fate\), fate \(series\), wlop, solo, long hair, highres, newest, safe, masterpiece"
    )


def test_posts_by_id_need_a_database(prompting):
    with pytest.raises(RefusedError, match="booru_database"):
        prompting.captions_by_id([7], prompting.knowledge(GAMMA))


def test_posts_by_id_come_out_of_the_database_that_is_set(prompting, tmp_path):
    path = tmp_path / "posts.db"
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT, type INTEGER);"
            "CREATE TABLE post (id INTEGER PRIMARY KEY, created_at TEXT, rating INT, score INT, fav_count INT);"
            "CREATE TABLE posttagrelation (id INTEGER PRIMARY KEY, post_id INTEGER, tag_id INTEGER);"
            "INSERT INTO tag VALUES (1, '1girl', 0), (2, 'wlop', 1);"
            "INSERT INTO post VALUES (9, '2019-01-01', 1, 1, 1);"
            "INSERT INTO posttagrelation VALUES (1, 9, 1), (2, 9, 2);"
        )
    connection.close()
    prompting.host.settings["booru_database"] = str(path)
    found = prompting.captions_by_id([8, 9], prompting.knowledge(GAMMA))
    assert [(item.post.id, item.caption.prompt()) for item in found] == [
        (9, "1girl, wlop, recent, sensitive, worst quality")
    ]
