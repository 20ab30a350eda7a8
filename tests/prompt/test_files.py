from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lib_kohaku.checkpoint.io.atomic import write_file_atomically
from lib_kohaku.errors import FailedError, OutputExistsError, UnsafeNameError
from lib_kohaku.prompt.files import DataFileError, each_that_works, plain_name, read_text, safe_stem


def names_in(folder):
    return [path.name for path in folder.iterdir()]


def test_a_file_is_written_whole_and_nothing_else_is_left(tmp_path):
    write_file_atomically(tmp_path / "new" / "a.txt", b"one")
    assert (tmp_path / "new" / "a.txt").read_bytes() == b"one"
    assert names_in(tmp_path / "new") == ["a.txt"]


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such modes")
def test_others_may_read_what_they_may_read_of_any_new_file(tmp_path):
    (tmp_path / "usual").touch()
    write_file_atomically(tmp_path / "ours", b"x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_an_existing_file_is_replaced_only_when_told(tmp_path):
    path = tmp_path / "a.txt"
    path.write_bytes(b"old")
    with pytest.raises(OutputExistsError, match=r"a\.txt exists already"):
        write_file_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    write_file_atomically(path, b"new", overwrite=True)
    assert path.read_bytes() == b"new"
    assert names_in(tmp_path) == ["a.txt"]


def test_a_file_system_without_hard_links_still_refuses_an_existing_name(tmp_path, monkeypatch):
    def no_links(*_):
        raise PermissionError("no links here")

    monkeypatch.setattr(os, "link", no_links)
    write_file_atomically(tmp_path / "a.txt", b"one")
    with pytest.raises(OutputExistsError):
        write_file_atomically(tmp_path / "a.txt", b"two")
    assert (tmp_path / "a.txt").read_bytes() == b"one"
    assert names_in(tmp_path) == ["a.txt"]


def test_a_disk_that_fails_leaves_nothing(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(FailedError, match="No space left"):
        write_file_atomically(tmp_path / "a.txt", b"one")
    assert names_in(tmp_path) == []


def test_reading_is_capped_and_names_the_file(tmp_path):
    path = tmp_path / "list.csv"
    path.write_bytes(b"x" * 11)
    with pytest.raises(DataFileError, match=r"list\.csv: is larger than 10 bytes"):
        read_text(path, 10)
    assert read_text(path, 11) == "x" * 11


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"one\ntw\0o\n", "line 2: holds a NUL"),
        (b"one\ntwo\n\xff\xfe\n", "line 3: is not UTF-8"),
    ],
)
def test_what_is_no_text_is_refused_with_its_line(tmp_path, content, message):
    path = tmp_path / "list.csv"
    path.write_bytes(content)
    with pytest.raises(DataFileError, match=message):
        read_text(path, 100)


def test_a_missing_file_and_a_folder_are_told_apart_and_the_servers_folders_are_not_told(tmp_path):
    with pytest.raises(DataFileError, match=r"gone\.csv: is not there") as error:
        read_text(tmp_path / "gone.csv", 10)
    assert str(tmp_path) not in str(error.value)
    with pytest.raises(DataFileError, match="is not a file"):
        read_text(tmp_path, 10)


def test_a_byte_order_mark_is_no_text(tmp_path):
    path = tmp_path / "a"
    path.write_bytes(b"\xef\xbb\xbfname")
    assert read_text(path, 100) == "name"


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("Rain at night", "Rain at night"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("a/b\\c:d", "a_b_c_d"),
        ("CON", "_CON"),
        ("nul.txt", "_nul.txt"),
        (" .hidden. ", "hidden"),
        ("雨の夜", "雨の夜"),
        ("<b>x</b>", "_b_x__b_"),
    ],
)
def test_names_become_safe_stems(name, stem):
    assert safe_stem(name) == stem


@pytest.mark.parametrize("name", ["", "...", "///", "\0\0", "   "])
def test_names_without_anything_usable_are_refused(name):
    with pytest.raises(UnsafeNameError):
        safe_stem(name)


@given(st.text(max_size=300))
def test_no_stem_ever_leaves_its_folder_or_exceeds_a_file_name(name):
    try:
        stem = safe_stem(name)
    except UnsafeNameError:
        return
    assert not set(stem) & set('/\\:*?"<>|\0\n\r')
    assert stem not in (".", "..")
    assert len(f"{stem}.json".encode()) <= 255
    assert stem == stem.strip(" .")


@pytest.mark.parametrize("name", ["../x.png", "a/b.png", "C:x.png", ".x.png", "x.png ", "", "con.png", "a\0.png"])
def test_only_plain_names_are_plain(name):
    with pytest.raises(UnsafeNameError):
        plain_name(name)
    assert plain_name("Rain at night.png") == "Rain at night.png"


def test_one_failure_does_not_take_the_others():
    def work(number):
        if number == 2:
            raise FailedError("two")
        return number * 10

    assert each_that_works(work, [1, 2, 3]) == ([10, 30], ["two"])
