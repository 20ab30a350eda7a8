from __future__ import annotations

import copy
import json
from pathlib import Path

import pytest

import lib_kohaku.prompt.profiles.loader as loader
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.profiles.loader import load_profiles, read_profile

GAMMA = json.loads((Path(loader.__file__).parent / "data" / "kohaku-xl-gamma.json").read_text(encoding="utf-8"))
EVIDENCE = [{"mark": "ours", "source": "me"}]
SMALL = {
    "format": 1,
    "id": "mine",
    "name": "Mine",
    "match": {},
    "order": {"slots": ["counts", "characters", "copyrights", "artists", "general", "meta"], "evidence": EVIDENCE},
    "names": {"spaces": True, "keep_up_to": 3, "evidence": EVIDENCE},
}


def write(folder, document, name="own.json"):
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def changed(place, value, document=GAMMA):
    """A copy with one member, given as ``a.b.0.c``, set to something else; ``...`` removes it."""
    result = copy.deepcopy(document)
    *path, last = place.split(".")
    target = result
    for step in path:
        target = target[int(step)] if isinstance(target, list) else target[step]
    key = int(last) if isinstance(target, list) else last
    if value is ...:
        del target[key]
    else:
        target[key] = value
    return result


def test_a_dropped_file_is_one_more_profile(tmp_path):
    write(tmp_path, SMALL)
    profiles = load_profiles(tmp_path)
    assert profiles.problems == ()
    assert profiles.get("mine").name == "Mine"
    assert len(profiles.profiles) == 13


def test_a_file_with_a_built_in_id_replaces_that_one(tmp_path):
    write(tmp_path, changed("name", "My Gamma"))
    profiles = load_profiles(tmp_path)
    assert profiles.get("kohaku-xl-gamma").name == "My Gamma"
    assert len(profiles.profiles) == 12
    assert load_profiles().get("kohaku-xl-gamma").name == "Kohaku XL Gamma"


def test_a_bad_file_does_not_take_the_others(tmp_path):
    write(tmp_path, SMALL)
    write(tmp_path, "{", "broken.json")
    write(tmp_path, SMALL, "twice.json")
    profiles = load_profiles(tmp_path)
    assert profiles.get("mine")
    assert profiles.problems == (
        "broken.json: line 1, column 2: not valid JSON (Expecting property name enclosed in double quotes)",
        "twice.json: has the same id as own.json, which is used",
    )


def test_an_unknown_id_names_the_known_ones():
    with pytest.raises(RefusedError, match=r"no profile 'x'.*kohaku-xl-gamma"):
        load_profiles().get("x")


@pytest.mark.parametrize(
    ("place", "value", "message"),
    [
        ("format", 2, "format: has to be one of: 1"),
        ("id", "../../x", "id: '../../x' does not have the form"),
        ("name", ..., "lacks name"),
        ("name", "a\nb", "name: .* does not have the form"),
        ("name", 3, "name: has to be of type string"),
        ("extra", 1, "extra: is not known here"),
        ("order.slots", ["counts"], "order.slots: lacks characters"),
        ("order.slots.0", "hats", r"order.slots\[0\]: has to be one of"),
        ("order.slots.0", "general", "order.slots: holds the same entry twice"),
        ("order.fixed", ["aesthetic"], "order.fixed: names a slot that is not in order.slots"),
        ("order.evidence", [], "order.evidence: has to have at least 1"),
        ("order.evidence.0.mark", "rumour", r"mark: has to be one of: card, code"),
        ("quality.words.0.above", 10, "quality.words: have to fall"),
        ("quality.words.6.above", 5, "all but the last need 'above'"),
        ("quality.words.1.above", None, "all but the last need 'above'"),
        ("quality.words.0.text", "a, b", r"quality.words\[0\].text: 'a, b' does not have the form"),
        ("quality.measure.table", "../x", "table: has to be one of"),
        ("settings.cfg.min", 8, "settings.cfg: min is above max"),
        ("settings.cfg.min", "4", "settings.cfg.min: has to be of type number"),
        ("settings.clip_skip", 0, "clip_skip: has to be at least 1"),
        ("sizes.pixels.min", 1310721, "sizes.pixels: the kind 'range' needs min and max"),
        ("sizes.pixels", ..., "sizes.pixels: the kind 'range' needs"),
        ("sizes.buckets.0", [768], r"sizes.buckets\[0\]: has to have at least 2"),
        ("sizes.buckets.0", [768, 10**9], r"buckets\[0\]\[1\]: has to be at most 8,192"),
        ("year.words.0.last", "2010", "last: has to be of type integer"),
        ("match.autov2", ["38942904e9"], "does not have the form"),
        ("match.names", ["(a+)+$"], "does not have the form"),
        ("notes", ["x" * 501], "has 501 characters"),
    ],
)
def test_each_mistake_is_named_with_its_place(tmp_path, place, value, message):
    path = write(tmp_path, changed(place, value))
    with pytest.raises(DataFileError, match=rf"own\.json: .*{message}"):
        read_profile(path)


def test_a_table_of_sizes_must_not_be_empty(tmp_path):
    sizes = {"kind": "table", "evidence": EVIDENCE}
    with pytest.raises(DataFileError, match="needs at least one"):
        read_profile(write(tmp_path, changed("sizes", sizes)))


def test_a_year_template_has_one_place_for_the_year(tmp_path):
    year = {"template": {"text": "year", "last": 2030}, "evidence": EVIDENCE}
    with pytest.raises(DataFileError, match=r"hold \{year\} once"):
        read_profile(write(tmp_path, changed("year", year)))


def test_an_endless_file_is_refused(tmp_path):
    with pytest.raises(DataFileError, match="larger than"):
        read_profile(write(tmp_path, " " * 300_000))


def test_folders_and_hidden_files_are_passed_over(tmp_path):
    (tmp_path / "folder.json").mkdir()
    write(tmp_path, "{", ".hidden.json")
    assert load_profiles(tmp_path).problems == ("folder.json: is not a file",)
    assert load_profiles(tmp_path / "none").problems == ()
