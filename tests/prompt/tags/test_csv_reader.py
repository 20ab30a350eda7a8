from __future__ import annotations

from collections import Counter

import pytest

from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.tags import csv_reader
from lib_kohaku.prompt.tags.csv_reader import read_tag_list
from lib_kohaku.prompt.tags.model import Category, Tag
from tests.prompt.real_data import real_file


def write(tmp_path, text, name="list.csv"):
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


MAIN = '1girl,0,6008644,"1girls,sole_female"\nhighres,5,5256195,\nfate,3,10,\nsaber,4,9,\nwada,1,8,\n'


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        pytest.param(
            MAIN,
            [
                Tag("1girl", Category.GENERAL, 6008644, ("1girls", "sole_female")),
                Tag("highres", Category.META, 5256195),
                Tag("fate", Category.COPYRIGHT, 10),
                Tag("saber", Category.CHARACTER, 9),
                Tag("wada", Category.ARTIST, 8),
            ],
            id="tagcomplete main",
        ),
        pytest.param(
            '1girl;0;600;"1girls,sole_female"\r\n";d";0;5;\r\n',
            [Tag("1girl", Category.GENERAL, 600, ("1girls", "sole_female")), Tag(";d", Category.GENERAL, 5)],
            id="semicolons as spreadsheets write them",
        ),
        pytest.param(
            "name\tcategory\tcount\nlong hair\t0\t600\nwlop\t1\t5\n",
            [Tag("long_hair", Category.GENERAL, 600), Tag("wlop", Category.ARTIST, 5)],
            id="tabs, with a header",
        ),
        pytest.param("wlop; 600\nsaber; 5\n", [Tag("wlop", posts=600), Tag("saber", posts=5)], id="two by semicolon"),
        pytest.param(";d\n;3;\n;)\n", [Tag(";d"), Tag(";3;"), Tag(";)")], id="tags that have semicolons"),
        pytest.param(
            'long hair, 0, 600, "longhair, /lh"\nsolo, 0, 500, \n',
            [Tag("long_hair", Category.GENERAL, 600, ("longhair", "/lh")), Tag("solo", Category.GENERAL, 500)],
            id="blanks behind the commas",
        ),
        pytest.param("long_hair\nshort hair\n\n", [Tag("long_hair"), Tag("short_hair")], id="one column"),
        pytest.param("long_hair,12\nx,0\n", [Tag("long_hair", posts=12), Tag("x")], id="name, count"),
        pytest.param("long_hair,長髪\n", [Tag("long_hair", aliases=("長髪",))], id="translation"),
        pytest.param(
            "pony,0,5\noc,4,3\n",
            [Tag("pony", Category.GENERAL, 5), Tag("oc", Category.CHARACTER, 3)],
            id="three columns",
        ),
        pytest.param(
            "masterpiece,5,Quality tag,\n", [Tag("masterpiece", Category.META)], id="tagcomplete extra, label not count"
        ),
        pytest.param(
            'hero,4,Label,"a,b",英雄\n', [Tag("hero", Category.CHARACTER, 0, ("a", "b", "英雄"))], id="extra in full"
        ),
        pytest.param("hero,4,英雄\n", [Tag("hero", Category.CHARACTER, 0, ("英雄",))], id="old translation"),
        pytest.param(
            "tag,category,count,alias\nlong_hair,0,7,lh\n",
            [Tag("long_hair", Category.GENERAL, 7, ("lh",))],
            id="with header",
        ),
        pytest.param(
            "tag_id,name,category,count\n1,general,9,800\n2,saber,4,5\n",
            [Tag("general", Category.RATING, 800), Tag("saber", Category.CHARACTER, 5)],
            id="WD tagger",
        ),
        pytest.param('"w",0,5,\n', [Tag("w", Category.GENERAL, 5)], id="quoted name"),
        pytest.param('"""w""",0,5,\n', [Tag('"w"', Category.GENERAL, 5)], id="name with quotes"),
        pytest.param(
            b"\xef\xbb\xbfa,0,1,\r\nb,0,2,\r\n",
            [Tag("a", Category.GENERAL, 1), Tag("b", Category.GENERAL, 2)],
            id="BOM, CRLF",
        ),
        pytest.param(
            "a,0,1,\nb,0,2,,,\n",
            [Tag("a", Category.GENERAL, 1), Tag("b", Category.GENERAL, 2)],
            id="empty cells too many",
        ),
        pytest.param("a,0,1\nb,0,,\n", [Tag("a", Category.GENERAL, 1), Tag("b", Category.GENERAL)], id="no count"),
        pytest.param('a,0,1,"x,x, ,X"\n', [Tag("a", Category.GENERAL, 1, ("x",))], id="aliases once each"),
    ],
)
def test_layouts(tmp_path, text, tags):
    assert list(read_tag_list(write(tmp_path, text)).tags) == tags


def test_html_in_a_name_is_just_text(tmp_path):
    tags = read_tag_list(write(tmp_path, '"<img src=x onerror=""alert(1)"">",0,5,\n')).tags
    assert tags[0].name == '<img_src=x_onerror="alert(1)">'


