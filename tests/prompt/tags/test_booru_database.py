from __future__ import annotations

import sqlite3
import time

import pytest

from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.tags.booru_database import open_database, read_tag_table
from lib_kohaku.prompt.tags.library import load_library
from lib_kohaku.prompt.tags.model import Category, Tag
from lib_kohaku.prompt.tags.sources import source_of
from tests.prompt.booru import make_database


@pytest.fixture
def database(tmp_path):
    return make_database(tmp_path / "danbooru # 100%?.db")


def test_its_own_category_numbers_are_used_and_rare_tags_left_out(database):
    assert read_tag_table(database).tags == (
        Tag("1girl", Category.GENERAL, 1000),
        Tag("long_hair", Category.GENERAL, 900),
        Tag("highres", Category.META, 800),
        Tag("bad_id", Category.META, 700),
        Tag("^_^", Category.GENERAL, 100),
        Tag("fate_(series)", Category.COPYRIGHT, 60),
        Tag("saber_(fate)", Category.CHARACTER, 50),
        Tag("banned_artist", Category.ARTIST, 30),
        Tag("wada_arco", Category.ARTIST, 25),
    )


def test_it_serves_as_a_source(database):
    library = load_library([source_of(database)])
    assert library.problems == ()
    assert library.index.get("saber (fate)").posts == 50


def test_nothing_can_be_written(database):
    before = database.read_bytes()
    with pytest.raises(DataFileError, match=r"readonly|read-only"), open_database(database) as connection:
        connection.execute("DELETE FROM tag")
    assert database.read_bytes() == before
    assert [path.name for path in database.parent.iterdir()] == [database.name]


def test_what_is_no_such_database_is_refused(tmp_path):
    text = tmp_path / "text.db"
    text.write_text("hello")
    with pytest.raises(DataFileError, match=r"text\.db: is not an SQLite database"):
        read_tag_table(text)
    with pytest.raises(DataFileError, match="not there"):
        read_tag_table(tmp_path / "none.db")
    with pytest.raises(DataFileError, match="not there or cannot be opened"):
        read_tag_table(tmp_path)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as connection:
        connection.execute("CREATE TABLE tag (name TEXT)")
    connection.close()
    with pytest.raises(DataFileError, match="table 'tag' lacks type, popularity"):
        read_tag_table(other)


def test_a_truncated_database_is_told(database):
    whole = database.read_bytes()
    database.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(DataFileError, match="cannot be read"):
        read_tag_table(database)


@pytest.mark.parametrize("row", ["(11, x'ff00', 0, 99)", "(11, 'ok', 'zero', 99)", "(11, 'ok', 0, 'many')"])
def test_cells_of_another_type_are_told(database, row):
    with sqlite3.connect(database) as connection:
        connection.execute(f"INSERT INTO tag VALUES {row}")
    connection.close()
    with pytest.raises(DataFileError, match="something else than names and numbers"):
        read_tag_table(database)


def test_endless_names_are_passed_over(database):
    with sqlite3.connect(database) as connection:
        connection.execute("INSERT INTO tag VALUES (11, ?, 0, 99)", ("x" * 1_000_000,))
    connection.close()
    assert len(read_tag_table(database).tags) == 9


def test_a_locked_database_is_told_after_a_while(database):
    other = sqlite3.connect(database, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(DataFileError, match="locked"), open_database(database, wait=0.1) as connection:
            connection.execute("SELECT count(*) FROM tag").fetchall()
    finally:
        other.close()


def test_a_table_that_never_ends_is_broken_off(tmp_path):
    path = tmp_path / "endless.db"
    with sqlite3.connect(path) as connection:
        connection.execute(
            "CREATE VIEW tag AS WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
            "SELECT 'x' AS name, 0 AS type, i AS popularity FROM n"
        )
    connection.close()
    begun = time.monotonic()
    with pytest.raises(DataFileError, match="took too long"), open_database(path, longest=0.2) as connection:
        connection.execute("SELECT count(*) FROM tag").fetchall()
    assert time.monotonic() - begun < 5
