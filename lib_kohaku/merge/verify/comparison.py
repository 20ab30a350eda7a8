"""Comparing one tensor after the other of a merged file with what its recipe gives."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from lib_kohaku.checkpoint.blocks import block_map
from lib_kohaku.checkpoint.dtypes import DTYPES, DType
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.checkpoint.io.aligned import aligned_buffer
from lib_kohaku.checkpoint.source import Checkpoint
from lib_kohaku.checkpoint.tensors import view_elements
from lib_kohaku.fp8.codecs import Scaling
from lib_kohaku.merge.algebra.evaluate import Evaluator
from lib_kohaku.merge.algebra.resolve import ResolvedFormula, resolve_formula
from lib_kohaku.merge.execute.batches import Part, needs_whole
from lib_kohaku.merge.execute.compute import Computer
from lib_kohaku.merge.execute.elements import read_scales
from lib_kohaku.merge.execute.sinks import DictSink
from lib_kohaku.merge.plan.types import MergePlan, PlannedTensor
from lib_kohaku.merge.recipe import MERGE
from lib_kohaku.merge.verify.distance import round_reference, ulp_distance, without_noise
from lib_kohaku.merge.verify.fp8_values import WRONG, scaled_distance, scaled_values
from lib_kohaku.merge.verify.reference import ReferenceWalk, reference_of_form

SLICE = 1 << 20


@dataclass(frozen=True)
class TensorFinding:
    """A tensor that differs from what the recipe gives: how many elements of how many, and by how much at most."""

    name: str
    elements: int
    differing: int
    worst_ulps: int


class Comparison:
    """Open files, and the comparison of one tensor after the other."""

    def __init__(self, plan: MergePlan, path: Path) -> None:
        """Open the merged file of a plan and all its inputs.

        Raises:
            CheckpointError: If a file or a scale in it is damaged.
        """
        self._plan = plan
        self._stack = contextlib.ExitStack()
        self._result = self._stack.enter_context(Checkpoint(path))
        self._inputs = {model.role: self._stack.enter_context(Checkpoint(model.path)) for model in plan.models}
        self._scales = read_scales(plan, self._inputs)
        self._resolved: ResolvedFormula = resolve_formula(plan.recipe.formula, plan.recipe.parameters)
        blocks = block_map(plan.architecture.blocks) if plan.architecture.blocks else None
        self._evaluator = Evaluator(self._resolved, blocks, plan.recipe.profile, plan.base)

    def __enter__(self) -> Comparison:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def compare(self, tensor: PlannedTensor) -> TensorFinding:
        """Compare one tensor, slice by slice."""
        name = tensor.spec.name
        source = tensor.copied_from
        if source is not None or tensor.constant is not None:
            bytes_wanted = tensor.constant if source is None else self._read_all(tensor, source)
            same = self._result.read_bytes(name) == bytes_wanted
            return TensorFinding(name, tensor.spec.count, 0 if same else tensor.spec.count, 0 if same else WRONG)
        if tensor.scaling is not Scaling.NONE:
            return self._compare_scaled(tensor)
        differing = worst = 0
        for result, expected in self._slices(tensor):
            distance = _distance(result, expected, tensor.spec.dtype)
            differing += int((distance != 0).sum())
            worst = max(worst, int(distance.max()) if distance.numel() else 0)
        return TensorFinding(name, tensor.spec.count, differing, worst)

    def _compare_scaled(self, tensor: PlannedTensor) -> TensorFinding:
        """Compare one tensor as a whole: its scale depends on all of it."""
        codes, expected = zip(*self._slices(tensor), strict=True)
        distance = scaled_distance(torch.cat(codes), without_noise(torch.cat(expected)), tensor, self._result)
        worst = int(distance.max()) if distance.numel() else 0
        return TensorFinding(tensor.spec.name, tensor.spec.count, int((distance != 0).sum()), worst)

    def _slices(self, tensor: PlannedTensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        if needs_whole(tensor) or not _is_linear(tensor):
            # Methods that see the values are their own definition: this checks that nothing else went wrong.
            yield view_elements(self._result.read_bytes(tensor.spec.name), tensor.spec.dtype), self._by_method(tensor)
            return
        info = self._result.tensors[tensor.spec.name]
        for start in range(0, tensor.spec.count, SLICE):
            count = min(SLICE, tensor.spec.count - start)
            result = _read(self._result, info, start, count)
            values = {
                role: scaled_values(
                    _read(self._inputs[role], used, start, count).to(torch.float64), tensor, role, start, self._scales
                )
                for role, used in tensor.inputs.items()
            }
            yield result, self._expected(tensor, values)

    def _expected(self, tensor: PlannedTensor, values: Mapping[str, torch.Tensor]) -> torch.Tensor:
        roles = set(self._resolved.roles)
        merged = self._plan.recipe.policy(tensor.component) == MERGE
        if not merged or tensor.auxiliary or not roles <= values.keys():
            return reference_of_form(tensor.form, values)
        tensor_class = self._evaluator.class_of(tensor.spec.name, frozenset())
        return ReferenceWalk(self._evaluator, tensor_class, values).model(self._resolved.expression)

    def _by_method(self, tensor: PlannedTensor) -> torch.Tensor:
        wide = replace(tensor, spec=replace(tensor.spec, dtype=DTYPES["F64"]), scaling=Scaling.NONE)
        sink = DictSink([wide.spec])
        part = Part(wide, 0, wide.spec.count, whole=True)
        data = {role: self._inputs[role].read_bytes(info.name) for role, info in tensor.inputs.items()}
        Computer(sink, self._plan.recipe.seed, scales=self._scales).compute(part, data)
        sink.finish()
        return sink.tensors[tensor.spec.name].reshape(-1)

    def _read_all(self, tensor: PlannedTensor, role: str) -> memoryview:
        return self._inputs[role].read_bytes(tensor.inputs[role].name)


def _is_linear(tensor: PlannedTensor) -> bool:
    return all(isinstance(source, str) for source, _ in tensor.form.terms)


def _distance(result: torch.Tensor, expected: torch.Tensor, dtype: DType) -> torch.Tensor:
    if dtype.bits == 64:
        # Nothing here is wider than float64 and could say what its last bits should be.
        result, expected = without_noise(result).to(torch.float32), without_noise(expected).to(torch.float32)
        return ulp_distance(result, expected)
    return ulp_distance(result, round_reference(without_noise(expected), dtype))


def _read(checkpoint: Checkpoint, info: TensorInfo, start: int, count: int) -> torch.Tensor:
    size = info.dtype.bits // 8
    buffer = aligned_buffer(checkpoint.reader.buffer_bytes(count * size))
    return view_elements(checkpoint.reader.read(info.start + start * size, count * size, buffer), info.dtype)
