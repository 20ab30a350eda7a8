"""A base model with a .yaml: the result gets it too, whole or not at all, and nobody's file is replaced unasked."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.checkpoint.writer import CheckpointWriter
from lib_kohaku.errors import CancelledError, CheckpointError, FailedError, PlanError
from lib_kohaku.merge.plan.build import check_output, make_plan
from lib_kohaku.merge.plan.describe import describe_plan
from lib_kohaku.merge.plan.document import plan_document
from lib_kohaku.merge.plan.types import MergePlan
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.to_file import merge_to_file
from lib_kohaku.progress import SilentProgress
from tests.support.merging import write_models

V = "model:\n  params:\n    parameterization: v\n"
ONE = {"w": torch.ones(4)}


class Stopping(SilentProgress):
    def cancelled(self) -> bool:
        return True


@pytest.fixture
def library(tmp_path: Path) -> ModelLibrary:
    made = write_models(tmp_path, {"a": ONE, "b": ONE})
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").write_text(V)
    return made


def plan_of(library: ModelLibrary, formula: str = "0.5*a + 0.5*b", base: str = "") -> MergePlan:
    return make_plan(Recipe(formula, base=base), library)


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()} - {"a.safetensors", "b.safetensors", "a.yaml", "b.yaml"}


def test_it_is_told_and_copied(tmp_path: Path, library: ModelLibrary) -> None:
    plan = plan_of(library)
    assert plan.models[0].prediction == "v"
    assert plan.config == tmp_path / "a.yaml"
    assert "config        a.yaml is copied beside the result" in describe_plan(plan)
    assert plan_document(plan)["config"] == "a.yaml"
    merge_to_file(plan, tmp_path / "out.v2.safetensors")
    assert names(tmp_path) == {"out.v2.safetensors", "out.v2.yaml"}
    assert (tmp_path / "out.v2.yaml").read_text() == V


def test_the_base_decides(tmp_path: Path, library: ModelLibrary) -> None:
    (tmp_path / "b.yaml").write_text(V + "# b\n")
    merge_to_file(plan_of(library, base="b"), tmp_path / "out.safetensors")
    assert (tmp_path / "out.yaml").read_text().endswith("# b\n")
    (tmp_path / "b.yaml").unlink()
    (tmp_path / "a.yaml").unlink()
    plan = plan_of(library)
    assert plan.config is None
    assert plan_document(plan)["config"] is None
    merge_to_file(plan, tmp_path / "plain.safetensors")
    assert not (tmp_path / "plain.yaml").exists()


def test_a_configuration_of_another_kind_is_a_reason_to_refuse(tmp_path: Path, library: ModelLibrary) -> None:
    (tmp_path / "b.yaml").unlink()
    (refusal,) = plan_of(library).refusals
    assert "a.safetensors: v, b.safetensors: epsilon" in refusal


def test_an_existing_one_needs_consent(tmp_path: Path, library: ModelLibrary) -> None:
    output, there = tmp_path / "out.safetensors", tmp_path / "out.yaml"
    there.write_text("mine")
    with pytest.raises(PlanError, match=r"out\.yaml exists already and is not a\.yaml"):
        merge_to_file(plan_of(library), output)
    assert (names(tmp_path), there.read_text()) == ({"out.yaml"}, "mine")
    merge_to_file(plan_of(library), output, overwrite=True)
    assert there.read_text() == V
    # Merged again with consent to replace the file, the same configuration stays.
    merge_to_file(plan_of(library), output, overwrite=True)
    assert names(tmp_path) == {"out.safetensors", "out.yaml"}


def test_one_that_would_make_the_result_another_model(tmp_path: Path, library: ModelLibrary) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.yaml").unlink()
    (tmp_path / "out.yaml").write_text("mine")
    (problem,) = check_output(plan_of(library), tmp_path / "out.safetensors", overwrite=True)
    assert "out.yaml lies there already" in problem


@pytest.mark.parametrize("there", [None, "mine"])
def test_nothing_of_it_is_left_when_the_merge_fails(
    tmp_path: Path, library: ModelLibrary, monkeypatch: pytest.MonkeyPatch, there: str | None
) -> None:
    if there:
        (tmp_path / "out.yaml").write_text(there)
    before = names(tmp_path)
    output = tmp_path / "out.safetensors"
    with pytest.raises(CancelledError):
        merge_to_file(plan_of(library), output, overwrite=True, progress=Stopping())
    assert names(tmp_path) == before

    seen = []

    def fail(writer: CheckpointWriter) -> None:
        seen.append((tmp_path / "out.yaml").read_text())
        raise FailedError("out.safetensors: cannot be put in place")

    monkeypatch.setattr(CheckpointWriter, "finish", fail)
    with pytest.raises(FailedError, match="put in place"):
        merge_to_file(plan_of(library), output, overwrite=True)
    assert seen == [V]  # it was there, and
    assert names(tmp_path) == before
    assert not there or (tmp_path / "out.yaml").read_text() == there


def test_the_model_is_never_there_without_it(
    tmp_path: Path, library: ModelLibrary, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise FailedError("the disk is full")

    monkeypatch.setattr("lib_kohaku.checkpoint.config_file.write_file_atomically", fail)
    with pytest.raises(FailedError, match="disk is full"):
        merge_to_file(plan_of(library), tmp_path / "out.safetensors")
    assert names(tmp_path) == set()


def test_one_that_cannot_be_read_is_refused_before_any_work(tmp_path: Path, library: ModelLibrary) -> None:
    plan = plan_of(library)
    (tmp_path / "a.yaml").write_bytes(b"#" * (2 << 20))
    with pytest.raises(CheckpointError, match=r"a\.yaml: too large"):
        merge_to_file(plan, tmp_path / "out.safetensors")
    assert names(tmp_path) == set()
