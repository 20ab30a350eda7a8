"""How long a merge will take, from how long earlier ones took."""

from __future__ import annotations

from pathlib import Path

from lib_kohaku.app.history import History
from lib_kohaku.merge.plan.types import MergePlan

# Bytes per second, read and written together, until there is a merge to learn from: an ordinary SSD.
USUAL_RATE = 600e6
USUAL_HASH_RATE = 1.5e9
# Shorter merges say more about starting up than about the disk.
_LEARN_FROM_SECONDS = 0.2


def estimate_seconds(plan: MergePlan, rate: float | None) -> float:
    """Seconds for hashing, reading, merging and writing.

    Args:
        plan: The merge.
        rate: Bytes per second as :func:`learnt_rate` gives it.
    """
    unhashed = sum(model.header.file_size for model in plan.models if not model.sha256)
    return (plan.bytes_read + plan.bytes_written) / (rate or USUAL_RATE) + unhashed / USUAL_HASH_RATE


def learnt_rate(history: History, folder: Path, looked_at: int = 5) -> float | None:
    """Bytes per second of the newest merge whose files still exist, None if there is none.

    Args:
        history: Earlier merges.
        folder: Where their results lie.
        looked_at: How many to look at.
    """
    for entry in history.entries()[:looked_at]:
        recipe = entry.parsed()
        output = folder / entry.output
        if recipe is None or not entry.output or entry.seconds < _LEARN_FROM_SECONDS or not output.is_file():
            continue
        # Inputs of a merge are about as large as its result.
        return output.stat().st_size * (1 + len(recipe.models)) / entry.seconds
    return None
