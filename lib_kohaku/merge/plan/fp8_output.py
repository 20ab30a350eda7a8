"""Which tensors of a merge are written in fp8, and how.

Without a profile, weights of the UNet are rounded to plain fp8, whatever they are. With one, the same policy decides as
when a file is converted, and weights get scales where the profile has them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from lib_kohaku.checkpoint.architectures import Architecture
from lib_kohaku.checkpoint.dtypes import DTYPES, OUTPUT_DTYPES, DType
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.checkpoint.writer import TensorSpec
from lib_kohaku.fp8.codecs import FP8_TAGS, Scaling, format_named
from lib_kohaku.fp8.files import markers
from lib_kohaku.fp8.files.layout import StoredWeight
from lib_kohaku.fp8.files.plan import Profile, policy_for
from lib_kohaku.fp8.policy import Policy
from lib_kohaku.merge.algebra.forms import ZERO, LinearForm
from lib_kohaku.merge.plan.types import PlannedTensor
from lib_kohaku.merge.recipe import KEEP, Recipe

_ONE = struct.pack("<f", 1.0)


@dataclass(frozen=True)
class OutputType:
    """How a tensor is written.

    Attributes:
        dtype: Its element type.
        scaling: The scale that its values get, if it is fp8.
    """

    dtype: DType
    scaling: Scaling = Scaling.NONE


@cache
def _ordinary(dtype: DType) -> OutputType:
    return OutputType(dtype)


class Fp8Outputs:
    """The output types of one merge."""

    def __init__(self, recipe: Recipe, architecture: Architecture) -> None:
        """Follow a recipe.

        Args:
            recipe: The recipe.
            architecture: Of the base model.
        """
        self._recipe = recipe
        self._architecture = architecture
        self.profile = Profile(recipe.fp8_profile) if recipe.fp8_profile else None

    def type_of(self, info: TensorInfo, component: str, stored: StoredWeight | None) -> OutputType:
        """How a tensor of the base is written.

        Args:
            info: The tensor in the base's file.
            component: Its component.
            stored: Its format and scale if it is fp8 there.

        Raises:
            Fp8Error: If the profile cannot express what the recipe asks for.
        """
        wanted = self._recipe.dtype(component)
        dtype = info.dtype if wanted == KEEP else OUTPUT_DTYPES[wanted]
        if dtype.name not in FP8_TAGS:
            return _ordinary(dtype)
        if self.profile is not None:
            found = self._by_policy(info, component, dtype, wanted)
        elif wanted == KEEP:
            found = OutputType(dtype) if stored is None or stored.scale is None else None
        else:
            # Norms, biases and everything outside the UNet lose too much in 8 bits.
            found = OutputType(dtype) if component == "unet" and len(info.shape) >= 2 else None
        if found is not None:
            return found
        # What stays is as it is; codes that would lose their scale, or that the profile does not want, become numbers.
        decoded = stored is not None and (stored.scale is not None or self.profile is not None)
        return OutputType(DTYPES["F16"] if info.dtype.bits > 16 or decoded else info.dtype)

    def _by_policy(self, info: TensorInfo, component: str, dtype: DType, wanted: str) -> OutputType | None:
        assert self.profile is not None
        # A type for everything means the UNet; text encoders have to be asked for, or be fp8 already.
        named = wanted == KEEP or component in self._recipe.dtypes
        texts = named and component in ("te1", "te2", "te3")
        policy = policy_for(self.profile, Policy(fmt=format_named(dtype.name), text_encoders=texts))
        decision = policy.decide(info.name, component, info.shape)
        # Codes are written before their scale, which is known only then, and it has to begin at a multiple of four.
        fits = policy.scaling is Scaling.NONE or info.count % 4 == 0
        return OutputType(dtype, decision.scaling) if decision.convert and fits else None

    def settled(self, tensor: PlannedTensor) -> PlannedTensor:
        """A tensor that will be fp8, with its codes copied where that loses nothing."""
        if tensor.spec.dtype.name not in FP8_TAGS or tensor.raw or self.profile is None or tensor.regions:
            return tensor
        role = _only_source(tensor.form)
        stored = tensor.stored.get(role) if role else None
        if stored is None or stored.fmt.tag != tensor.spec.dtype.name:
            return tensor
        if stored.scale is None:
            # Codes without a scale have the scale 1; what the profile wants of it is another tensor.
            return replace(tensor, scaling=Scaling.NONE)
        if self.profile is Profile.PLAIN or (self.profile is Profile.COMFYUI and stored.channels):
            return tensor
        return replace(tensor, scaling=Scaling.NONE, carries_scale=True)

    def companions(self, tensors: Sequence[PlannedTensor]) -> list[PlannedTensor]:
        """The scales of the tensors that have one, and the profile's marker."""
        made = [companion for tensor in tensors for companion in self._scales(tensor)]
        if self.profile is Profile.COMFYUI and made:
            prefix = self._architecture.components.get("unet", ("",))[0]
            tag = next(tensor.spec.dtype for tensor in tensors if tensor.spec.dtype.name in FP8_TAGS)
            # Two elements ask for products in full precision.
            spec = TensorSpec(prefix + markers.SCALED_MARKER, tag, (2,))
            made.append(PlannedTensor(spec, "unet", None, ZERO, {}, auxiliary=True, constant=b"\0\0"))
        return made

    def _scales(self, tensor: PlannedTensor) -> Iterator[PlannedTensor]:
        spec = TensorSpec(markers.scale_key(tensor.spec.name), DTYPES["F32"], ())
        if tensor.scaling is not Scaling.NONE:
            yield PlannedTensor(spec, tensor.component, None, ZERO, {}, auxiliary=True, scale_of=tensor.spec.name)
        elif tensor.carries_scale:
            role = _only_source(tensor.form)
            stored = tensor.stored[role]
            assert stored.scale is not None
            shape = stored.info.shape[:1] if stored.channels else ()
            spec = TensorSpec(spec.name, spec.dtype, shape)
            form = LinearForm.of(role)
            yield PlannedTensor(spec, tensor.component, None, form, {role: stored.scale}, auxiliary=True)
        elif self.profile is Profile.COMFYUI and tensor.spec.dtype.name in FP8_TAGS and not tensor.raw:
            yield PlannedTensor(spec, tensor.component, None, ZERO, {}, auxiliary=True, constant=_ONE)


def fp8_storage_order(tensors: Sequence[PlannedTensor]) -> list[PlannedTensor]:
    """The order for files with scales: every tensor at a multiple of its element size, codes before their scale."""
    return sorted(tensors, key=_group)


def _group(tensor: PlannedTensor) -> int:
    if tensor.auxiliary and tensor.spec.dtype.name == "F32":
        return 3
    if tensor.scaling is not Scaling.NONE:
        return 2  # their number is a multiple of four
    bits = tensor.spec.dtype.bits
    return {64: 0, 32: 1, 16: 4}.get(bits, 5)


def _only_source(form: LinearForm) -> str:
    """The model that a form is, unchanged; empty if it is anything else."""
    if len(form.terms) != 1:
        return ""
    source, coefficient = form.terms[0]
    return source if isinstance(source, str) and coefficient == 1 else ""
