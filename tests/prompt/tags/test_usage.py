from __future__ import annotations

import math
import sqlite3
import threading

import pytest

from lib_kohaku.errors import FailedError
from lib_kohaku.prompt.tags.usage import HALF_LIFE, UsageStore


@pytest.fixture
def store(tmp_path):
    return UsageStore(tmp_path / "kohaku" / "usage.sqlite", wait=0.1)


def test_uses_add_up_and_fade(store):
    assert store.uses(0) == {}
    store.record(["long hair", "Solo"], now=0)
    store.record(["long_hair"], now=HALF_LIFE)  # the first use counts half by now
    assert store.uses(HALF_LIFE) == {"long_hair": 1.5, "solo": 0.5}
    assert store.uses(2 * HALF_LIFE) == {"long_hair": 0.75, "solo": 0.25}


def test_three_uses_are_worth_as_much_as_ten_times_the_posts(store):
    for _ in range(3):
        store.record(["solo"], now=5)
    assert math.isclose(store.favour(5)["solo"], 1.0)


def test_a_clock_that_is_set_back_makes_nothing_grow(store):
    store.record(["solo"], now=HALF_LIFE)
    store.record(["solo"], now=0)
    assert store.uses(0) == {"solo": 2.0}


def test_a_tag_counts_once_a_time_and_nonsense_not_at_all(store):
    store.record(["solo", "solo", " ", "x" * 1000], now=0)
    assert store.uses(0) == {"solo": 1.0}


def test_forgetting(store):
    store.forget()
    store.record(["solo"], now=0)
    store.forget()
    assert store.uses(0) == {}


def test_threads_do_not_lose_each_others_counts(store):
    patient = UsageStore(store.path, wait=30)
    patient.record(["solo"], now=0)
    threads = [threading.Thread(target=lambda: [patient.record(["solo"], now=0) for _ in range(5)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert patient.uses(0) == {"solo": 21.0}


def test_a_locked_file_is_told_after_a_while(store):
    store.record(["solo"], now=0)
    other = sqlite3.connect(store.path, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        with pytest.raises(FailedError, match="cannot be used just now"):
            store.record(["solo"], now=0)
    finally:
        other.close()
    assert store.uses(0) == {"solo": 1.0}


def test_a_damaged_file_is_told_and_left_alone(store):
    store.path.parent.mkdir()
    store.path.write_bytes(b"not a database, but long enough to look like one" * 10)
    before = store.path.read_bytes()
    with pytest.raises(FailedError, match="damaged"):
        store.favour(0)
    assert store.path.read_bytes() == before
