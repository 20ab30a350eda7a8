"""The list of merges, and what it remembers of the files."""

from __future__ import annotations

import os
from pathlib import Path

from lib_kohaku.app import history as module
from lib_kohaku.app.history import History
from lib_kohaku.merge.recipe import ModelReference, Recipe


def merge(formula: str, **models: str) -> Recipe:
    return Recipe(formula, models={role: ModelReference(file) for role, file in models.items()})


def test_the_newest_file_of_a_role_is_remembered(tmp_path: Path) -> None:
    history = History(tmp_path)
    assert history.bound_models() == {}
    history.add(merge("a + b", a="old", b="b"), "one", 1)
    history.add(merge("a", a="new"), "two", 1)
    assert {role: reference.file for role, reference in history.bound_models().items()} == {"a": "new", "b": "b"}
    assert [entry.output for entry in history.entries()] == ["two", "one"]


def test_what_another_process_or_person_wrote_is_seen(tmp_path: Path) -> None:
    ours, theirs = History(tmp_path), History(tmp_path)
    assert ours.entries() == []
    theirs.add(merge("a"), "theirs", 1)
    assert [entry.output for entry in ours.entries()] == ["theirs"]
    (tmp_path / "history.jsonl").unlink()
    assert ours.entries() == []


def test_an_unchanged_file_is_not_read_again(tmp_path: Path, monkeypatch) -> None:
    history = History(tmp_path)
    history.add(merge("a", a="x"), "one", 1)
    history.entries()
    monkeypatch.setattr(module, "_read_history", lambda *_: 1 / 0)
    assert history.entries()[0].output == "one"
    assert history.bound_models()["a"].file == "x"


def test_damaged_lines_hide_nothing_else(tmp_path: Path) -> None:
    history = History(tmp_path)
    history.add(merge("a", a="x"), "one", 1)
    with (tmp_path / "history.jsonl").open("a") as file:
        file.write('not json\n{"when": 1}\n')
    assert [entry.output for entry in history.entries()] == ["one"]
    (tmp_path / "history.jsonl").write_bytes(b"\xff\xfe" + os.urandom(50))
    assert history.entries() == []
