"""Merging, stopping and verifying as the page's buttons do it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import astuple

import pytest

pytest.importorskip("gradio", reason="the tab needs gradio 3, which is not installed here")


from lib_kohaku.app.jobs import Job
from lib_kohaku.app.merging import MergeWorkbench
from lib_kohaku.progress import Progress
from lib_kohaku.ui.merge.form import MergeForm
from lib_kohaku.ui.merge.job_html import job_html
from lib_kohaku.ui.merge.run_handlers import RunHandlers

FORM = astuple(MergeForm(formula="beta7 + anxl3 - anxl2", name="result"))


def wait(workbench: MergeWorkbench, seconds: float = 60) -> Job:
    job = workbench.jobs.current
    assert job is not None
    until = time.monotonic() + seconds
    while not job.ended:
        assert time.monotonic() < until, f"{job.title} does not end"
        time.sleep(0.01)
    return job


@pytest.fixture
def held(workbench: MergeWorkbench, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """Jobs wait inside the host's queue until the event is set, or until they are stopped."""
    released = threading.Event()

    @contextmanager
    def exclusive(self: object, task: str, label: str, progress: Progress) -> Iterator[Progress]:
        while not released.is_set() and not progress.cancelled():
            time.sleep(0.005)
        yield progress

    monkeypatch.setattr(type(workbench.host), "exclusive", exclusive)
    yield released
    released.set()


def test_merge_verify_and_history(workbench):
    run = RunHandlers(workbench)
    note, shown = run.merge(*FORM)
    assert note == ""
    assert "Merging result" in shown
    assert wait(workbench).message.startswith("Wrote result.safetensors")
    assert (workbench.host.output_folder() / "result.safetensors").is_file()
    done = run.job()
    assert 'data-kohaku-state="done"' in done
    assert 'data-kohaku-action="verify" data-kohaku-value="result.safetensors"' in done
    assert "Load it" not in done  # there is nothing to load it into
    run.verify("result.safetensors")
    assert "passed" in wait(workbench).message
    assert [(entry.output, entry.verified) for entry in workbench.history.entries()] == [
        ("result.safetensors", "passed")
    ]


def test_a_second_click_starts_nothing(workbench, held):
    run = RunHandlers(workbench)
    run.merge(*FORM)
    first = workbench.jobs.current
    note, shown = run.merge(*FORM)
    assert "Merging result is still running. Stop it or wait for it." in note
    assert workbench.jobs.current is first
    assert isinstance(shown, dict)  # the progress stays as it is
    held.set()
    wait(workbench)
    assert [entry.output for entry in workbench.history.entries()] == ["result.safetensors"]


def test_stop_leaves_nothing_behind(workbench, held):
    run = RunHandlers(workbench)
    run.merge(*FORM)
    before = sorted(path.name for path in workbench.host.output_folder().iterdir())
    note, _ = run.stop()
    assert note == ""
    began = time.monotonic()
    assert wait(workbench).state == "cancelled"
    assert time.monotonic() - began < 1
    assert sorted(path.name for path in workbench.host.output_folder().iterdir()) == before
    assert "Stopped" in run.job()
    assert "Nothing is running" in run.stop()[0]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"formula": ""}, "empty"),
        ({"formula": "beta7 +"}, "column 8"),
        ({"formula": "beta7 + anxl9 - anxl2"}, "no checkpoint &#x27;anxl9&#x27;"),
        ({"formula": "anxl3 - anxl2"}, "is a difference"),
        ({"name": "../x"}, "plain name"),
        ({"name": "base8"}, "exists already"),
        ({"precision": "fp7"}, "not a precision"),
    ],
    ids=str,
)
def test_what_is_wrong_is_a_sentence_and_starts_nothing(workbench, change, text):
    form = MergeForm(**{"formula": "beta7 + anxl3 - anxl2", "name": "result", **change})
    note, _ = RunHandlers(workbench).merge(*astuple(form))
    assert text in note
    assert "Traceback" not in note
    assert workbench.jobs.current is None


def test_an_unexpected_error_says_where_to_look(workbench, monkeypatch, caplog):
    monkeypatch.setattr(workbench, "start_merge", lambda *values, **named: 1 / 0)
    note, _ = RunHandlers(workbench).merge(*FORM)
    assert "Unexpected error: ZeroDivisionError. The details are in the console." in note
    assert "Traceback" in caplog.text


def test_the_metadata_can_be_seen_before(workbench):
    shown = RunHandlers(workbench).metadata(*FORM)
    assert "sd_merge_recipe" in shown
    assert "beta7 + anxl3 - anxl2" in shown


@pytest.mark.parametrize("name", ["nothing", "", None, "/etc/passwd", ["beta7"]])
def test_only_checkpoints_can_be_verified_and_loaded(workbench, name):
    run = RunHandlers(workbench)
    assert "kohaku-error" in run.verify(name)[0]
    assert "kohaku-error" in run.load(name)[0]
    assert workbench.jobs.current is None


def test_progress_in_figures():
    job = Job("task(1)", "merge", "Merging <x>", state="running")
    job.start("Merging", 4_000_000_000, "bytes")
    job.began -= 10
    job.advance(1_000_000_000)
    shown = job_html(job)
    assert "25 %" in shown
    assert "1 GB of 4 GB" in shown
    assert "100 MB/s" in shown
    assert "30 s left" in shown
    assert 'aria-valuenow="25"' in shown
    assert "Merging &lt;x&gt;" in shown
    job.stop()
    assert "Stopping: Merging" in job_html(job)
    assert job_html(None) == ""
