"""The values that a plan consists of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from lib_kohaku.checkpoint.architectures import UNKNOWN, Architecture
from lib_kohaku.checkpoint.header import Header, TensorInfo
from lib_kohaku.checkpoint.writer import TensorSpec
from lib_kohaku.fp8.codecs import Scaling
from lib_kohaku.fp8.files.layout import NOTHING_FP8, Fp8Layout, StoredWeight
from lib_kohaku.merge.algebra.forms import LinearForm
from lib_kohaku.merge.recipe import Recipe

LORA, VAE = "LoRA", "VAE"
_VAE_KEYS = {"encoder.conv_in.weight", "decoder.conv_in.weight"}


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
        fp8: What is fp8 in it.
        problem: Why its weights cannot be understood (a quantisation that is not supported); empty if they can.
    """

    role: str
    path: Path
    header: Header
    architecture: Architecture
    prediction: str
    sha256: str = ""
    fp8: Fp8Layout = NOTHING_FP8
    problem: str = ""

    @cached_property
    def tensors(self) -> Mapping[str, TensorInfo]:
        """The tensors of the model by name: all but scales and markers of fp8 weights."""
        tensors = self.header.tensors
        if not self.fp8.bookkeeping:
            return tensors
        return {name: info for name, info in tensors.items() if name not in self.fp8.bookkeeping}

    @cached_property
    def kind(self) -> str:
        """What it is, for people; also of files without an architecture that are mistaken for checkpoints."""
        if self.architecture is UNKNOWN:
            if any(".lora_down." in name or ".lora_A." in name for name in self.tensors):
                return LORA
            if self.tensors.keys() >= _VAE_KEYS:
                return VAE
        return self.architecture.label


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
        stored: For every input that is fp8, its format and where its scale lies.
        scaling: For an fp8 output, the scale that it gets when its values are known.
        carries_scale: Its codes are copied, and so is their scale, as another tensor.
        auxiliary: No tensor of the base, but the scale or a marker of fp8 outputs.
        scale_of: The output tensor whose scale this is, made with it; empty for all others.
        constant: The data, if they depend on nothing.
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
    stored: Mapping[str, StoredWeight] = field(default_factory=dict)
    scaling: Scaling = Scaling.NONE
    carries_scale: bool = False
    auxiliary: bool = False
    scale_of: str = ""
    constant: bytes | None = None

    @property
    def copied_from(self) -> str | None:
        """The model whose bytes it takes as they are, None if there is arithmetic to do."""
        if len(self.form.terms) != 1 or self.regions:
            return None
        source, coefficient = self.form.terms[0]
        if not isinstance(source, str) or coefficient != 1:
            return None
        if self.raw:
            return source
        stored = self.stored.get(source)
        if stored is not None and stored.scale is not None and not self.carries_scale:
            return None  # codes say nothing without their scale
        return source if self.inputs[source].dtype is self.spec.dtype else None

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
