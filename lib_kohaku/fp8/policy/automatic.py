"""Exceptions found by measuring: weights whose worst channel loses too much get more scales, or stay in 16 bit."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import torch

from lib_kohaku.fp8.codecs import Scaling
from lib_kohaku.fp8.policy.policy import Policy
from lib_kohaku.fp8.quality import WeightQuality, quantise_and_measure


@dataclass(frozen=True)
class Limits:
    """What may be lost, and what avoiding it may cost.

    Attributes:
        worst_channel_db: SQNR that every channel should reach. Scaled e4m3fn gives about 31 dB, e5m2 25, on
            well-behaved weights; the default of 24 (an error of 6 % of the channel) leaves both alone.
        budget_bytes: What all exceptions together may take on top.
        channels: Whether weights may get a scale per channel; not every program reads those.
    """

    worst_channel_db: float = 24.0
    budget_bytes: int = 50_000_000
    channels: bool = True


@dataclass(frozen=True)
class Refinement:
    """A policy with its exceptions.

    Attributes:
        policy: The policy given, with ``by_channel`` and ``keep`` filled in.
        by_channel: Weights that get a scale per channel, as that is enough for them.
        kept: Weights that stay in 16 bit.
        beyond_budget: Weights below the limit for which the budget did not suffice; they are converted.
        spent_bytes: What the exceptions cost.
        qualities: Every weight that is converted, as it will be, in the order given.
    """

    policy: Policy
    by_channel: tuple[str, ...]
    kept: tuple[str, ...]
    beyond_budget: tuple[str, ...]
    spent_bytes: int
    qualities: tuple[WeightQuality, ...]

    def to_json(self) -> dict[str, Any]:
        """For JSON; without the figures of every weight, which a conversion reports."""
        return {
            "by_channel": list(self.by_channel),
            "kept": list(self.kept),
            "beyond_budget": list(self.beyond_budget),
            "spent_bytes": self.spent_bytes,
        }


@dataclass(frozen=True)
class _Candidate:
    quality: WeightQuality
    by_channel: bool
    cost: int


def refine(policy: Policy, weights: Iterable[tuple[str, torch.Tensor]], limits: Limits) -> Refinement:
    """Measure every weight once and make the exceptions that pay most, the worst first.

    Args:
        policy: What is converted otherwise.
        weights: Name and tensor of every weight that ``policy`` converts. Taken one at a time: memory is that of one.
        limits: What may be lost and spent.

    Raises:
        NotFiniteError: If a weight holds NaN or infinity.
    """
    passed: dict[str, _Candidate | None] = {}
    qualities: dict[str, WeightQuality] = {}
    for name, weight in weights:
        quality = _try(policy, name, weight, policy.scaling)
        qualities[name] = quality
        passed[name] = None
        if quality.worst_channel_db < limits.worst_channel_db:
            passed[name] = _remedy(policy, name, weight, quality, limits)
    by_channel: list[str] = []
    kept: list[str] = []
    beyond: list[str] = []
    spent = 0
    failing = [(name, candidate) for name, candidate in passed.items() if candidate is not None]
    for name, candidate in sorted(failing, key=lambda pair: qualities[pair[0]].worst_channel_db):
        if spent + candidate.cost > limits.budget_bytes:
            beyond.append(name)
            continue
        spent += candidate.cost
        if candidate.by_channel:
            by_channel.append(name)
            qualities[name] = candidate.quality
        else:
            kept.append(name)
            del qualities[name]
    refined = replace(
        policy, by_channel=policy.by_channel | frozenset(by_channel), keep=policy.keep + tuple(map(_literally, kept))
    )
    return Refinement(refined, tuple(by_channel), tuple(kept), tuple(beyond), spent, tuple(qualities.values()))


def _remedy(policy: Policy, name: str, weight: torch.Tensor, quality: WeightQuality, limits: Limits) -> _Candidate:
    """The cheaper of two ways out: scales per channel if they are enough, else 16 bit."""
    if limits.channels and policy.scaling is Scaling.TENSOR and weight.dim() > 1:
        by_channel = _try(policy, name, weight, Scaling.CHANNEL)
        if by_channel.worst_channel_db >= limits.worst_channel_db:
            return _Candidate(by_channel, True, 4 * (weight.shape[0] - 1))
    return _Candidate(quality, False, weight.numel())


def _try(policy: Policy, name: str, weight: torch.Tensor, scaling: Scaling) -> WeightQuality:
    return quantise_and_measure(weight, policy.fmt, scaling, name)[1]


def _literally(name: str) -> str:
    """A shell pattern that matches this name only."""
    return "".join(f"[{character}]" if character in "*?[" else character for character in name)
