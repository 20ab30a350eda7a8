"""A small danbooru2023-sqlite database."""

from __future__ import annotations

import sqlite3

SCHEMA = """
CREATE TABLE tag (id INTEGER PRIMARY KEY, name TEXT UNIQUE, type INTEGER, popularity INTEGER);
CREATE TABLE post (id INTEGER PRIMARY KEY, created_at TEXT, rating INTEGER, score INTEGER, fav_count INTEGER);
CREATE TABLE posttagrelation (id INTEGER PRIMARY KEY, post_id INTEGER, tag_id INTEGER);
CREATE INDEX relation_post ON posttagrelation (post_id);
"""
# type: 0 general, 1 artist, 2 character, 3 copyright, 4 meta
TAGS = [
    (1, "long_hair", 0, 900),
    (2, "1girl", 0, 1000),
    (3, "saber_(fate)", 2, 50),
    (4, "fate_(series)", 3, 60),
    (5, "wada_arco", 1, 25),
    (6, "highres", 4, 800),
    (7, "bad_id", 4, 700),
    (8, "rare_thing", 0, 24),
    (9, "banned_artist", 1, 30),
    (10, "^_^", 0, 100),
]
# explicit, so that each rating's number is tried by some post
POSTS = [
    (6_000_000, "2023-05-01T12:00:00.000-04:00", 0, 40, 41),
    (6_000_001, "not a date", 3, 40, 41),
    (100, "2009-12-31T00:00:00.000-05:00", 1, 5, None),
    (7_600_000, "2024-06-01", 2, 500, 500),
]
RELATIONS = [
    *((6_000_000, tag) for tag in (1, 2, 7, 6, 5, 9, 4, 3, 10)),
    (6_000_001, 2),
    (100, 1),
    (7_600_000, 6),
]


def make_database(path):
    with sqlite3.connect(path) as connection:
        connection.executescript(SCHEMA)
        connection.executemany("INSERT INTO tag VALUES (?, ?, ?, ?)", TAGS)
        connection.executemany("INSERT INTO post VALUES (?, ?, ?, ?, ?)", POSTS)
        connection.executemany("INSERT INTO posttagrelation (post_id, tag_id) VALUES (?, ?)", RELATIONS)
    connection.close()
    return path
