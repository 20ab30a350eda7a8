"""Making a plan."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from lib_kohaku.checkpoint.architectures import UNKNOWN, Architecture, key_in_file
from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.checkpoint.config_file import config_problems, find_config
from lib_kohaku.checkpoint.library import ModelLibrary
from lib_kohaku.checkpoint.writer import storage_order
from lib_kohaku.errors import PlanError
from lib_kohaku.merge.algebra.base_model import base_role
from lib_kohaku.merge.algebra.evaluate import Evaluator
from lib_kohaku.merge.algebra.resolve import ResolvedFormula, resolve_formula
from lib_kohaku.merge.formula.printer import print_formula
from lib_kohaku.merge.plan import bind, checks
from lib_kohaku.merge.plan.coefficients import coefficient_rows
from lib_kohaku.merge.plan.fp8_output import fp8_storage_order
from lib_kohaku.merge.plan.tensors import TensorPlanner
from lib_kohaku.merge.plan.types import InputModel, MergePlan, ModelDifference, PlannedTensor
from lib_kohaku.merge.recipe import MERGE, Recipe

# Header and a little room, so that a disk is not filled to its last block.
DISK_RESERVE = 16 << 20
_LISTED = 3


def make_plan(
    recipe: Recipe,
    library: ModelLibrary | None = None,
    bindings: Mapping[str, str] | None = None,
    *,
    hash_of: bind.HashLookup = lambda path: "",
    allow_prediction_mismatch: bool = False,
    find: bind.ModelFinder = bind.find_model,
    shared: bool = False,
) -> MergePlan:
    """Plan a merge from headers alone.

    Args:
        recipe: What to do.
        library: Where checkpoint names are looked up; without one only paths are understood.
        bindings: Role to file name or path, over what the recipe says.
        hash_of: Gives a file's SHA-256 or an empty text. Called once per file.
        allow_prediction_mismatch: Merge models that predict different things all the same.
        find: What names mean; :func:`~lib_kohaku.merge.plan.bind.find_in_library` where they come from strangers.
        shared: Whether the recipe may have come from a stranger; then only ``bindings`` may be paths.

    Returns:
        The plan; its ``refusals`` say why it cannot be run, if it cannot.

    Raises:
        FormulaError: If the formula is wrong.
        PlanError: If a model is not found.
        CheckpointError: If a file is damaged.
        RecipeError: If a setting is wrong.
    """
    resolved = resolve_formula(recipe.formula, recipe.parameters)
    paths = bind.bind_models(recipe, resolved, library, bindings or {}, find, shared=shared)
    models = bind.open_inputs(paths, hash_of)
    return plan_models(recipe, resolved, models, allow_prediction_mismatch=allow_prediction_mismatch)


def plan_models(
    recipe: Recipe,
    resolved: ResolvedFormula,
    models: Sequence[InputModel],
    *,
    allow_prediction_mismatch: bool = False,
) -> MergePlan:
    """Plan a merge of models whose headers were read already; see :func:`make_plan`."""
    bind.require_known_base(recipe, models)
    base_name = recipe.base or base_role(resolved)
    base = next(model for model in models if model.role == base_name)
    others = [model for model in models if model.role != base_name]
    architecture = _common_architecture(models)
    sources = {model.role for model in others} - set(resolved.roles)
    refusals, warnings = checks.architecture_problems(base, others, sources)
    refusals += checks.quantisation_problems(models)
    without_network = sources - {role for component, role in checks.component_sources(recipe) if component == "unet"}
    predicting = [model for model in models if model.role not in without_network]
    for problems in (
        checks.source_problems(recipe, base, models, architecture),
        checks.prediction_problems(predicting, allow_prediction_mismatch),
    ):
        refusals += problems[0]
        warnings += problems[1]
    warnings += bind.unexpected_hashes(recipe, models)
    if refusals:  # comparing keys of strangers would only add noise
        return _refused(recipe, resolved, base_name, architecture, models, refusals, warnings)

    blocks = block_map(architecture.blocks) if architecture.blocks else None
    evaluator = Evaluator(resolved, blocks, recipe.profile, base_name)
    planner = TensorPlanner(recipe, architecture, evaluator, base, others)
    tensors = planner.plan()
    refusals += _tensor_refusals(planner)
    merged = [
        tensor
        for tensor in tensors
        if not (tensor.raw or tensor.auxiliary) and recipe.policy(tensor.component) == MERGE
    ]
    rows = coefficient_rows(merged)
    differences = {model.role: _difference(base, model, architecture) for model in others}
    sums = checks.coefficient_problems(rows)
    refusals += sums[0]
    warnings += sums[1]
    if not merged:
        refusals.append("Nothing is merged: no tensor of the base model takes part in the formula.")
    else:
        used = set().union(*(tensor.form.roles for tensor in merged))
        warnings += checks.unused_models(resolved, used)
    for model in others:
        warnings += checks.difference_warnings(recipe, base, model, differences[model.role], sources)
        warnings += checks.channel_warnings(base, model)
    warnings += checks.fp8_warnings(recipe, base, tensors)
    ordered = _in_storage_order(tensors)
    return MergePlan(
        recipe=bind.with_bound_models(recipe, models),
        formula=print_formula(resolved.formula),
        base=base_name,
        architecture=architecture,
        models=tuple(models),
        differences=differences,
        tensors=ordered,
        rows=rows,
        component_actions=_component_actions(recipe, architecture, base),
        bytes_read=sum(tensor.bytes_read for tensor in ordered),
        bytes_written=sum(tensor.spec.nbytes for tensor in ordered),
        warnings=tuple(warnings),
        refusals=tuple(refusals),
        config=find_config(base.path),
    )


def check_output(plan: MergePlan, output: Path, *, overwrite: bool) -> list[str]:
    """Reasons why the plan's result cannot be written to ``output``."""
    free = shutil.disk_usage(output.parent).free if os.path.isdir(output.parent) else 0  # noqa: PTH112 (never raises)
    problems = checks.output_problems(output, plan.models, plan.bytes_written + DISK_RESERVE, free, overwrite)
    return problems or config_problems(plan.config, output, overwrite=overwrite)


