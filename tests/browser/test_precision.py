"""Files to fp8 and what it costs, in a browser; without a webui there is no model to hold."""

from __future__ import annotations

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")
pytest.importorskip("playwright", reason="browser tests need playwright (requirements/dev.txt)")

from playwright.sync_api import Page, expect

from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from tests.browser.actions import choose
from tests.browser.site import Site

pytestmark = pytest.mark.browser
JOB = ".block#kohaku_precision_job"
PREDICTED = ".block#kohaku_precision_file_predicted"


@pytest.fixture
def precision(page: Page) -> Page:
    page.click('#kohaku_pages button:has-text("Precision (fp8)")')
    return page


def test_a_file_is_converted_as_predicted_and_measured(precision: Page, site: Site) -> None:
    page = precision
    choose(page, "precision_source", "beta7")
    expect(page.locator(PREDICTED)).to_contain_text("predicted")
    predicted = (
        page.locator(f"{PREDICTED} .kohaku-name").inner_text().split("\u00b7")[1].replace("predicted", "").strip()
    )
    page.fill("#kohaku_precision_output textarea, #kohaku_precision_output input", "beta7_fp8")
    page.click("#kohaku_precision_convert")
    expect(page.locator(f"{JOB} .kohaku-good")).to_contain_text("beta7_fp8.safetensors is written", timeout=60_000)
    expect(page.locator(f"{JOB} .kohaku-memory .kohaku-name")).to_contain_text(predicted)
    expect(page.locator(f"{JOB} svg.kohaku-plot circle").first).to_be_attached()
    with Fp8Checkpoint(site.output("beta7_fp8")) as file:
        assert file.layout.scheme == "scaled"
    choose(page, "precision_report_of", "beta7_fp8")  # the new file is in the list by now
    choose(page, "precision_original", "beta7.safetensors")
    page.click("#kohaku_precision_measure")
    expect(page.locator(f"{JOB} .kohaku-good")).to_contain_text("weights measured", timeout=60_000)


def test_what_is_missing_is_said(precision: Page) -> None:
    precision.click("#kohaku_precision_convert")
    note = precision.locator(".block#kohaku_precision_note")
    expect(note).to_contain_text("Choose a checkpoint first")
    choose(precision, "precision_source", "beta7")
    precision.fill("#kohaku_precision_output textarea, #kohaku_precision_output input", "../../out")
    precision.click("#kohaku_precision_convert")
    expect(note.locator(".kohaku-error")).not_to_contain_text("Unexpected")


def test_there_is_no_switch_without_a_model(precision: Page) -> None:
    expect(precision.locator("#kohaku_precision_source")).to_be_visible()
    expect(precision.locator("#kohaku_precision_choice")).to_have_count(0)
    expect(precision.locator("#kohaku_precision_stop")).to_be_hidden()
