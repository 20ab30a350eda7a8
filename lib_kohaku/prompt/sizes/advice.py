"""Settings for a profile, ready to be sent to the host, and what is wrong with the present ones."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lib_kohaku.prompt.profiles.model import Profile, Settings, Span
from lib_kohaku.prompt.sizes.legal import Size, legal_sizes, nearest_to


@dataclass(frozen=True)
class Suggestion:
    """Settings to apply; None means: leave what is set, the source says nothing.

    Attributes:
        size: Image size in pixels.
        cfg: Guidance scale.
        steps: Sampling steps.
        sampler: Name in the host's list.
        clip_skip: As the host counts it; 1 is no skipping.
        upscaler: Upscaler for the hires fix, by its name in the host's list.
        upscaler_reason: What it helps against.
    """

    size: Size
    cfg: float | None
    steps: int | None
    sampler: str | None
    clip_skip: int | None
    upscaler: str | None
    upscaler_reason: str


@dataclass(frozen=True)
class Finding:
    """A setting outside of what the source states.

    Attributes:
        setting: ``size``, ``cfg``, ``steps`` or ``clip_skip``.
        message: What is stated, as a sentence.
        better: The nearest value inside.
    """

    setting: str
    message: str
    better: Size | float


def suggest(
    profile: Profile,
    wanted: tuple[int, int],
    samplers: Sequence[str] = (),
    upscalers: Sequence[str] = (),
    *,
    cfg: float | None = None,
    steps: int | None = None,
) -> Suggestion:
    """Suggest settings, changing the present ones only where they are outside of what the source states.

    Args:
        profile: The model's profile.
        wanted: Wanted width and height in pixels.
        samplers: The host's samplers.
        upscalers: The host's upscalers.
        cfg: The present guidance scale.
        steps: The present number of steps.

    Raises:
        RefusedError: If the wanted size is not positive.
    """
    settings = profile.settings
    advice = profile.upscale
    upscaler = first_present(advice.upscalers, upscalers) if advice else None
    stated_steps = _inside(settings.steps if settings else None, steps)
    return Suggestion(
        size=nearest_to(legal_sizes(profile), *wanted),
        cfg=_inside(settings.cfg if settings else None, cfg),
        steps=None if stated_steps is None else round(stated_steps),
        sampler=first_present(settings.samplers, samplers) if settings else None,
        clip_skip=settings.clip_skip if settings else None,
        upscaler=upscaler,
        upscaler_reason=f"{upscaler} against {advice.against}" if advice and upscaler else "",
    )


def review(
    profile: Profile, size: tuple[int, int], cfg: float | None = None, steps: int | None = None, clip_skip: int = 1
) -> list[Finding]:
    """What of the present settings is outside of what the source states; silent where it states nothing."""
    findings = []
    legal = legal_sizes(profile)
    if not legal.allows(*size):
        better = nearest_to(legal, *size)
        low, high = legal.pixels
        message = (
            f"{size[0]} x {size[1]} is not among the sizes of {profile.name} ({low:,} to {high:,} pixels; "
            f"basis: {legal.basis.value}); the nearest is {better.width} x {better.height}."
        )
        findings.append(Finding("size", message, better))
    settings = profile.settings or Settings(None, None, True, (), None, ())
    spans = (("cfg", "a CFG scale", settings.cfg, cfg), ("steps", "a number of steps", settings.steps, steps))
    for name, label, span, value in spans:
        inside = _inside(span, value)
        if span and value is not None and inside is not None and inside != value:
            findings.append(Finding(name, f"{profile.name} wants {label} of {_in_words(span)}, not {value:g}.", inside))
    if settings.clip_skip not in (None, clip_skip):
        message = f"{profile.name} wants clip skip {settings.clip_skip}, not {clip_skip}."
        findings.append(Finding("clip_skip", message, float(settings.clip_skip or 1)))
    return findings


def first_present(names: Sequence[str], available: Sequence[str]) -> str | None:
    """The first of ``names`` that the host has, as the host spells it, or None.

    Hosts spell them differently (``ScuNET GAN``, ``ScuNET PSNR``): letters and digits are compared, and a longer
    name of the host's serves if none is the very same.
    """
    by_key = {_key(name): name for name in reversed(available)}
    for name in names:
        key = _key(name)
        if key in by_key:
            return by_key[key]
        longer = [other for other in available if _key(other).startswith(key)]
        if longer:
            return longer[0]
    return None


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9+]", "", name.lower())


def _inside(span: Span | None, value: float | None) -> float | None:
    """The value inside the span nearest to ``value``; without one its best, its only end, or its middle."""
    if span is None:
        return None
    ends = [end for end in (span.min, span.max) if end is not None]
    if value is None:
        return span.best if span.best is not None else (sum(ends) / len(ends) if ends else None)
    low = span.min if span.min is not None else value
    high = span.max if span.max is not None else value
    return min(max(value, low), high)


def _in_words(span: Span) -> str:
    if span.min is None or span.max is None:
        return f"at most {span.max:g}" if span.max is not None else f"at least {span.min:g}"
    return f"{span.min:g}" if span.min == span.max else f"{span.min:g} to {span.max:g}"
