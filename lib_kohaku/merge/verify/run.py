"""Verifying a file."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.errors import PlanError
from lib_kohaku.merge.embed import read_embedded_merge
from lib_kohaku.merge.plan.bind import ModelFinder, cached_header, find_model
from lib_kohaku.merge.plan.build import make_plan, require_runnable
from lib_kohaku.merge.plan.types import MergePlan, PlannedTensor
from lib_kohaku.merge.recipe import Recipe
from lib_kohaku.merge.verify.comparison import Comparison, TensorFinding
from lib_kohaku.progress import Progress, SilentProgress, raise_if_cancelled

SAMPLED_TENSORS = 100
# What a single rounding of a float64 result allows for: near-ties that the two routes put on different sides.
ALLOWED_SHARE = 2e-4
ALLOWED_ULPS = 1


@dataclass(frozen=True)
class VerifyReport:
    """The outcome of a verification.

    Attributes:
        recipe: The recipe that the file holds.
        tensors: Number of tensors that were compared.
        tensors_in_file: Number of all tensors.
        elements: Number of compared elements.
        differing: How many differ from the correctly rounded result.
        worst_ulps: Largest difference, in units in the last place.
        findings: Tensors with differences, the worst first.
        layout_problems: Tensors that should not be there, are missing, or have another type or shape.
    """

    recipe: Recipe
    tensors: int
    tensors_in_file: int
    elements: int
    differing: int
    worst_ulps: int
    findings: tuple[TensorFinding, ...]
    layout_problems: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether the file is what its recipe says: at most 0.02 % of the elements differ, by one unit."""
        share = self.differing / max(1, self.elements)
        return not self.layout_problems and share <= ALLOWED_SHARE and self.worst_ulps <= ALLOWED_ULPS


def verify_file(
    path: Path,
    library: ModelLibrary | None,
    bindings: Mapping[str, str] | None = None,
    *,
    check_all: bool = False,
    hash_of: Callable[[Path], str] = lambda path: "",
    progress: Progress | None = None,
    find: ModelFinder = find_model,
) -> VerifyReport:
    """Recompute a merged file from the recipe in its metadata and compare.

    Args:
        path: The merged file.
        library: Where its parents are looked up by name.
        bindings: Role to file, where names have changed.
        check_all: Compare all tensors instead of a sample of 100 that covers every block.
        hash_of: Gives a file's SHA-256 or an empty text; parents with another hash than the recipe's are refused.
        progress: Told about tensors.
        find: What names mean; see :func:`~lib_kohaku.merge.plan.build.make_plan`.

    Raises:
        PlanError: If the file holds no recipe of ours, or a parent is missing or is another file than it was.
        CheckpointError: If a file is damaged.
        CancelledError: If the user stopped it.
    """
    progress = progress or SilentProgress()
    header = cached_header(path)
    embedded = read_embedded_merge(header.metadata)
    if embedded is None or embedded.recipe is None:
        made_by = f" (it was merged by {embedded.tool})" if embedded else ""
        raise PlanError(f"{path.name} holds no recipe that can be run again{made_by}.")
    recipe = embedded.recipe
    plan = make_plan(recipe, library, bindings, hash_of=hash_of, allow_prediction_mismatch=True, find=find, shared=True)
    require_runnable(plan, _wrong_parents(recipe, plan))
    problems = _layout_problems(plan, header.tensors)
    # Scales are checked with their weights.
    comparable = [
        tensor
        for tensor in plan.tensors
        if not tensor.scale_of and _same_layout(tensor, header.tensors.get(tensor.spec.name))
    ]
    chosen = comparable if check_all else _sample(comparable)
    progress.start("Verifying", len(chosen), "tensors")
    findings = []
    elements = 0
    with Comparison(plan, path) as comparison:
        for tensor in chosen:
            raise_if_cancelled(progress)
            finding = comparison.compare(tensor)
            elements += finding.elements
            if finding.differing:
                findings.append(finding)
            progress.advance(1)
    findings.sort(key=lambda finding: (-finding.worst_ulps, -finding.differing))
    return VerifyReport(
        recipe=recipe,
        tensors=len(chosen),
        tensors_in_file=len(header.tensors),
        elements=elements,
        differing=sum(finding.differing for finding in findings),
        worst_ulps=max((finding.worst_ulps for finding in findings), default=0),
        findings=tuple(findings),
        layout_problems=tuple(problems),
    )


def _wrong_parents(recipe: Recipe, plan: MergePlan) -> list[str]:
    expected = {role: reference.sha256 for role, reference in recipe.models.items()}
    return [
        f"{model.role}: {model.path.name} is not the file that the merge was made from (hash {model.sha256[:10]}, "
        f"then {expected[model.role]:.10})."
        for model in plan.models
        if model.sha256 and expected.get(model.role, "") not in ("", model.sha256)
    ]


def _same_layout(tensor: PlannedTensor, info: TensorInfo | None) -> bool:
    return info is not None and info.dtype is tensor.spec.dtype and info.shape == tensor.spec.shape


def _layout_problems(plan: MergePlan, found: Mapping[str, TensorInfo]) -> list[str]:
    expected = {tensor.spec.name: tensor for tensor in plan.tensors}
    problems = [f"{name} should not be there" for name in found.keys() - expected.keys()]
    for name, tensor in expected.items():
        if name not in found:
            problems.append(f"{name} is missing")
        elif not _same_layout(tensor, found[name]):
            spec, info = tensor.spec, found[name]
            problems.append(f"{name} is {info.dtype.name} {list(info.shape)}, not {spec.dtype.name} {list(spec.shape)}")
    return sorted(problems)


def _sample(tensors: Sequence[PlannedTensor]) -> list[PlannedTensor]:
    """Tensors of every slot in turn; always the same ones for the same model."""
    chooser = random.Random(0)
    by_slot: dict[str, list[PlannedTensor]] = {}
    for tensor in tensors:
        by_slot.setdefault(tensor.slot or tensor.component, []).append(tensor)
    for group in by_slot.values():
        chooser.shuffle(group)
    chosen: list[PlannedTensor] = []
    while len(chosen) < min(SAMPLED_TENSORS, len(tensors)):
        chosen.extend(group.pop() for group in by_slot.values() if group)
    return chosen[:SAMPLED_TENSORS]
