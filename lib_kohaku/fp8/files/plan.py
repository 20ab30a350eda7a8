"""What a converted file will hold, tensor by tensor, decided from headers alone."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum

from lib_kohaku.checkpoint.architectures import Architecture, detect_architecture
from lib_kohaku.checkpoint.dtypes import DTYPES, DType
from lib_kohaku.checkpoint.header import TensorInfo
from lib_kohaku.checkpoint.writer import TensorSpec
from lib_kohaku.fp8.codecs import E4M3FN, Fp8Format, Scaling
from lib_kohaku.fp8.errors import Fp8Error
from lib_kohaku.fp8.files import markers
from lib_kohaku.fp8.files.layout import Fp8Layout
from lib_kohaku.fp8.files.profile import Profile as Profile
from lib_kohaku.fp8.files.reader import Fp8Checkpoint
from lib_kohaku.fp8.policy import Kind, MemoryTable, Policy
from lib_kohaku.fp8.policy.predict import Held, tabulate
from lib_kohaku.version import __version__

METADATA_FP8 = "kohaku.fp8"
METADATA_SOURCE = "kohaku.source_sha256"


class Action(Enum):
    """Where a tensor of the output comes from."""

    COPY = "copy"  # the bytes of the file
    ENCODE = "encode"  # numbers to codes
    CARRY = "carry"  # codes that the file has already
    WIDEN = "widen"  # codes to numbers
    SCALE = "scale"  # the scale of a tensor that is encoded or carried
    CONSTANT = "constant"


@dataclass(frozen=True)
class Step:
    """One tensor of the output.

    Attributes:
        spec: What is written.
        action: How it comes about.
        source: The tensor of the input that it is made from; empty for constants.
        fmt: The fp8 format of what is encoded.
        scaling: The scaling of what is encoded.
        data: The bytes of a constant.
        weight: For a scale, the step that makes its weight.
    """

    spec: TensorSpec
    action: Action
    source: str
    fmt: Fp8Format = E4M3FN
    scaling: Scaling = Scaling.NONE
    data: bytes = b""
    weight: Step | None = None


@dataclass(frozen=True)
class ConversionPlan:
    """A conversion that can be run.

    Attributes:
        steps: The output's tensors in the order of their data.
        metadata: Of the output.
        architecture: Of the input.
        memory: Bytes by component before and after.
        dropped: Tensors of the input that are not carried over: activation scales.
    """

    steps: tuple[Step, ...]
    metadata: Mapping[str, str]
    architecture: Architecture
    memory: MemoryTable
    dropped: tuple[str, ...]


def policy_for(profile: Profile, policy: Policy) -> Policy:
    """A policy narrowed to what a profile can express.

    Raises:
        Fp8Error: If that is impossible.
    """
    if profile is Profile.WEBUI:
        return policy
    if profile is Profile.PLAIN:
        return replace(policy, scaling=Scaling.NONE, by_channel=frozenset())
    if policy.text_encoders:
        raise Fp8Error("ComfyUI reads scaled text encoders only from files of their own; convert the UNet alone")
    return replace(policy, scaling=Scaling.TENSOR, by_channel=frozenset(), kinds=policy.kinds & {Kind.LINEAR})


def plan_conversion(file: Fp8Checkpoint, profile: Profile, policy: Policy, sha256: str) -> ConversionPlan:
    """Plan a conversion to fp8.

    Args:
        file: The input; may be fp8 itself: codes of the right format are carried over as they are.
        profile: For whom.
        policy: What is converted; narrowed to the profile.
        sha256: Of the input file, for the metadata; empty if it is not known.

    Raises:
        Fp8Error: If nothing would be converted.
    """
    policy = policy_for(profile, policy)
    architecture = detect_architecture(file.checkpoint.tensors)
    chosen = dict(_choose(file, profile, policy, architecture.component_of))
    if not any(step.action in (Action.ENCODE, Action.CARRY) for step in chosen.values()):
        raise Fp8Error(f"{file.label}: there is nothing to convert ({architecture.label}, {profile.value} profile).")
    steps = list(chosen.values())
    steps += [_scale_step(step) for step in chosen.values() if step.scaling is not Scaling.NONE]
    if profile is Profile.COMFYUI:
        steps.append(_comfyui_marker(policy.fmt, architecture))
    metadata = _metadata(file, sha256)
    details = {
        "version": __version__,
        "profile": profile.value,
        "format": policy.fmt.name,
        "text_encoders": policy.text_encoders,
        "converted": sum(step.action in (Action.ENCODE, Action.CARRY) for step in steps),
        "left_out": [*policy.keep, *(keep.pattern for keep in policy.rules.keep)],
    }
    metadata[METADATA_FP8] = json.dumps(details, ensure_ascii=False)
    return _finish(file, steps, metadata, architecture)


def plan_expansion(file: Fp8Checkpoint, wide: DType, sha256: str) -> ConversionPlan:
    """Plan the way back: every fp8 tensor as numbers of a wider type, scales applied, the rest as it is.

    Args:
        file: The input.
        wide: ``F16``, ``BF16`` or ``F32``.
        sha256: As for :func:`plan_conversion`.

    Raises:
        Fp8Error: If nothing in the file is fp8.
    """
    if not file.layout.weights:
        raise Fp8Error(f"{file.label}: nothing in it is fp8.")
    steps = [_kept(info, file.layout, wide) for info in _model_tensors(file)]
    metadata = _metadata(file, sha256)
    metadata.pop(METADATA_FP8, None)
    return _finish(file, steps, metadata, detect_architecture(file.checkpoint.tensors))


def _choose(
    file: Fp8Checkpoint, profile: Profile, policy: Policy, component_of: Callable[[str], str]
) -> Iterator[tuple[str, Step]]:
    for info in _model_tensors(file):
        component = component_of(info.name)
        decision = policy.decide(info.name, component, info.shape, floating=info.dtype.floating)
        if not decision.convert:
            yield info.name, _kept(info, file.layout, DTYPES["F16"])
            continue
        spec = TensorSpec(info.name, DTYPES[policy.fmt.tag], info.shape)
        carried = _carried_scaling(info.name, file.layout, profile, policy.fmt)
        if carried is not None:
            yield info.name, Step(spec, Action.CARRY, info.name, policy.fmt, carried)
        else:
            yield info.name, Step(spec, Action.ENCODE, info.name, policy.fmt, decision.scaling)


def _carried_scaling(name: str, layout: Fp8Layout, profile: Profile, fmt: Fp8Format) -> Scaling | None:
    """The scaling of codes that can be taken over without loss; None if they have to be made anew."""
    stored = layout.weights.get(name)
    if stored is None or stored.fmt is not fmt:
        return None
    if profile is Profile.PLAIN:
        return Scaling.NONE if stored.scale is None else None
    if profile is Profile.COMFYUI:
        return None if stored.channels else Scaling.TENSOR
    if stored.scale is None:
        return Scaling.NONE
    return Scaling.CHANNEL if stored.channels else Scaling.TENSOR


def _kept(info: TensorInfo, layout: Fp8Layout, wide: DType) -> Step:
    """A tensor that is not to be fp8: copied, or widened if it is."""
    if info.name in layout.weights:
        return Step(TensorSpec(info.name, wide, info.shape), Action.WIDEN, info.name)
    return Step(TensorSpec(info.name, info.dtype, info.shape), Action.COPY, info.name)


def _scale_step(step: Step) -> Step:
    shape = step.spec.shape[:1] if step.scaling is Scaling.CHANNEL else ()
    spec = TensorSpec(markers.scale_key(step.spec.name), DTYPES["F32"], shape)
    return Step(spec, Action.SCALE, step.source, step.fmt, step.scaling, weight=step)


def _comfyui_marker(fmt: Fp8Format, architecture: Architecture) -> Step:
    prefix = architecture.components.get("unet", ("",))[0]
    # Two elements ask for products in full precision; none would allow fp8 products with unscaled activations.
    spec = TensorSpec(prefix + markers.SCALED_MARKER, DTYPES[fmt.tag], (2,))
    return Step(spec, Action.CONSTANT, "", data=b"\0\0")


def _model_tensors(file: Fp8Checkpoint) -> Iterator[TensorInfo]:
    return (file.checkpoint.tensors[name] for name in file.names)


def _metadata(file: Fp8Checkpoint, sha256: str) -> dict[str, str]:
    metadata = {"format": "pt", **file.checkpoint.header.metadata}
    metadata.pop(markers.HEADER_ENTRY, None)
    if sha256:
        metadata[METADATA_SOURCE] = sha256
    return metadata


def _finish(
    file: Fp8Checkpoint, steps: list[Step], metadata: dict[str, str], architecture: Architecture
) -> ConversionPlan:
    before = [Held(info.name, info.dtype.name, info.nbytes) for info in file.checkpoint.tensors.values()]
    after = [Held(step.spec.name, step.spec.dtype.name, step.spec.nbytes) for step in steps]
    memory = tabulate(before, after, architecture.component_of)
    ordered = tuple(sorted(steps, key=_group))
    return ConversionPlan(ordered, metadata, architecture, memory, file.layout.activation_scales)


def _group(step: Step) -> int:
    """Place in the file, such that every tensor begins at a multiple of its element size.

    Codes go before their scales, which are known only when the codes are made; but only those whose number is a
    multiple of four, for the scales' sake.
    """
    if step.action is Action.SCALE:
        return 3
    bits = step.spec.dtype.bits
    if bits >= 64:
        return 0
    if bits == 32:
        return 1
    if step.action in (Action.ENCODE, Action.CARRY) and step.spec.count % 4 == 0:
        return 2
    return 4 if bits == 16 else 5
