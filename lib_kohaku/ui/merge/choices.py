"""What dropdowns of the merge page show, and what it means in a recipe. Stable plain English: it is translated."""

from __future__ import annotations

from collections.abc import Iterable

from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.errors import RecipeError
from lib_kohaku.merge.recipe import BASE, DROP, FROM, KEEP, MERGE

AS_RECIPE = "As the recipe says"
AS_ABOVE = "Same as above"
FROM_LABEL = "From: "

PRECISIONS = {
    "As the base model": KEEP,
    "fp16": "fp16",
    "bf16": "bf16",
    "fp32": "fp32",
    "fp8 (e4m3fn)": "fp8_e4m3fn",
    "fp8 (e5m2)": "fp8_e5m2",
}
POLICIES = {"Merged": MERGE, "The base model's": BASE, "Left out": DROP}
NETWORKS = {"SDXL (20 blocks)": "sdxl", "SD 1.x / 2.x (26 blocks)": "sd1"}
PROFILES = tuple(block_map("sdxl").profiles)


def label_of(table: dict[str, str], value: str) -> str:
    """What a value is called on the page; the first label for values that are not there."""
    return next((label for label, known in table.items() if known == value), next(iter(table)))


def policy_of(label: str) -> str:
    """A component's policy from its label.

    Raises:
        RecipeError: If there is no such label.
    """
    if label.startswith(FROM_LABEL):
        return FROM + label[len(FROM_LABEL) :]
    if label not in POLICIES:
        raise RecipeError(f"{label[:60]!r} is not a choice for a component.")
    return POLICIES[label]


def policy_label(policy: str) -> str:
    """A component's policy as the page shows it."""
    return FROM_LABEL + policy[len(FROM) :] if policy.startswith(FROM) else label_of(POLICIES, policy)


def policy_choices(models: Iterable[str], *extra: str) -> list[str]:
    """What a component's dropdown offers."""
    return [*extra, *POLICIES, *(FROM_LABEL + name for name in models)]


def precision_of(label: str) -> str:
    """An output type from its label.

    Raises:
        RecipeError: If there is no such label.
    """
    if label not in PRECISIONS:
        raise RecipeError(f"{label[:60]!r} is not a precision.")
    return PRECISIONS[label]
