"""A job as HTML: a bar while it runs, what came of it afterwards."""

from __future__ import annotations

from lib_kohaku.app.jobs import CANCELLED, DONE, Job
from lib_kohaku.ui.markup import Markup, action, div, span
from lib_kohaku.units import format_bytes, format_seconds

# The kind of a job that makes a file the chosen checkpoint; its result is the host's name of it.
CHOOSE = "choose"
# Before this share is done, an estimate says more about the first tensor than about the rest.
_ENOUGH = 0.02


def job_html(job: Job | None, can_load: bool = False, *, elsewhere: bool = False) -> Markup:
    """The last job.

    Args:
        job: It, None if there was none.
        can_load: Whether a merged file can be loaded here.
        elsewhere: Whether it is another page's. While it runs nothing else can start, so every page shows it; what came
            of it is told where it was asked for. The empty element tells our JavaScript that it has ended.
    """
    if job is None:
        return Markup("")
    body: Markup | None = _running(job)
    if job.ended:
        body = None if elsewhere else _ended(job, can_load)
    return div(
        "kohaku-job",
        body,
        data_kohaku_job=job.id,
        data_kohaku_state=job.state,
        data_kohaku_kind=job.kind,
        data_kohaku_checkpoint=job.result if job.kind == CHOOSE else None,
    )


def _running(job: Job) -> Markup:
    share = min(1.0, job.done / job.total) if job.total else 0.0
    percent = f"{100 * share:.0f} %"
    title = f"Stopping: {job.title}" if job.cancelled() else job.title
    bar = div(
        "kohaku-track",
        div("kohaku-fill" if job.done else "kohaku-fill kohaku-waiting", style=f"width:{100 * share:.1f}%"),
        role="progressbar",
        aria_valuemin=0,
        aria_valuemax=100,
        aria_valuenow=round(100 * share),
        aria_label=job.title,
    )
    head = div("kohaku-job-head", span("kohaku-job-title", title), span("kohaku-number", percent))
    return div("", head, bar, div("kohaku-job-foot", " \u00b7 ".join(_figures(job))))


def _figures(job: Job) -> list[str]:
    figures = [job.label]
    if job.total:
        done = format_bytes(job.done) if job.unit == "bytes" else str(job.done)
        figures.append(f"{done} of {_amount(job, job.total)}")
    left = job.seconds_left
    if left is not None and job.done >= job.total * _ENOUGH:
        figures += [f"{_amount(job, job.rate)}/s", f"{format_seconds(left)} left"]
    return figures


def _amount(job: Job, count: float) -> str:
    return format_bytes(count) if job.unit == "bytes" else f"{count:.0f} {job.unit}"


def _ended(job: Job, can_load: bool) -> Markup:
    if job.state == DONE:
        buttons = []
        if job.kind == "merge" and isinstance(job.result, str):
            if can_load:
                buttons.append(action("Load it", "load", job.result, "Make it the model that images are made with"))
            buttons.append(action("Verify", "verify", job.result, "Check the file against its recipe"))
        title = div("kohaku-job-title", job.title) if job.kind == "verify" else None
        return div(
            "kohaku-notice kohaku-good",
            title,
            job.message,
            div("kohaku-row", *buttons) if buttons else None,
            role="status",
        )
    kind = "warning" if job.state == CANCELLED else "error"
    return div(f"kohaku-notice kohaku-{kind}", job.message, role="alert")
