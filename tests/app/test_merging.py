"""Merges of the workbench: what is remembered of them, and which file is meant."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

import pytest

from lib_kohaku.app.jobs import Job
from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.host.standalone import StandaloneHost
from lib_kohaku.merge.recipe import Recipe
from tests.support.samples import Family


@pytest.fixture
def models(small: Family, tmp_path: Path) -> Path:
    folder = tmp_path / "models"
    shutil.copytree(small.folder, folder)
    return folder


@pytest.fixture
def workbench(models: Path, tmp_path: Path) -> MergeWorkbench:
    return MergeWorkbench(StandaloneHost([models], tmp_path / "data", tmp_path / "hashes.json"))


def ended(job: Job) -> Job:
    until = time.monotonic() + 60
    while not job.ended:
        assert time.monotonic() < until, f"{job.title} does not end"
        time.sleep(0.01)
    return job


def test_a_history_that_cannot_be_written_fails_no_merge(workbench: MergeWorkbench, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("where a folder should be")
    job = ended(workbench.start_merge(Recipe("beta7 + anxl3 - anxl2"), {}, "result"))
    assert job.state == "done", job.message
    assert job.result == "result.safetensors"
    assert job.message.startswith("Wrote result.safetensors")
    assert "not in the history" in job.message
    checked = ended(workbench.start_verify("result"))
    assert checked.state == "done", checked.message


def test_only_the_file_that_was_merged_is_marked_as_verified(workbench: MergeWorkbench, models: Path) -> None:
    ended(workbench.start_merge(Recipe("beta7 + anxl3 - anxl2"), {}, "result"))
    (models / "sub").mkdir()
    shutil.copy(models / "result.safetensors", models / "sub" / "result.safetensors")
    assert ended(workbench.start_verify("sub/result")).state == "done"
    assert [entry.verified for entry in workbench.history.entries()] == [""]
    assert ended(workbench.start_verify("result.safetensors")).state == "done"
    assert [entry.verified for entry in workbench.history.entries()] == ["passed"]


def test_a_recipe_means_the_file_that_was_chosen_and_not_its_namesake(workbench: MergeWorkbench, models: Path) -> None:
    (models / "sub").mkdir()
    shutil.copy(models / "base8.safetensors", models / "sub" / "anxl3.safetensors")
    chosen = {"anxl3": "sub/anxl3.safetensors"}
    plan = workbench.plan(Recipe("beta7 + anxl3 - anxl2"), chosen)
    again = workbench.plan(plan.recipe)
    assert {model.role: model.path for model in again.models}["anxl3"] == models / "sub" / "anxl3.safetensors"
    assert plan.recipe.models["beta7"].file == "beta7.safetensors"
    ended(workbench.start_merge(Recipe("beta7 + anxl3 - anxl2"), chosen, "result"))
    recipe = workbench.history.entries()[0].parsed()
    assert recipe is not None
    assert recipe.models["anxl3"].file == "sub/anxl3.safetensors"
    assert ended(workbench.start_verify("result")).state == "done"
