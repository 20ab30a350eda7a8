"""``kohaku recipe``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib_kohaku.merge.recipe import recipe_from_json
from tests.cli.conftest import Run


def test_list(run: Run, own_home: Path) -> None:
    done = run("recipe", "list")
    assert [line.split()[0] for line in done.out.splitlines()] == ["gamma-rev1", "gamma-rev2-mbw", "gamma-rev2"]
    (own_home / "data" / "recipes").mkdir(parents=True)
    (own_home / "data" / "recipes" / "bad.json").write_text("{")
    done = run("recipe", "list")
    assert done.code == 0
    assert "warning: bad.json" in done.err


def test_show(run: Run) -> None:
    recipe = recipe_from_json(run("recipe", "show", "gamma-rev1").out)
    assert recipe.formula == "beta7 + 0.8*(anxl3 - anxl2) + 0.5*(base7 - beta7)"


def test_export_and_import(run: Run, tmp_path: Path, own_home: Path) -> None:
    path = tmp_path / "mine.json"
    assert run("recipe", "export", "gamma-rev2", path).code == 0
    assert run("recipe", "export", "gamma-rev2", path).code == 2
    assert run("recipe", "export", "gamma-rev2", path, "--overwrite").code == 0
    assert recipe_from_json(path.read_text("utf-8")).name == "gamma-rev2"
    done = run("recipe", "import", path, "--name", "my own")
    assert (done.code, done.out) == (0, "kept as my own\n")
    assert (own_home / "data" / "recipes" / "my own.json").is_file()
    assert "my own" in run("recipe", "list").out
    assert run("recipe", "import", path, "--name", "my own").code == 2
    assert run("recipe", "import", path, "--name", "my own", "--overwrite").code == 0
    assert json.loads(run("recipe", "show", "my own").out)["name"] == "my own"


def test_from_a_merged_file(run: Run, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "merged.safetensors"
    run("merge", "0.5*a + 0.5*b", "--models", models, "--out", out)
    shown = recipe_from_json(run("recipe", "show", out).out)
    assert shown.formula == "0.5*a + 0.5*b"
    assert shown.models["a"].file == "a.safetensors"
    assert run("recipe", "import", out).out == "kept as merged\n"
    again = tmp_path / "again.safetensors"
    done = run("merge", "--recipe", "merged", "--models", models, "--out", again, "--name", "merged")
    assert done.code == 0
    assert again.read_bytes() == out.read_bytes()


@pytest.mark.parametrize("name", ["../evil", "a/b", "nul", ".x"])
def test_unsafe_names(run: Run, tmp_path: Path, own_home: Path, name: str) -> None:
    path = tmp_path / "r.json"
    path.write_text(json.dumps({"kohaku_recipe": 1, "formula": "a", "name": name}))
    assert run("recipe", "import", path).code == 2
    assert run("recipe", "import", path, "--name", name).code == 2
    assert not (own_home / "data").exists()


def test_another_data_folder(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KOHAKU_DATA_DIR", str(tmp_path / "elsewhere"))
    run("recipe", "export", "gamma-rev1", tmp_path / "r.json")
    run("recipe", "import", tmp_path / "r.json", "--name", "x")
    assert (tmp_path / "elsewhere" / "recipes" / "x.json").is_file()
    monkeypatch.delenv("KOHAKU_DATA_DIR")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    run("recipe", "import", tmp_path / "r.json", "--name", "y")
    assert (tmp_path / "share" / "sd-webui-kohaku" / "recipes" / "y.json").is_file()
