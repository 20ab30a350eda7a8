"""Tasks as answers."""

from __future__ import annotations

from lib_kohaku.api.messages import JobAnswer
from lib_kohaku.app.jobs import Job


def job_answer(job: Job) -> JobAnswer:
    """How far a task is, and what came of it in words."""
    return JobAnswer(
        id=job.id,
        kind=job.kind,
        title=job.title,
        state=job.state,
        label=job.label,
        done=job.done,
        total=job.total,
        unit=job.unit,
        seconds_left=None if job.ended else job.seconds_left,
        message=job.message,
    )
