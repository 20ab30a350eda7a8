"""What happens to every tensor of the output."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from lib_kohaku.checkpoint.architectures import Architecture, is_never_merged, key_in_file
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.checkpoint.writer import TensorSpec
from lib_kohaku.merge.algebra.evaluate import Evaluator
from lib_kohaku.merge.algebra.forms import LinearForm
from lib_kohaku.merge.plan.fp8_output import Fp8Outputs
from lib_kohaku.merge.plan.shapes import mergeable, shares_channels
from lib_kohaku.merge.plan.types import InputModel, PlannedTensor
from lib_kohaku.merge.recipe import BASE, DROP, FROM, MERGE, Recipe


@dataclass
class TensorPlanner:
    """Plans one output tensor after the other.

    Attributes:
        mismatches: Filled while planning: tensors whose shapes do not go together, as sentences.
        uncomputable: Filled while planning: tensors that would have to be computed with but cannot.
    """

    recipe: Recipe
    architecture: Architecture
    evaluator: Evaluator
    base: InputModel
    others: Sequence[InputModel]
    mismatches: list[str] = field(default_factory=list)
    uncomputable: list[str] = field(default_factory=list)

    def plan(self) -> list[PlannedTensor]:
        """All tensors of the output, in the base file's order, then what belongs to those that are fp8."""
        self._outputs = Fp8Outputs(self.recipe, self.architecture)
        self._fp8 = {model.role: model.fp8.weights for model in (self.base, *self.others) if model.fp8.weights}
        planned = (self._plan_tensor(info) for info in self.base.tensors.values())
        tensors = [tensor for tensor in planned if tensor is not None]
        return tensors + self._outputs.companions(tensors)

    def _plan_tensor(self, info: TensorInfo) -> PlannedTensor | None:
        component = self.architecture.component_of(info.name)
        policy = self.recipe.policy(component)
        if policy == DROP:
            return None
        if is_never_merged(info):
            return self._copy(info, component)
        found, missing = self._find(info)
        tensor_class = self.evaluator.class_of(info.name, missing)
        if policy == MERGE:
            form = self.evaluator.form(tensor_class)
        else:
            role = self.base.role if policy == BASE else policy[len(FROM) :]
            usable = role in found and not shares_channels(info, found[role])
            form = LinearForm.of(role if usable else self.base.role)
        regions = self._regions(info, found, missing) if policy == MERGE else ()
        roles = form.roles.union(*(region[2].roles for region in regions))
        inputs = {role: found[role] for role in sorted(roles)}
        stored = {
            role: layout[inputs[role].name]
            for role, layout in self._fp8.items()
            if role in inputs and inputs[role].name in layout
        }
        output = self._outputs.type_of(info, component, self.base.fp8.weights.get(info.name))
        dtype = output.dtype
        needs_arithmetic = (
            bool(regions) or len(form.terms) != 1 or any(used.dtype is not dtype for used in inputs.values())
        )
        if needs_arithmetic and not all(used.dtype.torch_name and used.dtype.floating for used in inputs.values()):
            self.uncomputable.append(info.name)
        spec = TensorSpec(info.name, dtype, info.shape)
        tensor = PlannedTensor(
            spec,
            component,
            tensor_class.slot,
            form,
            inputs,
            regions=regions,
            stored=stored,
            scaling=output.scaling,
        )
        return self._outputs.settled(tensor) if stored else tensor

    def _regions(
        self, info: TensorInfo, found: Mapping[str, TensorInfo], missing: frozenset[str]
    ) -> tuple[tuple[int, int, LinearForm], ...]:
        """Ranges of input channels that different sets of models have; empty where all have the same."""
        narrow = {role: other.shape[1] for role, other in found.items() if shares_channels(info, other)}
        if not narrow:
            return ()
        borders = sorted({0, info.shape[1], *(count for count in narrow.values() if count < info.shape[1])})
        regions = []
        for first, end in itertools.pairwise(borders):
            lacking = frozenset(role for role, count in narrow.items() if count < end)
            regions.append((first, end, self.evaluator.form(self.evaluator.class_of(info.name, missing | lacking))))
        return tuple(regions)

    def _copy(self, info: TensorInfo, component: str) -> PlannedTensor:
        tensor_class = self.evaluator.class_of(info.name, frozenset())
        form = LinearForm.of(self.base.role)
        spec = TensorSpec(info.name, info.dtype, info.shape)
        return PlannedTensor(spec, component, tensor_class.slot, form, {self.base.role: info}, raw=True)

    def _find(self, info: TensorInfo) -> tuple[Mapping[str, TensorInfo], frozenset[str]]:
        found = {self.base.role: info}
        missing = set()
        for model in self.others:
            key = key_in_file(info.name, model.tensors)
            if key is None:
                missing.add(model.role)
                continue
            other = model.tensors[key]
            if not mergeable(info, other):
                self.mismatches.append(
                    f"{info.name} is {list(info.shape)} in {self.base.path.name} but {list(other.shape)} in "
                    f"{model.path.name}"
                )
                missing.add(model.role)
                continue
            found[model.role] = other
        return found, frozenset(missing)
