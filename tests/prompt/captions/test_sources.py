"""Posts out of databases and out of pasted JSON, and batches of caption files."""

from __future__ import annotations

import json
import sqlite3

import pytest

from lib_kohaku.errors import CancelledError, RefusedError
from lib_kohaku.prompt.captions.batch import read_ids, write_captions
from lib_kohaku.prompt.captions.booru_json import parse_posts
from lib_kohaku.prompt.captions.database import read_posts
from lib_kohaku.prompt.captions.post import Post
from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.profiles.loader import load_profiles
from lib_kohaku.prompt.profiles.model import Rating
from lib_kohaku.prompt.schema import SchemaError
from tests.prompt.booru import make_database

GAMMA = load_profiles().get("kohaku-xl-gamma")
IDS = [6_000_000, 6_000_001, 100, 7_600_000]
# general rating, score 40 > 38: masterpiece. Meta "bad_id" and artist "banned_artist" go; "^_^" has three letters.
FIRST = "1girl, saber (fate), fate (series), wada arco, |||long hair, ^_^, highres, newest, safe, masterpiece\n"


@pytest.fixture
def database(tmp_path):
    return make_database(tmp_path / "danbooru.db")


def change(database, *statements):
    with sqlite3.connect(database) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


class Watch:
    """Records what it is told; asks to stop after ``patience`` posts."""

    def __init__(self, patience=10**9):
        self.begun = []
        self.done = 0
        self.patience = patience

    def start(self, label, total, unit):
        self.begun.append((total, unit))

    def advance(self, amount):
        self.done += amount

    def cancelled(self):
        return self.done >= self.patience


def test_posts_come_with_their_tags_in_the_stored_order(database):
    posts = read_posts(database, [6_000_000, 6_000_001, 100, 5])
    assert posts == {
        6_000_000: Post(
            6_000_000, Rating.GENERAL, 2023, 40, 41,
            ("long_hair", "1girl", "^_^"), ("saber_(fate)",), ("fate_(series)",), ("wada_arco", "banned_artist"),
            ("bad_id", "highres"),
        ),
        6_000_001: Post(6_000_001, Rating.EXPLICIT, None, 40, 41, ("1girl",)),
        100: Post(100, Rating.SENSITIVE, 2009, 5, None, ("long_hair",)),
    }  # fmt: skip


def test_other_ratings_and_values_are_not_trusted(database):
    change(database, "UPDATE post SET rating = 9, score = 'many', fav_count = NULL, created_at = x'00' WHERE id = 100")
    assert read_posts(database, [100]) == {100: Post(100, general=("long_hair",))}


@pytest.mark.parametrize("ids", [[-1], [2**63], list(range(201))])
def test_ids_that_are_none_are_refused(database, ids):
    with pytest.raises(RefusedError, match="Post ids"):
        read_posts(database, ids)


def test_a_database_of_another_version_is_refused(database):
    change(database, "DROP TABLE posttagrelation", "ALTER TABLE post ADD COLUMN tags TEXT")
    with pytest.raises(DataFileError, match=r"danbooru\.db: is not a danbooru2023-sqlite database .*posttagrelation"):
        read_posts(database, [100])


def test_a_post_with_endless_tags_is_refused(database):
    with sqlite3.connect(database) as connection:
        connection.executemany("INSERT INTO tag VALUES (?, ?, 0, 1)", [(n, f"t{n}") for n in range(100, 2200)])
        connection.executemany(
            "INSERT INTO posttagrelation (post_id, tag_id) VALUES (100, ?)", [(n,) for n in range(100, 2200)]
        )
    connection.close()
    with pytest.raises(DataFileError, match="post 100 has more than 2,000 tags"):
        read_posts(database, [100])


def test_names_with_path_tricks_and_line_ends_do_no_harm(database, tmp_path):
    change(
        database,
        "INSERT INTO tag VALUES (50, '../../evil', 0, 1)",
        "INSERT INTO tag VALUES (51, 'a' || char(10) || 'b', 0, 1)",
        "INSERT INTO tag VALUES (52, '<script>', 0, 1)",
        *(f"INSERT INTO posttagrelation (post_id, tag_id) VALUES (100, {tag})" for tag in (50, 51, 52)),
    )
    write_captions(database, [100], tmp_path / "out", GAMMA)
    assert (
        tmp_path / "out" / "100.txt"
    ).read_text() == "|||long hair, ../../evil, <script>, old, sensitive, low quality\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["danbooru.db", "out"]


def test_a_batch_writes_a_file_a_post_and_reports(database, tmp_path):
    watch = Watch()
    report = write_captions(database, [*IDS, 5, 100], tmp_path / "out", GAMMA, watch)
    assert (report.written, report.kept, report.missing) == (tuple(IDS), (), (5,))
    assert (watch.begun, watch.done) == ([(5, "posts")], 5)
    texts = {path.name: path.read_text() for path in (tmp_path / "out").iterdir()}
    assert texts == {
        "6000000.txt": FIRST,
        "6000001.txt": "1girl, |||explicit, nsfw, normal quality\n",  # 40 > 28, the 25th percentile; not > 63
        "100.txt": "|||long hair, old, sensitive, low quality\n",
        "7600000.txt": "|||highres, newest, nsfw\n",  # too young for a quality word
    }


