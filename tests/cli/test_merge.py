"""``kohaku merge``, ``plan``, ``verify``: what they do, print and return."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lib_kohaku.cli.exit_codes import DONE, FAILED, REFUSED
from tests.cli.conftest import Run
from tests.support.files import digest, load, metadata_of


def test_merge(run: Run, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    done = run("merge", "0.25*a + 0.75*b", "--models", models, "--out", out)
    assert done.code == DONE
    assert load(out)["w"].tolist() == [2.5] * 4
    assert done.out.startswith(f"wrote {out} (")
    assert "0.25 a + 0.75 b" in done.err


def test_quiet(run: Run, models: Path, tmp_path: Path) -> None:
    done = run("merge", "a + b", "--models", models, "--out", tmp_path / "m.safetensors", "--quiet")
    assert (done.code, done.out, done.err) == (DONE, "", "")


def test_json_is_one_document(run: Run, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    done = run("merge", "a + 0.5*b", "--models", models, "--out", out, "--json")
    document = json.loads(done.out)
    assert document["output"] == str(out)
    assert document["plan"]["coefficients"][0]["sum"] == 1.5
    assert any("add up to 1.5" in warning for warning in document["plan"]["warnings"])
    assert document["bytes_written"] == 24
    assert "warning" in done.err


def test_settings(run: Run, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    words = [
        "--param", "k=0.75", "--dtype", "bf16", "--dtype", "other=fp32", "--base", "b", "--seed", "3",
        "--name", "My model", "--profile", "mecha", "--component", "other=merge",
    ]  # fmt: skip
    done = run("merge", "$k = 0.5 in [0, 1]\nweighted_sum(a, b, $k)", "--models", models, "--out", out, *words)
    assert done.code == DONE
    recipe = json.loads(metadata_of(out)["sd_merge_recipe"])["recipe"]
    assert recipe["parameters"] == {"k": 0.75}
    assert recipe["dtypes"] == {"default": "bf16", "other": "fp32"}
    assert (recipe["base"], recipe["seed"], recipe["name"], recipe["profile"]) == ("b", 3, "My model", "mecha")
    assert metadata_of(out)["modelspec.title"] == "My model"
    assert load(out)["v"].tolist() == [[2.5, 2.5]] * 2
    assert recipe["models"]["a"]["sha256"] == digest(models / "a.safetensors")


def test_a_shared_recipe_names_no_paths(run: Run, models: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere.safetensors"
    elsewhere.write_bytes((models / "b.safetensors").read_bytes())
    document = {"kohaku_recipe": 1, "formula": "0.5*a + 0.5*x", "models": {"x": {"file": str(elsewhere)}}}
    recipe, out = tmp_path / "shared.json", tmp_path / "m.safetensors"
    recipe.write_text(json.dumps(document))
    merge = ("merge", "--recipe", recipe, "--models", models, "--out", out)
    refused = run(*merge)
    assert refused.code == REFUSED and "There is no checkpoint 'x'" in refused.err
    recipe.write_text(json.dumps({"kohaku_recipe": 1, "formula": f'0.5*a + 0.5*"{elsewhere.as_posix()}"'}))
    assert run(*merge).code == REFUSED
    assert not out.exists()
    # What the user says is another matter; and the file can still be verified where its parents are known.
    assert run("merge", f'0.5*a + 0.5*"{elsewhere.as_posix()}"', "--models", models, "--out", out).code == DONE
    assert run("verify", out, "--models", models, "--models", tmp_path).code == DONE
    assert run("verify", out, "--models", models).code == REFUSED


def test_no_hash(run: Run, models: Path, tmp_path: Path, own_home: Path) -> None:
    out = tmp_path / "m.safetensors"
    assert run("merge", "0.5*a+0.5*b", "--models", models, "--out", out, "--no-hash").code == DONE
    assert "sha256" not in json.dumps(json.loads(metadata_of(out)["sd_merge_recipe"]))
    assert not own_home.exists()


def test_hashes_are_cached(run: Run, models: Path, tmp_path: Path, own_home: Path) -> None:
    run("merge", "0.5*a+0.5*b", "--models", models, "--out", tmp_path / "m.safetensors")
    cache = json.loads((own_home / "cache" / "sd-webui-kohaku" / "hashes.json").read_text())
    assert {entry["sha256"] for entry in cache.values()} == {digest(models / f"{role}.safetensors") for role in "ab"}


def test_bind_paths_and_names(run: Run, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    words = ["--bind", f"x={models / 'a.safetensors'}", "--bind", "y=b"]
    assert run("merge", "0.5*x + 0.5*y", "--models", models, "--out", out, *words).code == DONE
    assert load(out)["w"].tolist() == [2.0] * 4


def test_recipe_file(run: Run, models: Path, tmp_path: Path) -> None:
    recipe = tmp_path / "r.json"
    recipe.write_text('{"kohaku_recipe": 1, "formula": "$k = 0\\na + $k*(b - a)", "parameters": {"k": 0.5}}')
    out = tmp_path / "m.safetensors"
    assert run("merge", "--recipe", recipe, "--models", models, "--out", out).code == DONE
    assert load(out)["w"].tolist() == [2.0] * 4
    words = ["--param", "k=1", "--overwrite"]
    assert run("merge", "--recipe", recipe, "--models", models, "--out", out, *words).code == DONE
    assert load(out)["w"].tolist() == [3.0] * 4


def test_a_merged_checkpoint_is_a_recipe(run: Run, models: Path, tmp_path: Path) -> None:
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    assert run("merge", "0.5*a + 0.5*b", "--models", models, "--out", first, "--name", "same").code == 0
    done = run("merge", "--recipe", first, "--models", models, "--out", second, "--name", "same")
    assert done.code == 0, done.err
    assert second.read_bytes() == first.read_bytes()
    refused = run("plan", "--recipe", models / "a.safetensors", "--models", models)
    assert refused.code == 2 and "a.safetensors holds no recipe" in refused.err


def test_names_without_a_folder_to_look_in(run: Run, models: Path) -> None:
    refused = run("plan", "0.5*x + 0.5*b", "--bind", f"x={models / 'a.safetensors'}")
    assert refused.code == 2
    assert "There is no checkpoint 'b'.\nNo folder was given to look names up in (--models)" in refused.err


def test_plan(run: Run, models: Path, own_home: Path) -> None:
    done = run("plan", "0.5*a + 0.5*b", "--models", models)
    assert done.code == DONE
    assert "everywhere: 0.5 a + 0.5 b" in done.out
    assert not own_home.exists(), "no hashing, no cache"
    assert sorted(path.name for path in models.iterdir()) == ["a.safetensors", "b.safetensors"]


def test_plan_with_refusals(run: Run, models: Path) -> None:
    done = run("plan", "a - b", "--models", models, "--json")
    assert done.code == REFUSED
    assert json.loads(done.out)["refusals"][0].startswith("The result is a difference")
    assert "refused: The result is a difference" in run("plan", "a - b", "--models", models).out


def test_plan_with_hashes(run: Run, models: Path) -> None:
    document = json.loads(run("plan", "0.5*a + 0.5*b", "--models", models, "--json", "--hash").out)
    assert [model["sha256"] for model in document["models"]] == [digest(models / f"{r}.safetensors") for r in "ab"]
    assert document["models"][0]["autov2"] == digest(models / "a.safetensors")[:10].upper()
    document = json.loads(run("plan", "0.5*a + 0.5*b", "--models", models, "--json").out)
    assert document["models"][0]["sha256"] is None


def test_verify(run: Run, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    run("merge", "0.25*a + 0.75*b", "--models", models, "--out", out)
    done = run("verify", out, "--models", models, "--all")
    assert done.code == DONE
    assert done.out.splitlines()[-1] == "passed: the file is what its recipe says"
    assert json.loads(run("verify", out, "--models", models, "--json").out)["passed"] is True

    content = bytearray(out.read_bytes())
    content[-1] ^= 0x40
    out.write_bytes(content)
    done = run("verify", out, "--models", models, "--json")
    assert done.code == FAILED
    assert json.loads(done.out)["passed"] is False


def test_verify_refuses_other_parents(run: Run, models: Path, tmp_path: Path) -> None:
    out = tmp_path / "m.safetensors"
    run("merge", "0.25*a + 0.75*b", "--models", models, "--out", out)
    done = run("verify", out, "--models", models, "--bind", "a=b")
    assert done.code == REFUSED
    assert "is not the file that the merge was made from" in done.err
    assert run("verify", out, "--models", models, "--bind", "a=b", "--no-hash").code == FAILED


@pytest.mark.parametrize("mode", ["auto", "buffered"])
def test_io_modes(run: Run, models: Path, tmp_path: Path, mode: str) -> None:
    assert run("merge", "0.5*a+0.5*b", "--models", models, "--out", tmp_path / "m.safetensors", "--io", mode).code == 0


def test_warning_about_values_that_do_not_fit(run: Run, models: Path, tmp_path: Path) -> None:
    done = run("merge", "60000*a + 60000*b", "--models", models, "--out", tmp_path / "m.safetensors", "--quiet")
    assert done.code == DONE
    assert done.err == "warning: 1 tensors hold values that the output type cannot hold: v\n"
