"""A plan as a JSON document, for machines: the command line's ``--json`` and the HTTP API."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from lib_kohaku.checkpoint.hashes import auto_v2
from lib_kohaku.merge.plan.memory import peak_memory
from lib_kohaku.merge.plan.types import InputModel, MergePlan


def plan_document(plan: MergePlan) -> dict[str, Any]:
    """Everything that a plan says."""
    return {
        "formula": plan.formula,
        "architecture": plan.architecture.id,
        "base": plan.base,
        "models": [_model(plan, model) for model in plan.models],
        "coefficients": [
            {
                "blocks": list(row.slots) or "all",
                "tensors": row.tensors,
                "coefficients": {role: exact_number(value) for role, value in row.coefficients.items()},
                "methods": list(row.methods),
                "sum": exact_number(row.total),
            }
            for row in plan.rows
        ],
        "components": dict(plan.component_actions),
        "config": plan.config.name if plan.config else None,
        "tensors": len(plan.tensors),
        "bytes_read": plan.bytes_read,
        "bytes_written": plan.bytes_written,
        "peak_memory": peak_memory(plan),
        "warnings": list(plan.warnings),
        "refusals": list(plan.refusals),
    }


def _model(plan: MergePlan, model: InputModel) -> dict[str, Any]:
    difference = plan.differences.get(model.role)
    return {
        "role": model.role,
        "file": model.path.name,
        "architecture": model.architecture.id,
        "prediction": model.prediction,
        "tensors": len(model.tensors),
        "sha256": model.sha256 or None,
        "autov2": auto_v2(model.sha256) if model.sha256 else None,
        "missing": dict(difference.missing) if difference else {},
        "extra": dict(difference.extra) if difference else {},
    }


def exact_number(value: Fraction) -> int | float:
    """A coefficient as a JSON number."""
    return int(value) if value.denominator == 1 else float(value)
