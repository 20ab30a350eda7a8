"""The final coefficients of a plan, as a table that people can read."""

from __future__ import annotations

from collections.abc import Sequence

from lib_kohaku.merge.algebra.forms import LinearForm
from lib_kohaku.merge.plan.types import CoefficientRow, PlannedTensor


def coefficient_rows(merged: Sequence[PlannedTensor]) -> tuple[CoefficientRow, ...]:
    """One row per distinct combination among the merged tensors, in the order of their first tensor.

    Combinations that differ only because a model lacks a tensor are not told apart by slot names.
    """
    # Nearly all tensors share a few dozen objects; comparing those is a matter of fractions, which are slow.
    shared: dict[int, list[PlannedTensor]] = {}
    for tensor in merged:
        shared.setdefault(id(tensor.form), []).append(tensor)
    groups: dict[LinearForm, list[PlannedTensor]] = {}
    for tensors in shared.values():
        groups.setdefault(tensors[0].form, []).extend(tensors)
    several = len(groups) > 1
    return tuple(_row(form, tensors, several) for form, tensors in groups.items())


def _row(form: LinearForm, tensors: Sequence[PlannedTensor], several: bool) -> CoefficientRow:
    slots = dict.fromkeys(tensor.slot or tensor.component for tensor in tensors) if several else {}
    return CoefficientRow(
        slots=tuple(sorted(slots, key=_slot_order)),
        tensors=len(tensors),
        coefficients={source: value for source, value in form.terms if isinstance(source, str)},
        methods=tuple(source.method for source, _ in form.terms if not isinstance(source, str)),
        total=form.total,
    )


def _slot_order(slot: str) -> tuple[int, str]:
    ranks = ("BASE", "TE1", "TE2", "TIME", "LABEL", "IN", "M0", "OUT")
    return next((rank for rank, start in enumerate(ranks) if slot.startswith(start)), len(ranks)), slot
