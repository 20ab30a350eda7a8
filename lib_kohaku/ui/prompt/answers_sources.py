"""Answers about what comes from elsewhere: booru posts as captions, tag lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lib_kohaku.app.prompt import documents
from lib_kohaku.app.prompt.documents import Document
from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.captions.booru_json import LONGEST_TEXT
from lib_kohaku.ui.prompt.answers_typing import knowledge
from lib_kohaku.ui.prompt.request import Request


def _captions(workbench: PromptWorkbench, request: Request) -> Document:
    known = knowledge(workbench, request)
    text = request.text("text", LONGEST_TEXT).strip()
    if not text:
        raise RefusedError("Paste the JSON of a post, or name posts by their ids.")
    words = text.replace(",", " ").replace("#", " ").split()
    ids = [int(word) for word in words if word.isdecimal() and word.isascii() and len(word) < 12]
    if len(ids) < len(words):
        return {"captions": [documents.caption(caption) for caption in workbench.captions(text, known)], "missing": []}
    found = workbench.captions_by_id(ids, known)
    if not found:
        raise RefusedError("None of these posts is in the database.")
    there = {caption.post.id for caption in found}
    missing = [number for number in dict.fromkeys(ids) if number not in there]
    return {"captions": [documents.caption(caption) for caption in found], "missing": missing}


def _reload_tags(workbench: PromptWorkbench, request: Request) -> Document:
    workbench.tags.reload()
    return {"tags": documents.tags(workbench.tags.current())}


def _download_tags(workbench: PromptWorkbench, request: Request) -> Document:
    workbench.start_download()
    return _download(workbench, request)


def _download(workbench: PromptWorkbench, request: Request) -> Document:
    """How far the download is; empty if there was none."""
    job = workbench.jobs.current
    state: Document = {"tags": documents.tags(workbench.tags.current())}
    if job is not None:
        state |= {"state": job.state, "ended": job.ended, "message": job.message, "done": job.done, "total": job.total}
    return state


def _stop_download(workbench: PromptWorkbench, request: Request) -> Document:
    workbench.jobs.stop()
    return _download(workbench, request)


SOURCES: Mapping[str, Callable[[PromptWorkbench, Request], Document]] = {
    "captions": _captions,
    "reload_tags": _reload_tags,
    "download_tags": _download_tags,
    "download": _download,
    "stop_download": _stop_download,
}
