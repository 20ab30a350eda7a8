"""From the bytes of a batch to the bytes of the output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import torch

from lib_kohaku.checkpoint.tensors import view_elements
from lib_kohaku.fp8.codecs import Scale, Scaling
from lib_kohaku.merge.execute.batches import Part
from lib_kohaku.merge.execute.elements import ElementReader, Elements
from lib_kohaku.merge.execute.kernel import BLOCK, LinearKernel
from lib_kohaku.merge.execute.method_values import MethodValues
from lib_kohaku.merge.execute.rounding import Rounder
from lib_kohaku.merge.execute.scaled import ScaledTensor
from lib_kohaku.merge.execute.sinks import Sink


class Computer:
    """Computes parts and writes them into a sink.

    Attributes:
        not_finite: Names of tensors that hold values beyond what the output type can hold, or NaN.
    """

    def __init__(
        self, sink: Sink, seed: int, block: int = BLOCK, scales: Mapping[tuple[str, str], Scale] | None = None
    ) -> None:
        """Prepare.

        Args:
            sink: Where results go.
            seed: The recipe's.
            block: How many values are computed at once.
            scales: Those of fp8 inputs, from :func:`~lib_kohaku.merge.execute.elements.read_scales`.
        """
        self._sink = sink
        self._reader = ElementReader(scales or {}, block)
        self._scaled = ScaledTensor()
        self._seed = seed
        self._kernel = LinearKernel(block)
        self._rounder = Rounder(block)
        self.not_finite: dict[str, None] = {}

    def compute(self, part: Part, data: Mapping[str, memoryview]) -> None:
        """Compute one part.

        Args:
            part: What to compute.
            data: For every input, the bytes of :meth:`~lib_kohaku.merge.execute.batches.Part.byte_range`.

        Raises:
            NotFiniteError: If an fp8 input has a code for NaN, or a result that becomes fp8 with a scale is no number.
        """
        tensor = part.tensor
        if tensor.constant is not None or tensor.scale_of:
            self._copy(memoryview(tensor.constant or self._scaled.scale_of(tensor.scale_of)))
            return
        source = tensor.copied_from
        if source is not None:
            if source in tensor.stored:
                self._reader.of(part, source, data[source]).check()
            self._copy(data[source])
            return
        inputs = {role: self._reader.of(part, role, data[role]) for role in tensor.inputs}
        try:
            self._compute(part, inputs)
        finally:
            # Of a damaged file rather that is said than what came of it.
            if tensor.spec.name in self.not_finite:
                for elements in inputs.values():
                    elements.check()

    def _compute(self, part: Part, inputs: Mapping[str, Elements]) -> None:
        tensor = part.tensor
        if tensor.scaling is not Scaling.NONE and part.start == 0:
            self._scaled.begin(tensor.spec)
        if tensor.regions:
            self._round(part, self._regions(part, inputs))
        elif all(isinstance(term, str) for term, _ in tensor.form.terms):
            self._combine(part, inputs)
        else:
            values = {role: elements.whole() for role, elements in inputs.items()}
            self._round(part, MethodValues(part, values, self._kernel, self._seed).of(tensor.form))
        if tensor.scaling is not Scaling.NONE and part.start + part.count == tensor.spec.count:
            self._copy(memoryview(self._scaled.codes(tensor.spec).numpy()))  # type: ignore[arg-type]

    def _copy(self, data: memoryview) -> None:
        position = 0
        while position < len(data):
            target = self._sink.reserve(len(data) - position)
            target[:] = data[position : position + len(target)]
            position += len(target)
            self._sink.commit(len(target))

    def _combine(self, part: Part, inputs: Mapping[str, Elements]) -> None:
        """The common case: block by block, straight into the sink's memory."""
        roles = [str(source) for source, _ in part.tensor.form.terms]
        coefficients = tuple(value for _, value in part.tensor.form.terms)
        position = 0
        while position < part.count:
            target = self._reserve(part, position)
            end = position + len(target)
            total = self._kernel.combine([inputs[role].block(position, end) for role in roles], coefficients)
            self._finish_block(part, total, target)
            position = end

    def _round(self, part: Part, values: torch.Tensor) -> None:
        """Round a float64 tensor that is in memory into the sink."""
        flat = values.reshape(-1)
        position = 0
        while position < part.count:
            target = self._reserve(part, position)
            end = position + len(target)
            self._finish_block(part, flat[position:end], target)
            position = end

    def _reserve(self, part: Part, position: int) -> torch.Tensor:
        if part.tensor.scaling is not Scaling.NONE:
            count = min(self._kernel.block, part.count - position)
            return self._scaled.room(part.start + position, count)
        dtype = part.tensor.spec.dtype
        size = dtype.bits // 8
        wanted = min(self._kernel.block, part.count - position) * size
        memory = self._sink.reserve(wanted)
        return view_elements(memory[: len(memory) // size * size], dtype)

    def _finish_block(self, part: Part, values: torch.Tensor, target: torch.Tensor) -> None:
        spec = part.tensor.spec
        scratch = self._kernel.scratch[: len(values)]
        if part.tensor.scaling is not Scaling.NONE:
            if not self._scaled.put(values, scratch, target):
                self.not_finite.setdefault(spec.name)
            return
        if not self._rounder.round(values, scratch, target, spec.dtype):
            self.not_finite.setdefault(spec.name)
        self._sink.commit(len(target) * spec.dtype.bits // 8)

    def _regions(self, part: Part, inputs: Mapping[str, Elements]) -> torch.Tensor:
        """A first convolution whose inputs have different numbers of channels."""
        tensor, spec = part.tensor, part.tensor.spec
        shaped = {role: inputs[role].whole().reshape(info.shape) for role, info in tensor.inputs.items()}
        total = torch.empty(spec.shape, dtype=torch.float64)
        for first, end, form in tensor.regions:
            region = replace(spec, shape=(spec.shape[0], end - first, *spec.shape[2:]))
            channels = {role: shaped[role][:, first:end].reshape(-1) for role in form.roles}
            within = Part(replace(tensor, spec=region, regions=()), 0, region.count, whole=True)
            total[:, first:end] = MethodValues(within, channels, self._kernel, self._seed).of(form)
        return total
