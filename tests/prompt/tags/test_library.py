from __future__ import annotations

import os

import numpy as np
import pytest

from lib_kohaku.errors import KohakuError
from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.tags.arrays import build_arrays
from lib_kohaku.prompt.tags.library import load_library
from lib_kohaku.prompt.tags.model import Category, Tag
from lib_kohaku.prompt.tags.sources import PATH_FILE, Origin, find_sources, source_of, tagcomplete_folder
from lib_kohaku.prompt.tags.vocabulary import builtin_vocabulary, count_tags

WORDS = (Tag("masterpiece", Category.PROFILE, 0, (), True),)


@pytest.fixture
def tag_file(tmp_path):
    path = tmp_path / "lists" / "mine.csv"
    path.parent.mkdir()
    path.write_text("long_hair,0,9,lh\nsolo,0,5,\n")
    return path


def load(path, cache):
    return load_library([source_of(path)], WORDS, cache)


def test_the_second_start_loads_what_the_first_one_built(tag_file, tmp_path):
    first = load(tag_file, tmp_path / "cache")
    second = load(tag_file, tmp_path / "cache")
    assert (first.from_cache, second.from_cache) == (False, True)
    assert list(first.index) == list(second.index)
    assert [tag.name for tag in second.index] == ["long_hair", "solo", "masterpiece"]
    assert second.index.resolve("lh")[0].name == "long_hair"


def test_a_changed_file_is_read_anew(tag_file, tmp_path):
    load(tag_file, tmp_path / "cache")
    tag_file.write_text("long_hair,0,9,lh\nsolo,0,6,\n")  # as many bytes
    os.utime(tag_file, ns=(1, 1))
    again = load(tag_file, tmp_path / "cache")
    assert not again.from_cache
    assert again.index.get("solo").posts == 6
    assert len(list((tmp_path / "cache").iterdir())) == 1


def test_other_built_in_words_make_another_index(tag_file, tmp_path):
    load(tag_file, tmp_path / "cache")
    assert not load_library([source_of(tag_file)], (), tmp_path / "cache").from_cache


def test_a_damaged_cache_is_built_anew(tag_file, tmp_path):
    load(tag_file, tmp_path / "cache")
    (stored,) = (tmp_path / "cache").iterdir()
    whole = stored.read_bytes()
    for damage in (b"", b"not a zip", whole[: len(whole) // 2], whole[:200] + b"\xff" * 50 + whole[250:]):
        stored.write_bytes(damage)
        again = load(tag_file, tmp_path / "cache")
        assert not again.from_cache
        assert len(again.index) == 3
    assert load(tag_file, tmp_path / "cache").from_cache


def test_a_cache_whose_arrays_do_not_fit_together_is_built_anew(tag_file, tmp_path):
    load(tag_file, tmp_path / "cache")
    (stored,) = (tmp_path / "cache").iterdir()
    with np.load(stored) as arrays:
        members = dict(arrays)
    members["posts"] = members["posts"][:-1]
    np.savez(stored.with_suffix(""), **members)
    assert not load(tag_file, tmp_path / "cache").from_cache


def test_a_cache_folder_that_cannot_be_made_only_costs_time(tag_file, tmp_path):
    (tmp_path / "cache").write_text("a file in the way")
    assert len(load(tag_file, tmp_path / "cache").index) == 3


def test_one_bad_list_does_not_take_the_others_and_is_not_cached(tag_file, tmp_path):
    bad = tag_file.with_name("bad.csv")
    bad.write_text("a,0,1,\nb,0\n")
    library = load_library([source_of(bad), source_of(tag_file)], WORDS, tmp_path / "cache")
    assert library.problems == ("bad.csv, line 2: has 2 columns, but the list is: name, category, count",)
    assert [source.path.name for source in library.sources] == ["mine.csv"]
    assert library.index.get("long_hair") is not None
    assert not (tmp_path / "cache").exists()


def test_without_any_list_the_built_in_words_serve(tmp_path):
    library = load_library(
        [], builtin_vocabulary(["best quality", "old"], ["cowboy shot", r"saber \(fate\)", "(x:1.2)"])
    )
    assert library.sources == ()
    assert library.index.get("best quality") == Tag("best_quality", Category.PROFILE, 0, (), True)
    assert library.index.get("1girl").category is Category.GENERAL
    assert library.index.get("saber_(fate)") is not None
    assert library.index.get("(x:1.2)") is None


def test_there_are_the_22_counts_of_hakubooru():
    assert len(count_tags()) == 22
    assert {"1girl", "6+boys", "multiple_others", "male_focus"} <= set(count_tags())
    assert "solo" not in count_tags()


def webui(tmp_path, text):
    (tmp_path / "tmp").mkdir()
    (tmp_path / PATH_FILE).write_text(text)


def make_lists(folder, *names):
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).write_text("a,b\n" if "implication" in name else "a,0,1,\n")


@pytest.mark.parametrize("absolute", [False, True])
def test_tagcompletes_lists_are_found_whatever_its_folder_is_called(tmp_path, absolute):
    folder = tmp_path / "extensions" / "renamed by the user" / "tags"
    make_lists(folder, "danbooru.csv", "e621.csv", "notes.md", "danbooru_implications.csv")
    webui(tmp_path, folder.as_posix() if absolute else "extensions/renamed by the user/tags")
    found = find_sources(None, tmp_path)
    assert [(source.path.name, source.active) for source in found.lists] == [
        ("danbooru.csv", True),
        ("e621.csv", False),
    ]
    assert [path.name for path in found.implications] == ["danbooru_implications.csv"]
    assert found.problems == ()
    chosen = find_sources(None, tmp_path, "e621.csv")
    assert [source.path.name for source in chosen.lists if source.active] == ["e621.csv"]


def test_own_lists_come_first_and_are_all_read(tmp_path):
    make_lists(tmp_path / "own", "b.csv", "a.txt", "posts.db", ".hidden.csv", "x.yaml")
    found = find_sources(tmp_path / "own", tmp_path)
    assert [(source.path.name, source.origin, source.is_database) for source in found.lists] == [
        ("a.txt", Origin.OWN, False),
        ("b.csv", Origin.OWN, False),
        ("posts.db", Origin.OWN, True),
    ]
    assert all(source.active for source in found.lists)


def test_no_folders_no_lists_no_problems(tmp_path):
    found = find_sources(tmp_path / "none", tmp_path)
    assert (found.lists, found.implications, found.problems) == ((), (), ())
    assert tagcomplete_folder(tmp_path) is None


@pytest.mark.parametrize("text", ["", "extensions/gone/tags", "a\nb", "x" * 5000])
def test_a_path_file_that_leads_nowhere_is_reported(tmp_path, text):
    webui(tmp_path, text)
    found = find_sources(None, tmp_path)
    assert found.lists == ()
    assert "tagAutocompletePath.txt" in found.problems[0]
    with pytest.raises(KohakuError):
        tagcomplete_folder(tmp_path)


def test_a_source_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(DataFileError, match=r"none\.csv: is not there"):
        source_of(tmp_path / "none.csv")
    with pytest.raises(DataFileError, match="is not a file"):
        source_of(tmp_path)


def test_arrays_of_no_tags_are_sound():
    arrays = build_arrays([])
    assert len(arrays.posts) == len(arrays.key_position) == 0
    assert arrays.gram_start.tolist() == [0]
