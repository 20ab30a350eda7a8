"""Merges into files in the real webui that do not go as planned: stopped, out of disk, reloaded meanwhile."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.disks import mounted
from tests.webui.conftest import start_webui
from tests.webui.minis import write_large, write_velocity
from tests.webui.server import Webui
from tests.webui.test_merging import FORMULA

LARGE = "large_a + 0.5*(large_b - large_a)"


def folder_of(webui: Webui) -> Path:
    return webui.data / "models" / "Stable-diffusion"


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def wait_for(webui: Webui, job_id: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait until a job is where it should be, and not beyond."""
    while True:
        job = webui.kohaku("GET", f"/jobs/{job_id}")
        assert job["state"] in ("queued", "running"), job
        if reached(job):
            return job
        time.sleep(0.005)


@pytest.fixture(scope="module")
def webui(unvisited: Webui) -> Webui:
    return unvisited


@pytest.fixture
def large(webui: Webui) -> Iterator[Path]:
    folder = folder_of(webui)
    before = names(folder)
    for seed, name in enumerate(("large_a", "large_b")):
        write_large(folder / f"{name}.safetensors", 2, seed)
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})
    yield folder
    for name in names(folder) - before:
        (folder / name).unlink()
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})


@pytest.mark.parametrize("stage", ["Hashing", "Merging"])
@pytest.mark.parametrize("stop", ["ours", "the webui's"])
def test_a_stopped_merge_leaves_nothing(webui: Webui, large: Path, stop: str, stage: str) -> None:
    before, image = names(large), webui.image()
    job = webui.kohaku("POST", "/merge", {"formula": LARGE, "name": "never"})
    wait_for(webui, job["id"], lambda now: now["label"].startswith(stage) and now["done"] > 0)
    assert stage == "Hashing" or any(name.endswith(".kohaku-tmp") for name in names(large))
    began = time.monotonic()
    if stop == "ours":
        webui.kohaku("POST", f"/jobs/{job['id']}/stop", {})
    else:
        webui.call("POST", "/sdapi/v1/interrupt", {})
    ended = webui.wait_job(job["id"])
    assert time.monotonic() - began < 1
    assert ended["state"] == "cancelled"
    assert names(large) == before
    assert webui.image() == image


def test_reload_ui_stops_a_merge_as_it_stops_an_image(webui: Webui, large: Path) -> None:
    before = names(large)
    starts = webui.log.count("Startup time:")
    job = webui.kohaku("POST", "/merge", {"formula": LARGE, "name": "never"})
    wait_for(webui, job["id"], lambda now: now["label"] == "Merging" and now["done"] > 0)
    webui.press("settings_restart_gradio")
    webui.wait_started(starts + 1)
    assert webui.wait_job(job["id"])["state"] == "cancelled"
    assert names(large) == before
    # The new page knows the old one's jobs, and the queue is free.
    assert webui.job("/merge", {"formula": FORMULA, "name": "after-reload"})["state"] == "done"


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Webui, Path]]:
    """A webui whose checkpoints go to a disk of 700 MB."""
    with mounted(tmp_path_factory.mktemp("disks") / "small", "size=700m") as disk:
        running = start_webui(tmp_path_factory, "--ckpt-dir", str(disk), "--skip-load-model-at-start")
        try:
            for seed, name in enumerate(("large_a", "large_b")):
                write_large(folder_of(running) / f"{name}.safetensors", 0.5, seed)
            running.wait_started()
            yield running, disk
        finally:
            running.stop()


def fill(file: int, disk: Path) -> None:
    """Take all but 64 MB. Again, if so much was written between looking and taking that it is not there any more."""
    while True:
        free = os.statvfs(disk)
        try:
            return os.posix_fallocate(file, 0, free.f_bavail * free.f_bsize - 64_000_000)
        except OSError as error:
            if error.errno != errno.ENOSPC:
                raise


def test_a_full_disk_is_named_and_leaves_nothing(full: tuple[Webui, Path]) -> None:
    webui, disk = full
    chosen = {"override_settings": {"sd_model_checkpoint": "mini_a"}}
    image = webui.image(**chosen)
    request = {"formula": LARGE, "name": "never"}
    with (disk / "others").open("wb") as file:
        os.posix_fallocate(file.fileno(), 0, 300_000_000)
        status, answer = webui.call("POST", "/kohaku/v1/merge", request)
    assert status == 400
    assert f"GB are needed in {disk}" in answer["error"]
    (disk / "others").unlink()

    # Somebody else fills the disk after we have looked how much is free.
    job = webui.kohaku("POST", "/merge", request)
    with (disk / "others").open("wb") as file:
        wait_for(webui, job["id"], lambda now: any(name.endswith(".kohaku-tmp") for name in names(disk)))
        fill(file.fileno(), disk)
        ended = webui.wait_job(job["id"])
    assert ended["state"] == "failed"
    assert f"{disk}: writing failed (No space left on device)" in ended["message"]
    assert names(disk) == {"others"}

    assert webui.image(**chosen) == image
    (disk / "others").unlink()
    assert webui.job("/merge", request)["state"] == "done"
    assert names(disk) == {"never.safetensors"}


def test_a_configuration_beside_the_base_goes_with_the_file(webui: Webui) -> None:
    folder = folder_of(webui)
    for seed, name in enumerate(("vee_a", "vee_b"), start=11):
        write_velocity(folder / f"{name}.safetensors", seed)
    webui.call("POST", "/sdapi/v1/refresh-checkpoints", {})
    formula = "vee_a + 0.5*(vee_b - vee_a)"
    assert webui.kohaku("POST", "/plan", {"formula": formula})["config"] == "vee_a.yaml"
    epsilon = webui.image()
    assert webui.job("/merge", {"formula": formula, "name": "vee_saved"})["state"] == "done"
    saved = webui.image(override_settings={"sd_model_checkpoint": "vee_saved"})
    assert webui.image() == epsilon
    # The loaded model predicts noise and was built by another configuration: the merge is not put into it as it is.
    job = webui.job("/load-unsaved", {"formula": formula, "name": "vee_unsaved"})
    assert job["state"] == "done", job["message"]
    assert webui.image() == saved
    webui.job("/restore", {})
    assert webui.image() == epsilon
    # And without the configuration it would have been another image.
    (folder / "vee_saved.yaml").unlink()
    webui.image(override_settings={"sd_model_checkpoint": "mini_b"})
    assert webui.image(override_settings={"sd_model_checkpoint": "vee_saved"}) != saved


def test_a_merge_of_ordinary_models_has_no_configuration(webui: Webui) -> None:
    job = webui.job("/merge", {"formula": FORMULA, "name": "plain"})
    assert job["state"] == "done", job["message"]
    assert not (folder_of(webui) / "plain.yaml").exists()
