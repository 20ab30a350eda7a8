"""The rings of the package, the rules for every file, and the shape of its data files."""

from __future__ import annotations

import ast
import json
from fractions import Fraction
from pathlib import Path

import pytest

from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.merge.presets import block_presets
from lib_kohaku.merge.recipe import recipe_from_json
from tests.support.layers import CORE, problems

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = ROOT / "lib_kohaku"
SOURCES = sorted(path.relative_to(ROOT).as_posix() for path in PACKAGE.rglob("*.py"))


def test_there_is_something_to_check() -> None:
    assert len(SOURCES) > 80
    assert all(any(path.startswith(f"lib_kohaku/{ring}/") for path in SOURCES) for ring in ("checkpoint", "merge"))


def test_no_file_breaks_a_rule() -> None:
    found = [problem for path in SOURCES for problem in problems(path, (ROOT / path).read_text("utf-8"))]
    assert not found, "\n".join(found)


@pytest.mark.parametrize(
    ("path", "source", "what"),
    [
        ("lib_kohaku/merge/x.py", "import gradio as gr", "the core imports gradio"),
        ("lib_kohaku/checkpoint/io/x.py", "from fastapi import FastAPI", "the core imports fastapi"),
        ("lib_kohaku/fp8/x.py", "from modules import shared", "only host may"),
        ("lib_kohaku/ui/x.py", "import modules.shared", "only host may"),
        ("lib_kohaku/prompt/x.py", "def f():\n    import modules.sd_models as m", "only host may"),
        ("lib_kohaku/lora/x.py", "from lib_kohaku.ui import tab", "the core imports lib_kohaku.ui"),
        ("lib_kohaku/merge/x.py", "from lib_kohaku import cli", "the core imports lib_kohaku.cli"),
        ("lib_kohaku/merge/x.py", "import importlib\nimportlib.import_module('gradio')", "the core imports gradio"),
        ("lib_kohaku/host/x.py", "from lib_kohaku.ui.merge import tab", "host imports lib_kohaku.ui"),
        ("lib_kohaku/merge/x.py", "from .recipe import Recipe", "relative import"),
        ("lib_kohaku/merge/x.py", "from math import *", "star import"),
        ("lib_kohaku/cli/x.py", "print(1)", "print"),
        ("lib_kohaku/merge/x.py", "import sys\nsys.stderr.write('x')", "writes to sys.stderr"),
        ("lib_kohaku/ui/x.py", "try:\n    pass\nexcept:\n    pass", "bare except"),
        ("lib_kohaku/host/x.py", "def f():\n    global state\n    state = 1", "global statement"),
    ],
)
def test_the_checker_sees_violations(path: str, source: str, what: str) -> None:
    (problem,) = problems(path, source)
    assert what in problem


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("lib_kohaku/host/a1111.py", "from modules import shared\nimport gradio"),
        ("lib_kohaku/ui/tab.py", "import gradio\nfrom lib_kohaku.host.base import Host"),
        ("lib_kohaku/cli/output.py", "import sys\nsys.stdout.write('x')\nprint(1)"),
        ("lib_kohaku/merge/x.py", "import modules_of_mine\nfrom lib_kohaku.checkpoint import header"),
        ("lib_kohaku/merge/x.py", "try:\n    pass\nexcept ValueError:\n    pass"),
    ],
)
def test_the_checker_lets_good_code_pass(path: str, source: str) -> None:
    assert problems(path, source) == []


def test_files_and_functions_keep_to_their_budget() -> None:
    """House rules: files of at most 300 lines, functions of at most 50 (hard limits 400 and 80)."""
    for path in SOURCES:
        if not path.startswith(tuple(f"lib_kohaku/{ring}/" for ring in (*CORE, "cli"))):
            continue
        source = (ROOT / path).read_text("utf-8")
        assert source.count("\n") <= 400, path
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 80, f"{path}: {node.name}"


def read(name: str) -> dict[str, object]:
    document = json.loads((PACKAGE / name).read_text("utf-8"))
    assert isinstance(document, dict)
    return document


@pytest.mark.parametrize(("name", "count"), [("sdxl", 20), ("sd1", 26)])
def test_block_maps(name: str, count: int) -> None:
    document = read(f"checkpoint/data/blocks_{name}.json")
    names = document["names"]
    assert isinstance(names, list)
    assert len(names) == len(set(names)) == count
    slots, profiles = document["slots"], document["profiles"]
    assert isinstance(slots, dict)
    assert isinstance(profiles, dict)
    outside = {slot for slot in slots if slot not in names}
    assert set(profiles) == {"supermerger", "mecha"}
    for followed in profiles.values():
        assert set(followed) == outside
        assert all(block is None or block in names for block in followed.values())
    assert block_map(name).names == tuple(names)


def test_architectures() -> None:
    document = read("checkpoint/data/architectures.json")
    allowed = {"id", "label", "blocks", "all", "none", "dims", "components"}
    components = {"unet", "te1", "te2", "te3", "vae", "ema"}
    entries = document["architectures"]
    assert isinstance(entries, list)
    for entry in entries:
        assert set(entry) <= allowed
        assert entry["all"]
        assert not any("*" in key for key in (*entry["all"], *entry.get("none", ()))), "keys are exact"
        assert set(entry["components"]) <= components
        assert entry["blocks"] in (None, "sd1", "sdxl")
    assert [entry["id"] for entry in entries] == ["sd3", "sdxl-refiner", "sdxl", "sd2", "sd1"]


def test_presets_have_20_or_26_finite_weights() -> None:
    document = read("merge/data/block_presets.json")
    presets = document["presets"]
    assert isinstance(presets, list)
    assert len(block_presets()) == len(presets)
    for preset in presets:
        assert set(preset) == {"name", "description", "values"}
        values = [Fraction(value) for value in preset["values"].split(",")]
        assert len(values) in (20, 26), preset["name"]
        assert all(0 <= value <= 1 for value in values)


def test_shipped_recipes() -> None:
    folder = PACKAGE / "merge" / "data" / "recipes"
    names = [path.stem for path in sorted(folder.iterdir())]
    assert sorted(names) == ["gamma-rev1", "gamma-rev2", "gamma-rev2-mbw"]
    for name in names:
        assert recipe_from_json((folder / f"{name}.json").read_text("utf-8")).name == name
