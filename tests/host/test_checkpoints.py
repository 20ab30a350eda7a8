"""The list of checkpoints, hashes, folders, choosing."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from lib_kohaku.errors import CancelledError, FailedError, RefusedError
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.progress import SilentProgress

HASH = "ab" * 32


def cache(fake) -> dict:
    return fake.modules["cache"].cache("hashes")


def entry(fake, name: str = "beta7") -> Path:
    path = fake.models / f"{name}.safetensors"
    cache(fake)[f"checkpoint/{name}.safetensors"] = {"mtime": path.stat().st_mtime, "sha256": HASH}
    return path


def test_names_come_from_the_webuis_folders(fake, host, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    fake.modules["shared"].cmd_opts.ckpt_dir = str(other)
    assert host.library().roots == (other, fake.models)
    assert host.output_folder() == other
    fake.modules["shared"].cmd_opts.ckpt_dir = str(tmp_path / "not there")
    assert host.library().roots == (fake.models,)


def test_a_hash_that_the_webui_knows_is_taken(fake, host):
    path = entry(fake)
    assert host.known_sha256(path) == HASH
    assert host.sha256(path, SilentProgress()) == HASH


@pytest.mark.parametrize("change", [-10, 10])
def test_the_hash_of_a_replaced_file_is_not(fake, host, change):
    path = entry(fake)
    moment = path.stat().st_mtime + change
    os.utime(path, (moment, moment))  # the webui itself notices newer files only
    assert host.known_sha256(path) == ""
    real = hashlib.sha256(path.read_bytes()).hexdigest()
    assert host.sha256(path, SilentProgress()) == real
    assert cache(fake)["checkpoint/beta7.safetensors"] == {"mtime": path.stat().st_mtime, "sha256": real}
    assert host.known_sha256(path) == real


@pytest.mark.parametrize("damaged", [None, "text", {}, {"sha256": 5}, {"sha256": "ab", "mtime": 0}])
def test_damaged_entries_are_no_hashes(fake, host, damaged):
    path = entry(fake)
    if isinstance(damaged, dict):
        damaged = {"mtime": path.stat().st_mtime, **damaged}
    cache(fake)["checkpoint/beta7.safetensors"] = damaged
    assert host.known_sha256(path) == ""


def test_hashing_is_stopped_and_switched_off(fake, host):
    path = fake.models / "beta7.safetensors"

    class Stopped(SilentProgress):
        def cancelled(self) -> bool:
            return True

    with pytest.raises(CancelledError):
        host.sha256(path, Stopped())
    fake.modules["shared"].cmd_opts.no_hashing = True
    assert host.sha256(path, SilentProgress()) == "" and cache(fake) == {}


def test_an_unknown_file_has_no_hash(fake, host, tmp_path):
    assert host.known_sha256(tmp_path / "x.safetensors") == ""


def test_a_merge_is_listed_and_remembered(fake, host, workbench, finished):
    job = finished(workbench.start_merge(Recipe("0.5*beta7 + 0.5*anxl3"), {}, "new"))
    assert job.state == "done", job.message
    assert "new.safetensors" in fake.sd_models.checkpoint_aliases
    assert host.data_folder() == fake.root / "kohaku"
    assert (fake.root / "kohaku" / "history.jsonl").is_file()


def test_an_empty_folder_is_not_listed(fake, host):
    """The webui would begin a download."""
    for path in fake.models.iterdir():
        path.unlink()
    fake.sd_models.list_models = lambda: pytest.fail("a download of 4 GB")
    host.refresh_checkpoints()


def test_choosing_goes_through_the_settings(fake, host):
    fake.load("beta7")
    host.load_checkpoint(fake.models / "anxl3.safetensors")
    assert host.loaded_model().name.startswith("anxl3")
    assert fake.opts.sd_model_checkpoint.startswith("anxl3") and fake.opts.saved == 1
    assert not fake.modules["call_queue"].queue_lock.locked()


def test_choosing_the_chosen_one_ends_an_unsaved_merge(fake, host, workbench):
    fake.load("beta7")
    host.load_unsaved(workbench.plan(Recipe("0.5*beta7 + 0.5*anxl3")), "gamma", SilentProgress())
    host.load_checkpoint(fake.models / "beta7.safetensors")
    assert not host.loaded_model().unsaved and host.loaded_model().name.startswith("beta7")


def test_choosing_the_chosen_one_loads_it_if_nothing_is_loaded(fake, host):
    info = fake.sd_models.checkpoint_aliases["beta7.safetensors"]
    fake.opts.data["sd_model_checkpoint"] = info.title
    assert host.loaded_model() is None
    host.load_checkpoint(fake.models / "beta7.safetensors")
    assert host.loaded_model().name.startswith("beta7")


def test_a_checkpoint_that_does_not_load_is_told(fake, host):
    fake.load("beta7")
    fake.reload_fails = True
    with pytest.raises(FailedError, match=r"anxl3.safetensors could not be loaded \(OSError: the disk is gone"):
        host.load_checkpoint(fake.models / "anxl3.safetensors")
    assert fake.state.idle and not fake.modules["call_queue"].queue_lock.locked()


def test_unknown_files_and_frozen_settings_are_refused(fake, host, tmp_path):
    with pytest.raises(RefusedError, match="refresh"):
        host.load_checkpoint(tmp_path / "x.safetensors")
    fake.modules["shared"].cmd_opts.freeze_settings = True
    with pytest.raises(RefusedError, match="frozen"):
        host.load_checkpoint(fake.models / "beta7.safetensors")


def test_asking_what_is_loaded_loads_nothing(fake, host):
    assert host.loaded_model() is None and fake.events == []


def test_the_folder_for_data_can_be_chosen_unless_forbidden(fake, host, tmp_path):
    fake.opts.data["kohaku_data_folder"] = str(tmp_path / "mine")
    assert host.data_folder() == tmp_path / "mine"
    fake.modules["shared"].cmd_opts.hide_ui_dir_config = True
    assert type(host)().data_folder() == fake.root / "kohaku"


def test_facts_and_info(host):
    assert host.info.can_load and host.info.can_load_unsaved and host.info.has_progress_bar
    assert host.facts()["kohaku"] and host.setting("nothing", 5) == 5


def test_hundreds_of_checkpoints_are_looked_up_in_a_moment(fake, host):
    source = fake.models / "beta7.safetensors"
    for number in range(400):
        os.link(source, fake.models / f"copy{number:03}.safetensors")
    fake.modules["sd_models"].list_models()
    paths = list(host.library().files.values())
    assert len(paths) > 400
    began = time.perf_counter()
    assert {host.known_sha256(path) for path in paths} == {""}
    assert time.perf_counter() - began < 0.25  # a live plan may ask for all of them


def test_the_webuis_vaes_can_be_put_into_merges(fake, host, tmp_path):
    path = tmp_path / "VAE" / "sdxl_vae.safetensors"
    fake.modules["sd_vae"].vae_dict = {path.name: str(path)}
    assert dict(host.library().vaes) == {path.name: path}
    assert path.name not in host.library().names
    del fake.modules["sd_vae"].vae_dict  # a fork that lists them otherwise
    assert not host.library().vaes


def test_a_file_that_replaced_the_loaded_one_is_loaded(fake, host):
    from lib_kohaku.host.a1111.fp8.held import note_file  # needs the fake webui
    from lib_kohaku.host.a1111.fp8.originals import Originals

    path = fake.models / "beta7.safetensors"
    fake.load("beta7")
    note_file(fake.model, Originals.of(path))
    host.load_checkpoint(path)
    assert fake.events.count("load beta7.safetensors") == 1, "it is loaded already"
    path.write_bytes((fake.models / "anxl3.safetensors").read_bytes())
    os.utime(path, ns=(1, 1))
    host.refresh_checkpoints()
    host.load_checkpoint(path)
    assert fake.events.count("load beta7.safetensors") == 2
    expected = load_file(path)["model.diffusion_model.out.2.bias"]
    assert torch.equal(fake.model.state_dict()["model.diffusion_model.out.2.bias"], expected)


@pytest.mark.parametrize("title", ["beta7.safetensors [0123456789]", "beta7.safetensors"])
def test_the_choice_still_means_a_file_that_was_replaced(fake, host, title):
    fake.opts.data["sd_model_checkpoint"] = title
    host.refresh_checkpoints()
    assert fake.sd_models.checkpoint_aliases[fake.opts.data["sd_model_checkpoint"]].name == "beta7.safetensors"
    assert fake.events == []


@pytest.mark.parametrize("title", ["gone.safetensors [0123456789]", None, 3])
def test_a_choice_that_means_nothing_is_left_alone(fake, host, title):
    fake.opts.data["sd_model_checkpoint"] = title
    host.refresh_checkpoints()
    assert fake.opts.data["sd_model_checkpoint"] == title