def test_files_that_are_there_are_left_alone_unless_told(database, tmp_path):
    (tmp_path / "100.txt").write_text("mine")
    report = write_captions(database, [100, 6_000_000], tmp_path, GAMMA)
    assert (report.written, report.kept) == ((6_000_000,), (100,))
    assert (tmp_path / "100.txt").read_text() == "mine"
    assert write_captions(database, [100], tmp_path, GAMMA, overwrite=True).written == (100,)
    assert (tmp_path / "100.txt").read_text().startswith("|||long hair")


def test_stopping_leaves_whole_files_and_says_how_many(database, tmp_path):
    with pytest.raises(CancelledError, match="Stopped after 2 caption files"):
        write_captions(database, IDS, tmp_path / "out", GAMMA, Watch(patience=2))
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["6000000.txt", "6000001.txt"]


def test_more_posts_than_fit_one_query(database, tmp_path):
    with sqlite3.connect(database) as connection:
        connection.executemany("INSERT INTO post VALUES (?, '2020-01-01', 0, 1, 1)", [(n,) for n in range(1000, 1450)])
    connection.close()
    assert len(write_captions(database, range(1000, 1450), tmp_path / "out", GAMMA).written) == 450


def test_the_database_is_not_touched(database, tmp_path):
    before = database.read_bytes()
    write_captions(database, IDS, tmp_path / "out", GAMMA)
    assert database.read_bytes() == before


def test_lists_of_ids(tmp_path):
    path = tmp_path / "ids.txt"
    path.write_text("1 2, 3\n# remark\n4 # mine\r\n\n")
    assert read_ids(path) == (1, 2, 3, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1\nx\n", "line 2: 'x' is not a post id"),
        ("-1", "line 1: '-1' is not a post id"),
        ("1.5", "not a post id"),
        ("99999999999999999999", "not a post id"),
        ("²", "not a post id"),
        ("../x", "not a post id"),
        ("# nothing", "holds no post ids"),
    ],
)
def test_wrong_lists_of_ids(tmp_path, text, message):
    path = tmp_path / "ids.txt"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(RefusedError, match=message):
        read_ids(path)


PASTED = {
    "id": 42,
    "created_at": "2012-03-04T00:00:00.000-05:00",
    "rating": "s",
    "score": 3,
    "fav_count": 9,
    "tag_string": "1girl fate_(series)",
    "tag_string_general": "1girl long_hair",
    "tag_string_character": "saber_(fate)",
    "tag_string_copyright": "fate_(series)",
    "tag_string_artist": "",
    "tag_string_meta": "highres",
    "media_asset": {"variants": []},
}


def test_a_pasted_post():
    post = Post(
        42,
        Rating.SENSITIVE,
        2012,
        3,
        9,
        ("1girl", "long_hair"),
        ("saber_(fate)",),
        ("fate_(series)",),
        (),
        ("highres",),
    )
    assert parse_posts(json.dumps(PASTED)) == (post,)
    assert parse_posts(json.dumps([PASTED, PASTED])) == (post, post)


@pytest.mark.parametrize(
    ("letter", "rating"),
    [
        ("g", Rating.GENERAL),
        ("s", Rating.SENSITIVE),
        ("q", Rating.QUESTIONABLE),
        ("e", Rating.EXPLICIT),
        ("general", Rating.GENERAL),
        ("x", None),
        (None, None),
    ],
)
def test_ratings(letter, rating):
    assert parse_posts(json.dumps({**PASTED, "rating": letter}))[0].rating is rating


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not valid JSON"),
        ("<html>", "not valid JSON"),
        ("[]", "between 1 and 1,000 posts"),
        ("3", "has to be of type object"),
        ('{"id": 1}', "lacks tag_string_general"),
        ('{"id": 1, "tag_string": "a b"}', "without categories"),
        (json.dumps({**PASTED, "id": "42"}), "id: has to be of type integer"),
        (json.dumps({**PASTED, "id": -1}), "id: has to be at least 0"),
        (json.dumps({**PASTED, "score": "3"}), "score: has to be of type"),
        (json.dumps({**PASTED, "tag_string_meta": ["a"]}), "tag_string_meta: has to be of type string"),
        (json.dumps({**PASTED, "tag_string_general": "x " * 2001}), "2,001 tags"),
        (json.dumps({**PASTED, "tag_string_general": "x" * 300_000}), "300,000 characters"),
        ("[" * 100_000, "nested too deeply"),
        (" " * 5_000_000, "more than"),
    ],
)
def test_hostile_posts_are_refused(text, message):
    with pytest.raises(SchemaError, match=message):
        parse_posts(text)
