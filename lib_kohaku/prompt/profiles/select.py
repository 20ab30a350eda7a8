"""Choosing the profile of a loaded checkpoint, and saying why."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum

from lib_kohaku.prompt.profiles.model import Profile

_TITLES = ("modelspec.title", "ss_sd_model_name", "ss_output_name")
_LONGEST_METADATA = 1_000_000
_MOST_PARENTS = 200


class Confidence(str, Enum):
    """How sure the choice is."""

    CERTAIN = "certain"
    """The file's hash is known."""
    LIKELY = "likely"
    """Its title or name says so."""
    POSSIBLE = "possible"
    """It seems to descend from such a model."""
    NONE = "none"
    """Nothing is known of it."""


@dataclass(frozen=True)
class CheckpointFacts:
    """What is known of a checkpoint without opening its tensors.

    Attributes:
        name: File name or title.
        sha256: Hash of the file in hexadecimal, or its first ten digits (AutoV2), or empty.
        metadata: The safetensors header's ``__metadata__``.
    """

    name: str = ""
    sha256: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Choice:
    """The chosen profile, or None, with the reason as a sentence for the person."""

    profile: Profile | None
    confidence: Confidence
    reason: str


def choose_profile(profiles: Iterable[Profile], facts: CheckpointFacts) -> Choice:
    """Choose by hash, then by title and name, then by the models that were merged, then by relatives' names."""
    known = tuple(profiles)
    return (
        _by_hash(known, facts.sha256)
        or _by_names(known, facts)
        or _by_parents(known, facts.metadata)
        or _by_hint(known, facts)
        or Choice(None, Confidence.NONE, "Neither hash, metadata nor name of the checkpoint tell its prompt format.")
    )


def _by_hash(profiles: tuple[Profile, ...], sha256: str) -> Choice | None:
    autov2 = sha256.strip()[:10].upper()
    for profile in profiles:
        if len(autov2) == 10 and autov2 in profile.match.autov2:
            return Choice(profile, Confidence.CERTAIN, f"The file's hash (AutoV2 {autov2}) is that of {profile.name}.")
    return None


def _by_names(profiles: tuple[Profile, ...], facts: CheckpointFacts) -> Choice | None:
    titles = [(f"metadata ({key})", str(facts.metadata[key])) for key in _TITLES if facts.metadata.get(key)]
    for where, text in [*titles, ("name", facts.name)]:
        profile = _named(profiles, text)
        if profile:
            return Choice(profile, Confidence.LIKELY, f"The checkpoint's {where} {text[:80]!r} says {profile.name}.")
    return None


def _by_parents(profiles: tuple[Profile, ...], metadata: Mapping[str, str]) -> Choice | None:
    found = [profile for name in _parents(metadata) if (profile := _named(profiles, name))]
    # A parent without a tag system (Kohaku beta) teaches no words, so the others decide.
    votes = Counter(profile.id for profile in found if profile.quality) or Counter(profile.id for profile in found)
    ranked = votes.most_common(2)
    if not ranked or (len(ranked) == 2 and ranked[0][1] == ranked[1][1]):
        return None
    profile = next(profile for profile in found if profile.id == ranked[0][0])
    names = ", ".join(dict.fromkeys(parent.name for parent in found))
    return Choice(profile, Confidence.POSSIBLE, f"It was merged from: {names}.")


def _by_hint(profiles: tuple[Profile, ...], facts: CheckpointFacts) -> Choice | None:
    text = _reduced(facts.name)
    for profile in profiles:
        for hint in profile.match.hints:
            if hint in text:
                return Choice(
                    profile, Confidence.POSSIBLE, f"Its name holds {hint!r}, so it may descend from {profile.name}."
                )
    return None


def _named(profiles: tuple[Profile, ...], name: str) -> Profile | None:
    """The profile with the longest part in ``name``: "animaginexl31" beats "animaginexl3"."""
    text = _reduced(name)
    best: tuple[int, Profile | None] = (0, None)
    for profile in profiles:
        for part in profile.match.names:
            if part in text and len(part) > best[0]:
                best = (len(part), profile)
    return best[1]


def _reduced(name: str) -> str:
    stem = re.sub(r"\.(safetensors|ckpt|pt)$", "", name[:1000].lower())
    return re.sub(r"[^a-z0-9]", "", stem)


def _parents(metadata: Mapping[str, str]) -> list[str]:
    """Names of the models that a merge was made of, as the webui writes them (``sd_merge_models``)."""
    text = metadata.get("sd_merge_models", "")
    if not isinstance(text, str) or len(text) > _LONGEST_METADATA:
        return []
    try:
        models = json.loads(text)
    except (ValueError, RecursionError):
        return []
    entries = list(models.values())[:_MOST_PARENTS] if isinstance(models, dict) else []
    return [entry["name"] for entry in entries if isinstance(entry, dict) and isinstance(entry.get("name"), str)]
