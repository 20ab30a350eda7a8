"""Files to fp8 and back, and what it costs, in a browser; without a webui there is no model to hold."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

import torch
from playwright.sync_api import Page, expect
from safetensors.torch import load_file, save_file

from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.units import format_bytes
from tests.browser.actions import choose
from tests.browser.precision_actions import (
    JOB,
    NOTE,
    PREDICTED,
    column,
    ended,
    options,
    task,
    write,
)
from tests.browser.site import Site

pytestmark = pytest.mark.browser


def stored_bytes(path: Path) -> int:
    """All tensors of a file, by its header."""
    with Fp8Checkpoint(path) as file:
        return sum(info.nbytes for info in file.checkpoint.tensors.values())


def test_a_file_is_converted_as_predicted_and_measured(precision: Page, site: Site) -> None:
    page = precision
    choose(page, "precision_source", "beta7")
    expect(page.locator(f"{PREDICTED} th")).to_have_text(["Component", "This file", "Predicted"])
    predicted = column(page, PREDICTED, "Predicted")
    assert column(page, PREDICTED, "This file")["All"] == format_bytes(stored_bytes(site.output("beta7")))
    write(page, "output", "beta7_fp8")
    page.click("#kohaku_precision_convert")
    expect(page.locator(f"{JOB} .kohaku-good").first).to_contain_text(
        "beta7_fp8.safetensors is written", timeout=60_000
    )
    assert column(page, JOB, "Predicted") == column(page, JOB, "New file") == predicted
    assert predicted["All"] == format_bytes(stored_bytes(site.output("beta7_fp8")))
    expect(page.locator(f"{JOB} svg.kohaku-plot circle").first).to_be_attached()
    with Fp8Checkpoint(site.output("beta7_fp8")) as file:
        assert file.layout.scheme == "scaled"
        assert page.locator(f"{JOB} svg.kohaku-plot circle").count() == len(file.layout.weights)
    task(page, "Measure a file")
    choose(page, "precision_report_of", "beta7_fp8")  # the new file is in the list by now
    choose(page, "precision_original", "beta7.safetensors")
    page.click("#kohaku_precision_measure")
    expect(page.locator(f"{JOB} .kohaku-good").first).to_contain_text("weights measured", timeout=60_000)
    expect(page.locator(f"{JOB} .kohaku-quality .kohaku-facts")).to_contain_text("Lowest channel")


def test_a_task_that_ends_before_the_page_looks_is_noticed(
    precision: Page, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = site.workbench.jobs.start

    def start_and_wait(*values: Any) -> Any:
        job = start(*values)
        while not job.ended:
            time.sleep(0.01)
        return job

    monkeypatch.setattr(site.workbench.jobs, "start", start_and_wait)
    page = precision
    choose(page, "precision_source", "beta7")
    write(page, "output", "beta7_fp8")
    page.click("#kohaku_precision_convert")
    ended(page)
    page.wait_for_timeout(1000)
    assert "beta7_fp8.safetensors" in options(page, "source")


def test_the_original_of_a_file_made_here_is_found_by_itself(precision: Page, site: Site) -> None:
    page = precision
    choose(page, "precision_source", "beta7")
    page.click("#kohaku_precision_convert")
    ended(page)
    assert site.output("beta7-fp8-e4m3fn").is_file()  # the name that the form had proposed
    task(page, "Measure a file")
    choose(page, "precision_report_of", "beta7-fp8-e4m3fn")
    page.click("#kohaku_precision_measure")
    expect(page.locator(f"{JOB} .kohaku-good").first).to_contain_text("weights measured", timeout=60_000)


def test_weak_weights_are_protected(precision: Page, site: Site) -> None:
    page, layer = precision, "model.diffusion_model.middle_block.1.proj_in"
    tensors = load_file(site.output("beta7"))
    tensors[f"{layer}.weight"] = torch.randn(tensors[f"{layer}.weight"].shape)
    tensors[f"{layer}.weight"][0] *= 2.0**-20
    save_file(tensors, site.output("weak"))
    task(page, "Measure a file")  # the lists are read when a task is seen
    task(page, "Convert a file")
    choose(page, "precision_source", "weak")
    page.click("#kohaku_precision_convert")
    ended(page)
    expect(page.locator(f"{JOB} .kohaku-quality .kohaku-warning")).to_contain_text("a channel is all but lost")
    expect(page.locator(f"{JOB} .kohaku-quality tbody tr").first).to_contain_text("M00")
    page.click("#kohaku_precision_file_options > .label-wrap")
    page.check("#kohaku_precision_protect input")
    write(page, "output", "strong")
    page.click("#kohaku_precision_convert")
    said = page.locator(f"{JOB} .kohaku-good").first
    expect(said).to_contain_text("Weak weights: 1 with a scale per channel", timeout=60_000)
    with Fp8Checkpoint(site.output("strong")) as file:
        assert file.layout.weights[f"{layer}.weight"].channels


def test_back_to_sixteen_bit(precision: Page, site: Site) -> None:
    page = precision
    choose(page, "precision_source", "beta7")
    page.click('#kohaku_precision_file_parts label:has-text("text encoders")')
    page.click("#kohaku_precision_convert")
    ended(page)
    choose(page, "precision_source", "beta7-fp8-e4m3fn")
    expect(page.locator(f"{PREDICTED} td .kohaku-memory-fp8")).to_have_count(6)  # three components, in both columns
    choose(page, "precision_profile", "Back to 16 bit (fp16)")
    expect(page.locator(f"{PREDICTED} td .kohaku-memory-fp8")).to_have_count(3)
    expect(page.locator("#kohaku_precision_details")).to_be_hidden()
    predicted = column(page, PREDICTED, "Predicted")
    page.click("#kohaku_precision_convert")
    expect(page.locator(f"{JOB} .kohaku-good").first).to_contain_text(
        "beta7-fp16.safetensors is written", timeout=60_000
    )
    assert predicted["All"] == format_bytes(stored_bytes(site.output("beta7-fp16")))


def test_what_is_missing_is_said(precision: Page) -> None:
    precision.click("#kohaku_precision_convert")
    note = precision.locator(NOTE)
    expect(note).to_contain_text("Choose a checkpoint first")
    choose(precision, "precision_source", "beta7")
    write(precision, "output", "../../out")
    precision.click("#kohaku_precision_convert")
    expect(note.locator(".kohaku-error")).not_to_contain_text("Unexpected")
    task(precision, "Import from a zip")
    expect(precision.locator(".block#kohaku_precision_zip_note")).to_contain_text("There is no zip")
    precision.click("#kohaku_precision_import")
    expect(note.locator(".kohaku-error")).to_contain_text("Choose a zip file first")


def test_there_is_no_switch_without_a_model(precision: Page) -> None:
    expect(precision.locator("#kohaku_precision_source")).to_be_visible()
    expect(precision.locator("#kohaku_precision_choice")).to_have_count(0)
    expect(precision.locator("#kohaku_precision_pair")).to_have_count(0)
    expect(precision.locator("#kohaku_precision_stop")).to_be_hidden()


def test_a_conversion_can_be_stopped(precision: Page, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    from lib_kohaku.app.jobs import Job

    page = precision
    before = sorted(path.name for path in site.models.iterdir())
    plain = Job.cancelled

    def slow(job: Job) -> bool:  # until somebody presses Stop
        return plain(job) or (job.kind == "fp8 convert" and job.label.startswith("Converting") and job._stop.wait(20))

    monkeypatch.setattr(Job, "cancelled", slow)
    choose(page, "precision_source", "beta7")
    page.click("#kohaku_precision_convert")
    expect(page.locator(f"{JOB} [role=progressbar]")).to_be_visible()
    page.click("#kohaku_precision_stop")
    ended(page, "cancelled")
    expect(page.locator("#kohaku_precision_stop")).to_be_hidden()
    assert sorted(path.name for path in site.models.iterdir()) == before
