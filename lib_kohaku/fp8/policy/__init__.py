"""What is converted to fp8 and what stays: rules as data, the user's switches, exceptions, predicted bytes."""

from lib_kohaku.fp8.policy.automatic import Limits, Refinement, refine
from lib_kohaku.fp8.policy.policy import Decision, Policy
from lib_kohaku.fp8.policy.predict import ComponentBytes, MemoryTable, predict
from lib_kohaku.fp8.policy.rules import Kind, Rules, default_rules, parse_rules

__all__ = [
    "ComponentBytes",
    "Decision",
    "Kind",
    "Limits",
    "MemoryTable",
    "Policy",
    "Refinement",
    "Rules",
    "default_rules",
    "parse_rules",
    "predict",
    "refine",
]
