"""A profile as the page shows it: its words, sizes, settings and negatives, each with what it rests on."""

from __future__ import annotations

from lib_kohaku.app.prompt import documents
from lib_kohaku.app.prompt.documents import Document
from lib_kohaku.app.prompt.knowledge import Knowledge
from lib_kohaku.app.prompt.words import pickers
from lib_kohaku.app.prompting import PromptWorkbench
from lib_kohaku.prompt.profiles.model import Evidence, Mark, Profile, PromptAdvice, Span, is_verified
from lib_kohaku.prompt.sizes.legal import Basis, Size, legal_sizes

_BASIS = {
    Basis.TABLE: "The sizes that its source lists.",
    Basis.RANGE: "Its source asks for {low:,} to {high:,} pixels.",
    Basis.ABOUT: "Its source asks for about as many pixels as these have.",
    Basis.GENERIC: "Its source names no sizes; these are the usual ones of SDXL.",
}
_UNSURE = {
    Mark.INFERRED: "inferred",
    Mark.SECOND_HAND: "second hand",
    Mark.UNVERIFIED: "not verified",
    Mark.OURS: "our choice",
}
_START = Size(896, 1152)


def profile_document(workbench: PromptWorkbench, known: Knowledge) -> Document:
    """Everything that the page needs of a profile."""
    profile = known.profile
    legal = legal_sizes(profile)
    suggestion = workbench.suggestion(profile, _best_size(profile))
    low, high = legal.pixels
    settings = profile.settings
    return {
        "id": profile.id,
        "name": profile.name,
        "order": [tag_class.value for slot in known.spec.slots for tag_class in slot],
        "order_source": _sources(profile.order.evidence),
        "pickers": [documents.picker(picker) for picker in pickers(profile)],
        "negatives": [_advice(advice) for advice in profile.negative],
        "sizes": [documents.size(size) for size in workbench.sizes(profile)],
        "sizes_source": _BASIS[legal.basis].format(low=low, high=high),
        "size": documents.size(suggestion.size),
        "cfg": suggestion.cfg,
        "steps": suggestion.steps,
        "cfg_hint": _hint("Guidance scale", settings.cfg if settings else None),
        "steps_hint": _hint("Sampling steps", settings.steps if settings else None),
        "sampler": suggestion.sampler or "",
        "clip_skip": suggestion.clip_skip,
        "upscalers": _upscalers(profile, workbench.upscalers(profile)),
        "against": profile.upscale.against if profile.upscale else "",
        "advice": _lines(profile),
        "notes": list(profile.notes),
    }


def _best_size(profile: Profile) -> Size:
    return Size(*profile.sizes.best) if profile.sizes and profile.sizes.best else _START


def _advice(advice: PromptAdvice) -> Document:
    return {"text": advice.text, "source": _sources(advice.evidence)}


def _sources(evidence: tuple[Evidence, ...]) -> str:
    """Where something comes from, in one line; what is not certain says so."""
    texts = [f"{item.source} ({_UNSURE[item.mark]})" if item.mark in _UNSURE else item.source for item in evidence]
    notes = [item.note for item in evidence if item.note]
    return ". ".join([*dict.fromkeys(texts), *notes])


def _hint(what: str, span: Span | None) -> str:
    if span is None:
        return f"{what}: its source says nothing, so nothing is changed while this is empty."
    ends = [f"{end:g}" for end in (span.min, span.max) if end is not None]
    return f"{what}: its source asks for {' to '.join(dict.fromkeys(ends))}."


def _upscalers(profile: Profile, present: tuple[str, ...]) -> list[Document]:
    """Those that the source names: as the host calls them, else as the source does, marked as not being there."""
    named = profile.upscale.upscalers if profile.upscale else ()
    return [{"name": name, "present": bool(present)} for name in present or named]


def _lines(profile: Profile) -> list[str]:
    """The rest of the advice, a sentence each."""
    settings = profile.settings
    lines: list[str] = []
    if settings and settings.samplers:
        lines.append(f"Sampler: {' or '.join(settings.samplers)}.")
    elif settings and settings.any_sampler:
        lines.append("Any sampler will do.")
    if settings and settings.clip_skip:
        lines.append(f"Clip skip {settings.clip_skip}.")
    if settings and not is_verified(settings.evidence):
        lines.append(f"Source: {_sources(settings.evidence)}.")
    return lines
