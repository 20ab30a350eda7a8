"""From a checked profile document to a :class:`Profile`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lib_kohaku.prompt.profiles.model import (
    Evidence,
    Mark,
    MatchRule,
    Measure,
    NameRule,
    Order,
    Profile,
    PromptAdvice,
    RatingWords,
    Scale,
    Settings,
    SizeRule,
    Slot,
    Span,
    UpscaleAdvice,
    Word,
    YearWord,
    YearWords,
)
from lib_kohaku.prompt.schema import SchemaError

Document = Mapping[str, Any]
_ALWAYS = (Slot.COUNTS, Slot.CHARACTERS, Slot.COPYRIGHTS, Slot.ARTISTS, Slot.GENERAL, Slot.META)


def decode_profile(document: Document) -> Profile:
    """Decode a document that follows ``profile.schema.json``.

    Raises:
        SchemaError: If it breaks a rule that a schema cannot say.
    """
    separator = document.get("caption")
    upscale = document.get("upscale")
    return Profile(
        id=document["id"],
        name=document["name"],
        family=document.get("family", "own"),
        match=_match(document["match"]),
        order=_order(document["order"]),
        names=_names(document["names"]),
        quality=_scale("quality", document.get("quality")),
        aesthetic=_scale("aesthetic", document.get("aesthetic")),
        source=_scale("source", document.get("source")),
        rating=_rating(document.get("rating")),
        year=_year(document.get("year")),
        positive=tuple(map(_advice, document.get("positive", ()))),
        negative=tuple(map(_advice, document.get("negative", ()))),
        settings=_settings(document.get("settings")),
        sizes=_sizes(document.get("sizes")),
        upscale=UpscaleAdvice(tuple(upscale["upscalers"]), upscale["against"], _evidence(upscale)) if upscale else None,
        caption_separator=separator["separator"] if separator else None,
        notes=tuple(document.get("notes", ())),
    )


def _evidence(section: Document) -> tuple[Evidence, ...]:
    return tuple(Evidence(Mark(item["mark"]), item["source"], item.get("note", "")) for item in section["evidence"])


def _match(section: Document) -> MatchRule:
    return MatchRule(tuple(section.get("autov2", ())), tuple(section.get("names", ())), tuple(section.get("hints", ())))


def _order(section: Document) -> Order:
    slots = tuple(map(Slot, section["slots"]))
    fixed = frozenset(map(Slot, section.get("fixed", ())))
    missing = [slot.value for slot in _ALWAYS if slot not in slots]
    if missing:  # every booru tag belongs to one of these, and must have a place
        raise SchemaError(f"order.slots: lacks {', '.join(missing)}")
    if not fixed <= set(slots):
        raise SchemaError("order.fixed: names a slot that is not in order.slots")
    return Order(slots, fixed, _evidence(section))


def _names(section: Document) -> NameRule:
    return NameRule(section["spaces"], section["keep_up_to"], frozenset(section.get("keep", ())), _evidence(section))


def _scale(place: str, section: Document | None) -> Scale | None:
    if section is None:
        return None
    words = tuple(Word(word["text"], word.get("above")) for word in section["words"])
    cuts = [word.above for word in words if word.above is not None]
    if sorted(set(cuts), reverse=True) != cuts:
        raise SchemaError(f"{place}.words: have to fall from best to worst")
    rule = section.get("measure")
    measure = Measure(rule["field"], rule["table"], rule.get("skip_ids_above")) if rule else None
    if measure and [word.above is None for word in words] != [False] * (len(words) - 1) + [True]:
        raise SchemaError(f"{place}.words: to be chosen by measure, all but the last need 'above'")
    return Scale(words, section.get("ladder", False), measure, _evidence(section))


def _rating(section: Document | None) -> RatingWords | None:
    if section is None:
        return None
    general, sensitive, questionable, explicit = (
        tuple(section[name]) for name in ("general", "sensitive", "questionable", "explicit")
    )
    return RatingWords(general, sensitive, questionable, explicit, _evidence(section))


def _year(section: Document | None) -> YearWords | None:
    if section is None:
        return None
    words = tuple(YearWord(word["text"], word.get("first"), word["last"]) for word in section.get("words", ()))
    form = section.get("template")
    template = YearWord(form["text"], form.get("first"), form["last"]) if form else None
    if template and template.text.count("{year}") != 1:
        raise SchemaError("year.template.text: has to hold {year} once")
    return YearWords(words, template, _evidence(section))


def _advice(section: Document) -> PromptAdvice:
    return PromptAdvice(section["text"], section.get("place", ""), _evidence(section))


def _span(place: str, section: Document | None) -> Span | None:
    if not section:
        return None
    span = Span(section.get("min"), section.get("max"), section.get("best"))
    if span.min is not None and span.max is not None and span.min > span.max:
        raise SchemaError(f"{place}: min is above max")
    return span


def _settings(section: Document | None) -> Settings | None:
    if section is None:
        return None
    return Settings(
        _span("settings.cfg", section.get("cfg")),
        _span("settings.steps", section.get("steps")),
        section.get("any_sampler", False),
        tuple(section.get("samplers", ())),
        section.get("clip_skip"),
        _evidence(section),
    )


def _sizes(section: Document | None) -> SizeRule | None:
    if section is None:
        return None
    buckets = tuple((width, height) for width, height in section.get("buckets", ()))
    limits = section.get("pixels")
    pixels = (limits["min"], limits["max"]) if limits else None
    kind = section["kind"]
    if kind in ("range", "about") and (pixels is None or pixels[0] > pixels[1]):
        raise SchemaError(f"sizes.pixels: the kind {kind!r} needs min and max")
    if kind in ("table", "example") and not buckets:
        raise SchemaError(f"sizes.buckets: the kind {kind!r} needs at least one")
    best = section.get("best")
    return SizeRule(kind, buckets, pixels, (best[0], best[1]) if best else None, _evidence(section))
