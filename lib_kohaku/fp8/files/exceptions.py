"""Weights of a file that fp8 would hurt, found before it is converted."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch

from lib_kohaku.checkpoint.architectures import detect_architecture
from lib_kohaku.checkpoint.io.modes import IOMode
from lib_kohaku.fp8.files.memory import Scratch
from lib_kohaku.fp8.files.plan import Profile, policy_for
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.fp8.policy import Policy
from lib_kohaku.fp8.policy.automatic import Limits, Refinement, refine
from lib_kohaku.progress import Progress, SilentProgress, raise_if_cancelled
from lib_kohaku.units import format_bytes


def find_exceptions(
    source: Path,
    profile: Profile,
    policy: Policy,
    limits: Limits,
    progress: Progress | None = None,
    mode: IOMode = IOMode.AUTO,
) -> Refinement:
    """Measure every weight that would be converted, and make the exceptions that pay most.

    Args:
        source: The checkpoint. Weights that are fp8 already stay as they are and are not looked at.
        profile: For whom the file will be; ComfyUI cannot read a scale per channel.
        policy: What is converted otherwise.
        limits: What may be lost, and what avoiding it may cost.
        progress: Told of weights; may cancel.
        mode: How the file is read.

    Returns:
        The refinement; its policy is for :func:`~lib_kohaku.fp8.files.convert.convert_file`.

    Raises:
        CheckpointError: If the file is damaged.
        Fp8Error: If it cannot be converted so.
        CancelledError: If ``progress`` said so.
    """
    progress = progress or SilentProgress()
    policy = policy_for(profile, policy)
    if profile is not Profile.WEBUI:
        limits = replace(limits, channels=False)
    with Fp8Checkpoint(source, mode) as file:
        return refine(policy, _weights(file, policy, progress), limits)


def _weights(file: Fp8Checkpoint, policy: Policy, progress: Progress) -> Iterator[tuple[str, torch.Tensor]]:
    component_of = detect_architecture(file.checkpoint.tensors).component_of
    infos = (file.checkpoint.tensors[name] for name in file.names if name not in file.layout.weights)
    chosen = [
        info.name
        for info in infos
        if policy.decide(info.name, component_of(info.name), info.shape, floating=info.dtype.floating).convert
    ]
    scratch = Scratch()
    progress.start("Looking for weak weights", len(chosen), "weights")
    for name in chosen:
        raise_if_cancelled(progress)
        yield name, file.tensor(name, scratch)
        progress.advance(1)


def describe_exceptions(refinement: Refinement) -> str:
    """One sentence about them."""
    if not (refinement.by_channel or refinement.kept or refinement.beyond_budget):
        return "No weight needs an exception."
    counts = (
        ("with a scale per channel", refinement.by_channel),
        ("left as they are", refinement.kept),
        ("for which the budget is too small", refinement.beyond_budget),
    )
    listed = ", ".join(f"{len(names)} {what}" for what, names in counts if names)
    return f"Weak weights: {listed} ({format_bytes(refinement.spent_bytes)} on top)."
