"""Answers to what is asked while somebody types: the profile, completion, checks."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lib_kohaku.app.prompt import documents
from lib_kohaku.app.prompt.documents import Document
from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.app.prompt.parts import rows
from lib_kohaku.app.prompt.profile_document import profile_document
from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.ui.prompt.request import LONGEST_PROMPT, MOST_CLIP_SKIP, Request

LARGEST_SIDE = 16_384
_MOST_USED = 50


def knowledge(workbench: PromptWorkbench, request: Request) -> Knowledge:
    """What is known for the profile that a request names."""
    return workbench.knowledge(request.text("profile"))


def _open(workbench: PromptWorkbench, request: Request) -> Document:
    """All that the page shows before anything is typed."""
    choice = workbench.chosen_profile()
    known = workbench.knowledge(_still_there(workbench, request.text("profile")))
    info = workbench.host.info
    offer = workbench.download_offer
    loaded = workbench.host.loaded_model()
    around = workbench.surroundings
    return {
        "host": {
            "name": info.name,
            "can_generate": info.can_generate,
            "styles": around.styles_file is not None,
            "samplers": list(around.samplers),
            "schedulers": list(around.schedulers),
            "upscalers": list(around.upscalers),
            "clip_skip": around.clip_skip,
        },
        "model": loaded.name if loaded else "",
        "profiles": [{"id": profile.id, "name": profile.name} for profile in workbench.profiles.profiles],
        "chosen": {
            "id": choice.profile.id if choice.profile else "",
            "reason": choice.reason,
            "confidence": choice.confidence.value,
        },
        "profile": profile_document(workbench, known),
        "problems": list(workbench.profiles.problems),
        "tags": documents.tags(known.shelf),
        "database": workbench.booru_database is not None,
        "offer": {
            "name": offer.name,
            "project": offer.project,
            "licence": offer.licence,
            "bytes": offer.about_bytes,
            "tags": offer.about_tags,
        },
    }


def _still_there(workbench: PromptWorkbench, profile_id: str) -> str:
    """The profile that a page remembers, unless its file was removed meanwhile."""
    return profile_id if any(p.id == profile_id for p in workbench.profiles.profiles) else ""


def _complete(workbench: PromptWorkbench, request: Request) -> Document:
    text = request.prompt()
    caret = request.whole("caret", 0, LONGEST_PROMPT) or 0
    found = workbench.complete(text, caret, knowledge(workbench, request), negative=request.flag("negative"))
    return documents.completions(found)


def _used(workbench: PromptWorkbench, request: Request) -> Document:
    workbench.tags.used(request.texts("tags", _MOST_USED))
    return {}


def _check(workbench: PromptWorkbench, request: Request) -> Document:
    known = knowledge(workbench, request)
    prompt, negative = request.prompt(), request.prompt("negative")
    document: Document = {
        "prompt": documents.checks(workbench.check(prompt, known), prompt),
        "negative": documents.checks(workbench.check(negative, known, negative=True), negative),
        "settings": _settings(workbench, request, known),
        "tags": documents.tags(known.shelf),
    }
    if request.flag("rows"):
        document["rows"] = [documents.row(row) for row in rows(prompt, known)]
    return document


def _settings(workbench: PromptWorkbench, request: Request, known: Knowledge) -> list[Document]:
    width, height = request.whole("width", 1, LARGEST_SIDE), request.whole("height", 1, LARGEST_SIDE)
    if width is None or height is None:
        return []
    cfg, steps = request.number("cfg", 0, 100), request.whole("steps", 0, 10_000)
    clip_skip = request.whole("clip_skip", 1, MOST_CLIP_SKIP)
    found = workbench.review(known.profile, (width, height), cfg, steps, clip_skip)
    return [documents.settings_finding(finding) for finding in found]


TYPING: Mapping[str, Callable[[PromptWorkbench, Request], Document]] = {
    "open": _open,
    "complete": _complete,
    "used": _used,
    "check": _check,
}
