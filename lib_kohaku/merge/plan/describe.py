"""A plan in words."""

from __future__ import annotations

from fractions import Fraction

from lib_kohaku.checkpoint.hashes import auto_v2
from lib_kohaku.fp8.codecs import FP8_TAGS, Scaling
from lib_kohaku.merge.plan.memory import peak_memory
from lib_kohaku.merge.plan.types import CoefficientRow, InputModel, MergePlan
from lib_kohaku.merge.recipe import BASE, DROP, MERGE
from lib_kohaku.units import format_bytes


def describe_plan(plan: MergePlan) -> list[str]:
    """Lines for a terminal; warnings and refusals last."""
    lines = [f"formula       {plan.formula.splitlines()[0]}"]
    lines += [f"              {line}" for line in plan.formula.splitlines()[1:]]
    lines.append(f"architecture  {plan.architecture.label}")
    for model in plan.models:
        lines.append(f"model         {_model(model)}{'  (base)' if model.role == plan.base else ''}")
    if plan.rows:
        lines.append("coefficients")
        lines += [f"  {describe_row(row)}" for row in plan.rows]
        actions = ", ".join(f"{name} {describe_action(action)}" for name, action in plan.component_actions.items())
        lines.append(f"components    {actions}")
        lines += [f"fp8           {text}" for text in describe_fp8(plan)]
        if plan.config:
            lines.append(f"config        {plan.config.name} is copied beside the result")
        lines.append(
            f"work          read {format_bytes(plan.bytes_read)}, write {format_bytes(plan.bytes_written)}, "
            f"about {format_bytes(peak_memory(plan))} of memory"
        )
    lines += [f"warning: {warning}" for warning in plan.warnings]
    lines += [f"refused: {refusal}" for refusal in plan.refusals]
    return lines


def _model(model: InputModel) -> str:
    known = f"  {auto_v2(model.sha256)}" if model.sha256 else ""
    return f"{model.role} = {model.path.name}{known}  {model.kind}"


def describe_fp8(plan: MergePlan) -> list[str]:
    """Which weights are written in fp8, in one line; none if none are."""
    weights = [tensor for tensor in plan.tensors if tensor.spec.dtype.name in FP8_TAGS and not tensor.auxiliary]
    if not weights:
        return []
    scaled = sum(tensor.scaling is not Scaling.NONE or tensor.carries_scale for tensor in weights)
    profile = f", {plan.recipe.fp8_profile} profile" if plan.recipe.fp8_profile else ""
    return [f"{len(weights)} weights, {f'{scaled} with a scale' if scaled else 'without scales'}{profile}"]


def describe_row(row: CoefficientRow) -> str:
    """One row of coefficients: ``IN00, IN01: 0.9 beta7 + 0.1 anxl3``."""
    terms = [f"{_number(value)} {role}" for role, value in row.coefficients.items()]
    terms += [f"{method}(...)" for method in row.methods]
    text = " + ".join(terms).replace("+ -", "- ") or "0"
    where = ", ".join(row.slots) if row.slots else "everywhere"
    return f"{where}: {text}"


def describe_action(action: str) -> str:
    """What happens to a component, in a word or two."""
    return {MERGE: "merged", BASE: "kept from the base", DROP: "left out"}.get(action, action.replace(":", " "))


def _number(value: Fraction) -> str:
    return f"{float(value):.6g}"
