"""The figures, as values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class WeightQuality:
    """What one conversion costs. SQNR is 10 log10(sum w^2 / sum (w - w')^2), in dB; infinite without any error.

    The mean hides lost channels (29.6 dB in total with half of them gone), so the worst channel is what to look at.

    Attributes:
        name: The weight's name.
        scaling: How many scales it has: ``none``, ``tensor`` or ``channel``.
        count: Number of weights.
        sqnr_db: SQNR of the whole weight.
        worst_channel_db: SQNR of the output channel that lost most; 0 means that it is gone.
        worst_channel: Its index; 0 if there is no error at all.
        flushed: Share of the nonzero weights that became zero, 0 to 1.
        max_error: Largest absolute error of a weight.
    """

    name: str
    scaling: str
    count: int
    sqnr_db: float
    worst_channel_db: float
    worst_channel: int
    flushed: float
    max_error: float

    def to_json(self) -> dict[str, Any]:
        """For JSON, which has no infinity: None stands for an exact conversion."""
        return {
            "name": self.name,
            "scaling": self.scaling,
            "count": self.count,
            "sqnr_db": _finite(self.sqnr_db),
            "worst_channel_db": _finite(self.worst_channel_db),
            "worst_channel": self.worst_channel,
            "flushed": self.flushed,
            "max_error": self.max_error,
        }


@dataclass(frozen=True)
class QualitySummary:
    """What matters of many weights.

    Attributes:
        weights: How many weights were converted.
        lowest_db: Lowest SQNR of a weight.
        lowest_channel_db: Lowest SQNR of a channel of any weight.
        worst: The name of the weight with that channel, empty if there is none.
        median_db: Median of the weights' SQNR.
        flushed: Share of all weights that became zero, 0 to 1.
    """

    weights: int
    lowest_db: float
    lowest_channel_db: float
    worst: str
    median_db: float
    flushed: float

    def to_json(self) -> dict[str, Any]:
        """For JSON; None stands for an exact conversion."""
        return {
            "weights": self.weights,
            "lowest_db": _finite(self.lowest_db),
            "lowest_channel_db": _finite(self.lowest_channel_db),
            "worst": self.worst,
            "median_db": _finite(self.median_db),
            "flushed": self.flushed,
        }


def summarise(qualities: Sequence[WeightQuality]) -> QualitySummary:
    """The summary of any number of weights, also of none."""
    if not qualities:
        return QualitySummary(0, math.inf, math.inf, "", math.inf, 0.0)
    worst = min(qualities, key=lambda quality: quality.worst_channel_db)
    ordered = sorted(quality.sqnr_db for quality in qualities)
    count = sum(quality.count for quality in qualities)
    flushed = sum(quality.flushed * quality.count for quality in qualities)
    return QualitySummary(
        len(qualities),
        ordered[0],
        worst.worst_channel_db,
        worst.name,
        ordered[len(ordered) // 2],
        flushed / max(1, count),
    )


def _finite(decibels: float) -> float | None:
    return round(decibels, 3) if math.isfinite(decibels) else None
