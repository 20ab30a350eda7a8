"""Answers that give a changed prompt. Nothing here is kept: the page applies it, and can undo it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from lib_kohaku.app.prompt import documents, parts
from lib_kohaku.app.prompt.documents import Document
from lib_kohaku.app.prompt.infotext import LONGEST_TEXT, read_infotext
from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.app.prompt.words import PICKED, pick
from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.format import TagClass
from lib_kohaku.prompt.picture_text import LARGEST_PICTURE, read_picture_text
from lib_kohaku.ui.prompt.answers_typing import LARGEST_SIDE, knowledge
from lib_kohaku.ui.prompt.request import LONGEST_PROMPT, Request

_KINDS = frozenset(tag_class.value for tag_class in TagClass)
_PICKED = frozenset(tag_class.value for tag_class in PICKED)
_MOST_WORDS = 20


def _format(workbench: PromptWorkbench, request: Request) -> Document:
    kinds = request.texts("add", len(TagClass))
    add = [TagClass(kind) for kind in kinds if kind in _PICKED]
    return documents.format_preview(workbench.format(request.prompt(), knowledge(workbench, request), add))


def _fix_all(workbench: PromptWorkbench, request: Request) -> Document:
    known = knowledge(workbench, request)
    return {"prompt": workbench.fix_all(request.prompt(), known, negative=request.flag("negative"))}


def _pick(workbench: PromptWorkbench, request: Request) -> Document:
    kind = TagClass(request.choice("kind", _PICKED))
    words = request.texts("words", _MOST_WORDS)
    return {"prompt": pick(request.prompt(), kind, words, knowledge(workbench, request))}


def _add(workbench: PromptWorkbench, request: Request) -> Document:
    kind = TagClass(request.choice("kind", _KINDS))
    name = request.text("name").strip()
    if not name:
        raise RefusedError("Type a tag first.")
    known = knowledge(workbench, request)
    return _changed(parts.add(request.prompt(), kind, name, known), known)


def _remove(workbench: PromptWorkbench, request: Request) -> Document:
    start, end = _place(request)
    known = knowledge(workbench, request)
    return _changed(parts.remove(request.prompt(), start, end, known), known)


def _weigh(workbench: PromptWorkbench, request: Request) -> Document:
    start, end = _place(request)
    weight = request.number("weight", parts.LOWEST_WEIGHT, parts.HIGHEST_WEIGHT)
    if weight is None:
        raise RefusedError("Which weight?")
    known = knowledge(workbench, request)
    return _changed(parts.weigh(request.prompt(), start, end, weight, known), known)


def _changed(text: str, known: Knowledge) -> Document:
    return {"prompt": text, "rows": [documents.row(row) for row in parts.rows(text, known)]}


def _place(request: Request) -> tuple[int, int]:
    start, end = request.whole("start", 0, LONGEST_PROMPT), request.whole("end", 0, LONGEST_PROMPT)
    if start is None or end is None:
        raise RefusedError("Which tag?")
    return start, end


def _nearest(workbench: PromptWorkbench, request: Request) -> Document:
    across, down = request.number("across", 0, LARGEST_SIDE), request.number("down", 0, LARGEST_SIDE)
    profile = knowledge(workbench, request).profile
    return {"size": documents.size(workbench.nearest_size(profile, across or 0, down or 0))}


def _infotext(workbench: PromptWorkbench, request: Request) -> Document:
    return documents.infotext(read_infotext(request.text("text", LONGEST_TEXT)))


def _picture(workbench: PromptWorkbench, request: Request) -> Document:
    """The generation parameters in a picture; the text comes along, to be seen."""
    text = read_picture_text(request.file("file", LARGEST_PICTURE))
    return {**documents.infotext(read_infotext(text)), "text": text}


EDITING: Mapping[str, Callable[[PromptWorkbench, Request], Document]] = {
    "format": _format,
    "fix_all": _fix_all,
    "pick": _pick,
    "add": _add,
    "remove": _remove,
    "weigh": _weigh,
    "nearest": _nearest,
    "infotext": _infotext,
    "picture": _picture,
}