def test_text_files_hold_a_tag_a_line_with_commas_and_remarks(tmp_path):
    assert read_tag_list(write(tmp_path, "# mine\nblue hair\nsaber (fate)\n", "w.txt")).tags == (
        Tag("blue_hair"),
        Tag("saber_(fate)"),
    )


@pytest.mark.parametrize(
    ("name", "rows", "expected"),
    [
        ("mine.csv", "a,5,1,\nb,0,1,\n", {"a": Category.META}),
        ("e621.csv", "a,5,1,\nb,7,1,\n", {"a": Category.SPECIES, "b": Category.META}),
        ("mine.csv", "a,5,1,\nb,8,1,\n", {"a": Category.SPECIES, "b": Category.LORE}),
        (
            "danbooru_e621_merged.csv",
            "a,5,1,\nb,12,1,\nc,7,1,\n",
            {"a": Category.META, "b": Category.SPECIES, "c": Category.GENERAL},
        ),
        ("mine.csv", "a,5,1,\nb,14,1,\n", {"a": Category.META, "b": Category.META}),
        ("derpibooru.csv", "a,0,1,\nb,4,1,\n", {"a": Category.UNKNOWN, "b": Category.UNKNOWN}),
        ("danbooru.csv", "a,7,1,\n", {"a": Category.UNKNOWN}),
        ("e621.csv", "a,-1,1,\nb,5,1,\n", {"a": Category.UNKNOWN, "b": Category.SPECIES}),
    ],
)
def test_whose_category_numbers(tmp_path, name, rows, expected):
    tags = {tag.name: tag.category for tag in read_tag_list(write(tmp_path, rows, name)).tags}
    assert {tag: tags[tag] for tag in expected} == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param("", "holds no tags", id="empty"),
        pytest.param("\n\n", "holds no tags", id="blank"),
        pytest.param("name,category,count\n", "a header and no tags", id="header only"),
        pytest.param("a,0,1,\nb,0\n", r"list\.csv, line 2: has 2 columns", id="too few columns"),
        pytest.param("a,0,1,\nb,0,1,x,y,z\n", "line 1: is none of the known tag list layouts", id="too many columns"),
        pytest.param("a,0,1,\n" * 70 + "b,0,1,x,y\n", "line 71: has 5 columns", id="late stray columns"),
        pytest.param("a,0,1,\n" * 70 + "b,zero,1,\n", "line 71: 'zero' is not a category number", id="category"),
        pytest.param("a,0,1,\n" * 70 + "b,0,many,\n", "line 71: 'many' is not a count", id="count"),
        pytest.param("a,0,1,\n" * 70 + "b,0,-5,\n", "line 71: '-5' is not a count", id="negative"),
        pytest.param(
            "a,0,1,\n" * 70 + "b,0,99999999999,\n", "line 71: '99999999999' is not a count", id="endless count"
        ),
        pytest.param("a,0,1,\n" * 70 + "b,0,٣,\n" + "c,x,1,\n", "line 7[12]", id="digits of another script"),
        pytest.param("a,0,1,\n ,0,1,\n", "line 2: has no name", id="no name"),
        pytest.param("a,0,1,\n" + "x" * 300 + ",0,1,\n", "line 2: has a name of 300 characters", id="long name"),
        pytest.param("a,0,1,\n" + "x" * 70_000 + "\n", "line 2: has 70,000 characters", id="huge line"),
        pytest.param('a,0,1,\nb,0,1,"x\nc,0,1,\n', "line 2: a quotation mark is not closed", id="open quote"),
        pytest.param('a,0,1,"x"y\n', "line 1: is not valid CSV", id="text after quote"),
        pytest.param("a,0,1,\nb\x1b[31m,0,1,\n", "line 2: has a control character", id="terminal escape"),
        pytest.param("a,0,1,\nb\u202e,0,1,\n", "line 2: has a control character", id="right-to-left override"),
    ],
)
def test_wrong_lists_are_refused_with_file_and_line(tmp_path, text, message):
    path = write(tmp_path, text)
    before = path.read_bytes()
    with pytest.raises(DataFileError, match=message):
        read_tag_list(path)
    assert path.read_bytes() == before


def test_a_list_of_endless_lines_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(csv_reader, "MOST_TAGS", 10)
    with pytest.raises(DataFileError, match="more than 10"):
        read_tag_list(write(tmp_path, "a,0,1,\n" * 11))


def test_a_file_that_another_program_has_locked_is_told_and_not_a_crash(tmp_path, monkeypatch):
    path = write(tmp_path, MAIN)

    def locked(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", locked)
    with pytest.raises(DataFileError, match=r"list\.csv: cannot be read \(Permission denied\)"):
        read_tag_list(path)


def test_the_real_list_has_what_was_counted_by_other_means():
    tag_list = read_tag_list(real_file("danbooru.csv"))
    assert len(tag_list.tags) == 140_782
    assert Counter(tag.category for tag in tag_list.tags) == {
        Category.ARTIST: 59_201,
        Category.CHARACTER: 40_931,
        Category.GENERAL: 30_782,
        Category.COPYRIGHT: 9_478,
        Category.META: 390,
    }
    assert sum(bool(tag.aliases) for tag in tag_list.tags) == 23_975
    assert sum(tag.posts >= 1000 for tag in tag_list.tags) == 11_471
