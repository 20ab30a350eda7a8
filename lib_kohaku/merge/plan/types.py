"""The values that a plan consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from lib_kohaku.checkpoint.architectures import Architecture
from lib_kohaku.checkpoint.header import Header, TensorInfo
from lib_kohaku.checkpoint.writer import TensorSpec
from lib_kohaku.merge.algebra.forms import LinearForm
from lib_kohaku.merge.recipe import Recipe


@dataclass(frozen=True)
class InputModel:
    """A checkpoint that takes part.

    Attributes:
        role: Its name in the formula.
        path: The file.
        header: Its header.
        architecture: What it is.
        prediction: ``epsilon``, ``v`` or ``edm``.
        sha256: Its hash, empty if not computed.
    """

    role: str
    path: Path
    header: Header
    architecture: Architecture
    prediction: str
    sha256: str = ""


@dataclass(frozen=True)
class PlannedTensor:
    """What happens to one tensor of the output.

    Attributes:
        spec: Its name, element type and shape in the output.
        component: ``unet``, ``te1``, ...
        slot: Its slot in the block map, None if it has none.
        form: The combination that it becomes; ``1 * base`` for what is copied.
        inputs: For every model of ``form``, where its values lie.
        raw: Copied byte for byte, whatever its type (integers, schedules).
        regions: For a first convolution whose inputs have different numbers of input channels: ranges of channels
            (first, end) and the combination that holds there. Empty for all other tensors.
    """

    spec: TensorSpec
    component: str
    slot: str | None
    form: LinearForm
    inputs: Mapping[str, TensorInfo]
    raw: bool = False
    regions: tuple[tuple[int, int, LinearForm], ...] = ()

    @property
    def copied_from(self) -> str | None:
        """The model whose bytes it takes as they are, None if there is arithmetic to do."""
        if len(self.form.terms) != 1 or self.regions:
            return None
        source, coefficient = self.form.terms[0]
        if not isinstance(source, str) or coefficient != 1:
            return None
        return source if self.raw or self.inputs[source].dtype is self.spec.dtype else None

    @property
    def bytes_read(self) -> int:
        """Bytes to read for it."""
        return sum(info.nbytes for info in self.inputs.values())


@dataclass(frozen=True)
class ModelDifference:
    """How an input's tensors differ from the base's, by component: counts of keys.

    Attributes:
        missing: Keys that only the base has.
        extra: Keys that only this model has; they do not get into the output.
    """

    missing: Mapping[str, int]
    extra: Mapping[str, int]


@dataclass(frozen=True)
class CoefficientRow:
    """The coefficients of the tensors of some slots.

    Attributes:
        slots: Slot names; empty when the row holds for the whole model.
        tensors: Number of tensors.
        coefficients: Role to coefficient; roles inside a tensor method are not here.
        methods: Names of tensor methods that contribute.
        total: Coefficient sum.
    """

    slots: tuple[str, ...]
    tensors: int
    coefficients: Mapping[str, Fraction]
    methods: tuple[str, ...]
    total: Fraction


@dataclass(frozen=True)
class MergePlan:
    """A merge that can be shown, refused or run.

    Attributes:
        recipe: The recipe, with every role bound.
        formula: The formula in its printed form.
        base: Role of the base model.
        architecture: Of the base model.
        models: All inputs, in the order of their first use.
        differences: For every input but the base, how its keys differ.
        tensors: The output's tensors in storage order.
        rows: Final coefficients.
        component_actions: Component to a word on what happens to it.
        bytes_read: Bytes to read.
        bytes_written: Size of the output without its header.
        warnings: What the user should know.
        refusals: Why it cannot be run; empty if it can.
        config: The base's ``.yaml``, by which the webui builds the model and which goes with the result; mostly None.
    """

    recipe: Recipe
    formula: str
    base: str
    architecture: Architecture
    models: tuple[InputModel, ...]
    differences: Mapping[str, ModelDifference]
    tensors: tuple[PlannedTensor, ...]
    rows: tuple[CoefficientRow, ...]
    component_actions: Mapping[str, str]
    bytes_read: int
    bytes_written: int
    warnings: tuple[str, ...]
    refusals: tuple[str, ...]
    config: Path | None = None

    def model(self, role: str) -> InputModel:
        """The input of a role."""
        return next(model for model in self.models if model.role == role)
