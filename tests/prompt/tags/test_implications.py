from __future__ import annotations

import pytest

from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.tags.implications import Implications, read_implications
from tests.prompt.real_data import real_file

PAIRS = [
    ("thighhighs", "legwear"),
    ("lace_thighhighs", "thighhighs"),
    ("lace_thighhighs", "lace"),
    ("a", "b"),
    ("b", "a"),
]


def test_chains_are_followed_to_the_end_nearest_first():
    assert Implications(PAIRS).implied_by("lace thighhighs") == ("thighhighs", "lace", "legwear")
    assert Implications(PAIRS).implied_by("legwear") == ()


def test_circles_end():
    assert Implications(PAIRS).implied_by("a") == ("b",)
    assert Implications([("x", "x")]).implied_by("x") == ()


def test_what_another_tag_says_already_is_redundant():
    names = ["legwear", "1girl", "lace thighhighs", "thighhighs"]
    assert Implications(PAIRS).redundant(names) == {"thighhighs": "lace_thighhighs", "legwear": "lace_thighhighs"}


def test_tags_that_imply_each_other_both_stay():
    assert Implications(PAIRS).redundant(["a", "b"]) == {}


@pytest.mark.parametrize(
    "text", ["a,b\n", "antecedent,consequent\na,b\n", "antecedent_name,consequent_name\r\na,b\r\n\r\n", '"a","b"']
)
def test_files_with_and_without_a_header(tmp_path, text):
    path = tmp_path / "i.csv"
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    implications = read_implications(path)
    assert len(implications) == 1
    assert implications.implied_by("a") == ("b",)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\nc\n", "line 2: should hold two names"),
        ("a,b,c\n", "line 1: should hold two names"),
        ("a,b\nc,\n", "line 2: should hold two names"),
        ("a,b\n" + "x" * 3000 + ",y\n", "line 2: is longer"),
        ("antecedent,consequent\n", "holds no implications"),
        ('a,"b\n', "is not valid CSV"),
        ("", "holds no implications"),
    ],
)
def test_wrong_files_are_refused_with_their_line(tmp_path, text, message):
    path = tmp_path / "i.csv"
    path.write_text(text)
    with pytest.raises(DataFileError, match=message):
        read_implications(path)


def test_the_real_list():
    implications = read_implications(real_file("danbooru_implications.csv"))
    assert len(implications) == 29_929
    assert "metallica" in implications.implied_by("...and_justice_for_all")
