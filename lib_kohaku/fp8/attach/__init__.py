"""Live models with weights in fp8: attach, compute, apply LoRA, detach."""

from lib_kohaku.fp8.attach.attachment import Attachment, attach, attachment_of
from lib_kohaku.fp8.attach.deltas import Computed, Delta, Full, LowRank
from lib_kohaku.fp8.attach.targets import Skipped
from lib_kohaku.fp8.attach.weight import ManagedWeight

__all__ = [
    "Attachment",
    "Computed",
    "Delta",
    "Full",
    "LowRank",
    "ManagedWeight",
    "Skipped",
    "attach",
    "attachment_of",
]