def require_runnable(plan: MergePlan, further: Sequence[str] = ()) -> None:
    """Refuse a plan that cannot be run.

    Raises:
        PlanError: With every reason, one a line.
    """
    reasons = [*plan.refusals, *further]
    if reasons:
        raise PlanError("\n".join(reasons))


def _common_architecture(models: Sequence[InputModel]) -> Architecture:
    return next((model.architecture for model in models if model.architecture is not UNKNOWN), UNKNOWN)


def _refused(
    recipe: Recipe,
    resolved: ResolvedFormula,
    base: str,
    architecture: Architecture,
    models: Sequence[InputModel],
    refusals: list[str],
    warnings: list[str],
) -> MergePlan:
    formula = print_formula(resolved.formula)
    return MergePlan(
        recipe, formula, base, architecture, tuple(models), {}, (), (), {}, 0, 0, tuple(warnings), tuple(refusals)
    )


def _tensor_refusals(planner: TensorPlanner) -> list[str]:
    refusals = []
    for problems, text in (
        (planner.mismatches, "Tensors of different shapes cannot be merged"),
        (planner.uncomputable, "Tensors of these element types cannot be computed with"),
    ):
        if problems:
            more = f" (and {len(problems) - _LISTED} more)" if len(problems) > _LISTED else ""
            refusals.append(f"{text}: {'; '.join(problems[:_LISTED])}{more}.")
    return refusals


def _difference(base: InputModel, model: InputModel, architecture: Architecture) -> ModelDifference:
    return ModelDifference(_lacking(model, base, architecture), _lacking(base, model, architecture))


def _lacking(model: InputModel, other: InputModel, architecture: Architecture) -> dict[str, int]:
    """Counts by component of the tensors that ``other`` has and ``model`` lacks."""
    tensors = model.tensors
    counts = Counter(architecture.component_of(key) for key in other.tensors if not key_in_file(key, tensors))
    return dict(sorted(counts.items()))


def _in_storage_order(tensors: Sequence[PlannedTensor]) -> tuple[PlannedTensor, ...]:
    if any(tensor.auxiliary for tensor in tensors):
        return tuple(fp8_storage_order(tensors))
    by_name = {tensor.spec.name: tensor for tensor in tensors}
    return tuple(by_name[spec.name] for spec in storage_order([tensor.spec for tensor in tensors]))


def _component_actions(recipe: Recipe, architecture: Architecture, base: InputModel) -> dict[str, str]:
    present = dict.fromkeys(architecture.component_of(key) for key in base.tensors)
    return {component: recipe.policy(component) for component in present}
