"""Everything that a person can get wrong: exit code 2, one message, no traceback, nothing written."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError
from pathlib import Path

import pytest

from lib_kohaku.cli.commands import ui
from lib_kohaku.cli.exit_codes import REFUSED
from lib_kohaku.cli.main import main
from tests.cli.conftest import Run

OUT = "OUT"
MODELS = "MODELS"
CASES: list[tuple[list[str], str]] = [
    (["merge", "--models", MODELS, "--out", OUT], "Give either a formula or --recipe"),
    (["merge", "a", "--recipe", "gamma-rev1", "--models", MODELS, "--out", OUT], "Give either"),
    (["merge", "", "--models", MODELS, "--out", OUT], "Give either"),
    (["merge", "a +", "--models", MODELS, "--out", OUT], "line 1, column 4"),
    (["merge", "0.5*a + 0.5*bb", "--models", MODELS, "--out", OUT], "no checkpoint 'bb'"),
    (["merge", "0.5*a + 0.5*b", "--out", OUT], "There is no checkpoint 'a'."),
    (["merge", "a - b", "--models", MODELS, "--out", OUT], "is a difference"),
    (["merge", "a", "--models", "/no/such/folder", "--out", OUT], "there is no such folder"),
    (["merge", "a", "--models", MODELS, "--out", "/no/such/folder/x.safetensors"], "does not exist"),
    (["merge", "a", "--models", MODELS, "--out", "x" * 300 + ".safetensors"], "not usable as a file name"),
    (["merge", "a", "--models", MODELS, "--out", OUT + ".ckpt"], "has to end in .safetensors"),
    (["merge", "a", "--models", MODELS, "--out", ""], "refused"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--param", "k"], "expected NAME=VALUE"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--param", "k=x"], "'x' is not a number"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--param", "k=1"], "no parameter $k"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--param", "k=1", "--param", "k=2"], "k is given twice"),
    (["merge", "$k = 0\na", "--models", MODELS, "--out", OUT, "--param", "k=nan"], "not a finite number"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--dtype", "fp64"], "'fp64' is not keep"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--dtype", "clip=fp16"], "no component 'clip'"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--component", "vae=maybe"], "'maybe' is not merge"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--component", "vae=from:zzz"], "no checkpoint 'zzz'"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--base", "zzz"], "no checkpoint 'zzz'"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--bind", "q=b"], "no model 'q'"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--seed", "-1"], "seed"),
    (["merge", "a", "--models", MODELS, "--out", OUT, "--seed", "x"], "invalid int value"),
    (["merge", "--recipe", "no-such", "--models", MODELS, "--out", OUT], "There is no recipe 'no-such'"),
    (["merge", "--recipe", "r" * 300, "--models", MODELS, "--out", OUT], "There is no recipe"),
    (["merge", "--recipe", "gamma-rev1", "--models", MODELS, "--out", OUT], "no checkpoint 'beta7'"),
    (["merge", "a*mbw('gamma')", "--models", MODELS, "--out", OUT], "not defined for this architecture"),
    (["merge", "a", "--models", MODELS], "--out"),
    (["plan", "0.5*a + 0.5*'~nobody'", "--models", MODELS], "no checkpoint '~nobody'"),
    (["plan", "0.5*a + 0.5*'" + "n" * 300 + "'", "--models", MODELS], "no checkpoint"),
    (["plan", "x = 1;" * 20000 + "a", "--models", MODELS], "longer than 100000"),
    (["verify", "no-such.safetensors"], "no such file"),
    (["verify", "MODELS/a.safetensors"], "holds no recipe"),
    (["inspect", "no-such.safetensors"], "no such file"),
    (["inspect", MODELS], "no such file"),
    (["inspect", "n" * 300], "no such file"),
    (["inspect", __file__], "not a safetensors file"),
    (["hash", MODELS], "cannot be read"),
    (["hash", "no-such"], "cannot be read"),
    (["recipe", "show", "no-such"], "There is no recipe"),
    (["recipe", "export", "gamma-rev1", ""], "A file name is needed"),
    (["recipe", "export", "gamma-rev1", "MODELS/a.safetensors"], "exists already"),
    (["recipe", "import", "no-such.json"], "no such file"),
    (["recipe", "import", __file__], "not valid JSON"),
    (["recipe", "import", "MODELS/a.safetensors"], "holds no recipe"),
    (["recipe"], "ACTION"),
    (["no-such-command"], "invalid choice"),
    ([], "COMMAND"),
]


@pytest.mark.parametrize(("words", "message"), CASES, ids=range(len(CASES)))
def test_refused(
    run: Run,
    models: Path,
    tmp_path: Path,
    own_home: Path,
    monkeypatch: pytest.MonkeyPatch,
    words: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    replaced = [word.replace(MODELS, str(models)).replace(OUT, str(tmp_path / "out.safetensors")) for word in words]
    done = run(*replaced)
    assert done.code == REFUSED
    assert done.out == ""
    assert message in done.err
    assert "Traceback" not in done.err
    assert sorted(tmp_path.rglob("*")) == before
    assert not (own_home / "data").exists()


def test_an_existing_output_is_kept(run: Run, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    out.write_text("precious")
    done = run("merge", "0.5*a + 0.5*b", "--models", models, "--out", out)
    assert done.code == REFUSED
    assert "exists already" in done.err
    assert out.read_text() == "precious"


def test_a_folder_is_not_replaced(run: Run, models: Path, tmp_path: Path) -> None:
    (tmp_path / "m.safetensors").mkdir()
    done = run("merge", "0.5*a + 0.5*b", "--models", models, "--out", tmp_path / "m.safetensors", "--overwrite")
    assert done.code == REFUSED
    assert "is a folder" in done.err


def test_an_input_is_not_the_output(run: Run, models: Path) -> None:
    content = (models / "a.safetensors").read_bytes()
    done = run("merge", "0.5*a + 0.5*b", "--models", models, "--out", models / "a.safetensors", "--overwrite")
    assert done.code == REFUSED
    assert "is one of the inputs" in done.err
    assert (models / "a.safetensors").read_bytes() == content


def test_every_problem_of_a_formula_has_a_marker(run: Run, models: Path) -> None:
    done = run("plan", "0.5*a + weighted_sun(a, b)", "--models", models)
    lines = done.err.splitlines()
    assert lines[-1].index("^") == lines[-2].index("weighted_sun")
    assert lines[-1].count("^") == len("weighted_sun")


@pytest.mark.parametrize("present", ["", "4.44.1", "6.2.0"])
def test_the_page_says_which_gradio_it_needs(present, tmp_path, capsys, monkeypatch):
    def version(name: str) -> str:
        if not present:
            raise PackageNotFoundError(name)
        return present

    monkeypatch.setattr(ui, "version", version)
    assert main(["ui", "--models", str(tmp_path)]) == REFUSED
    said = capsys.readouterr().err
    assert "gradio 3.41.2" in said and 'pip install ".[ui]"' in said
    assert (f"gradio {present} is installed" if present else "not installed") in said
