"""Reasons to refuse a merge, and things to warn of."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from pathlib import Path

from lib_kohaku.checkpoint.architectures import UNKNOWN, Architecture, is_input_convolution, key_in_file
from lib_kohaku.fp8.codecs import FP8_TAGS
from lib_kohaku.merge.algebra.resolve import ResolvedFormula
from lib_kohaku.merge.plan.shapes import shares_channels
from lib_kohaku.merge.plan.types import LORA, VAE, CoefficientRow, InputModel, ModelDifference, PlannedTensor
from lib_kohaku.merge.recipe import DROP, FROM, Recipe


def architecture_problems(
    base: InputModel, others: Sequence[InputModel], sources: Container[str] = ()
) -> tuple[list[str], list[str]]:
    """Refusals and warnings about models that do not belong together.

    Args:
        base: The base.
        others: The other models.
        sources: Roles that the formula does not have: a component is taken from them, and a VAE is one.
    """
    refusals, warnings = [], []
    for model in others:
        if model.role in sources and model.kind == VAE:
            continue  # see source_problems
        common = len(base.tensors.keys() & model.tensors.keys())
        if UNKNOWN not in (base.architecture, model.architecture):
            if model.architecture.id != base.architecture.id:
                refusals.append(
                    f"{model.path.name} is {model.architecture.label}, but {base.path.name} is "
                    f"{base.architecture.label}: models of different architectures cannot be merged."
                )
        elif common == 0:
            kinds = [
                f" {one.path.name} is a {one.kind}, not a checkpoint."
                for one in (base, model)
                if one.kind in (LORA, VAE)
            ]
            refusals.append(f"{model.path.name} has no tensor in common with {base.path.name}.{''.join(kinds)}")
        elif base.architecture != model.architecture:
            strange = model if model.architecture is UNKNOWN else base
            warnings.append(
                f"{strange.path.name} is of unknown architecture; it has {common} tensors in common with the other."
            )
    loras = [model.path.name for model in (base, *others) if model.kind == LORA]
    if len(loras) > 1:
        listed = " and ".join(loras)
        warnings.append(f"{listed} are LoRAs: the average of their factors is not the average of what they do.")
    return refusals, warnings


def source_problems(
    recipe: Recipe, base: InputModel, models: Sequence[InputModel], architecture: Architecture
) -> tuple[list[str], list[str]]:
    """Components that are to come from a file without them, or to go into one that has no place for them."""
    refusals, warnings = [], []
    for component, role in component_sources(recipe):
        source = next(model for model in models if model.role == role)
        names = [name for name in base.tensors if architecture.component_of(name) == component]
        if not names and component == "vae":
            warnings.append(f"{base.path.name} has no VAE, and a merge adds no tensors: that of {role} is left out.")
        elif names and not any(key_in_file(name, source.tensors) for name in names):
            refusals.append(f"{source.path.name} has no tensor of the {component} of {base.path.name}.")
    return refusals, warnings


def component_sources(recipe: Recipe) -> list[tuple[str, str]]:
    """Components that are taken whole from one model, and its role."""
    policies = recipe.components.items()
    return [(component, policy[len(FROM) :]) for component, policy in policies if policy.startswith(FROM)]


def prediction_problems(models: Sequence[InputModel], allowed: bool) -> tuple[list[str], list[str]]:
    """Models that predict different things (noise or velocity) do not average to anything."""
    kinds = {model.prediction for model in models}
    if len(kinds) < 2:
        return [], []
    listed = ", ".join(f"{model.path.name}: {model.prediction}" for model in models)
    text = f"The models predict different things ({listed})."
    return ([], [text]) if allowed else ([f"{text} Allow it explicitly if you know that the marks are wrong."], [])


def quantisation_problems(models: Sequence[InputModel]) -> list[str]:
    """Files whose weights are quantised in a way that nothing here can undo."""
    return [model.problem for model in models if model.problem]


def coefficient_problems(rows: Sequence[CoefficientRow]) -> tuple[list[str], list[str]]:
    """Coefficient sums that are not 1."""
    refusals, warnings = [], []
    for row in rows:
        where = f" in {', '.join(row.slots)}" if row.slots else ""
        if row.total == 0:
            refusals.append(
                f"The result{where} is a difference, not a model: its coefficients add up to 0. Add it to a model."
            )
        elif row.total != 1:
            warnings.append(
                f"The coefficients{where} add up to {float(row.total):g}, not 1: the weights are scaled by that."
            )
    return refusals, warnings


def unused_models(resolved: ResolvedFormula, used: set[str]) -> list[str]:
    """Models that cancel out of the formula."""
    return [f"{role} has no influence: its coefficient is 0 everywhere." for role in resolved.roles if role not in used]


def difference_warnings(
    recipe: Recipe, base: InputModel, model: InputModel, difference: ModelDifference, sources: Container[str] = ()
) -> list[str]:
    """Keys that only one side has; of components that are left out anyway or not taken from it it does not matter."""
    warnings = []
    taken = {component for component, role in component_sources(recipe) if role == model.role}

    def counted(counts: Mapping[str, int]) -> str:
        matters = taken if model.role in sources else {name for name in counts if recipe.policy(name) != DROP}
        return ", ".join(f"{count} {component}" for component, count in counts.items() if component in matters)

    if counts := counted(difference.missing):
        warnings.append(f"{model.path.name} lacks tensors that {base.path.name} has ({counts}): they stay unchanged.")
    if counts := counted(difference.extra):
        warnings.append(f"{model.path.name} has tensors that {base.path.name} lacks ({counts}): they are left out.")
    return warnings


def channel_warnings(base: InputModel, model: InputModel) -> list[str]:
    """Input channels that the base lacks: an inpainting model in any other place loses what makes it one."""
    for name, info in base.tensors.items():
        other = model.tensors.get(name) if is_input_convolution(name) else None
        if other is not None and shares_channels(info, other) and other.shape[1] > info.shape[1]:
            counts = f"{model.path.name} takes {other.shape[1]} channels and {base.path.name} {info.shape[1]}"
            return [
                f"{counts}, as inpainting models and others do: what it has more is left out. "
                f"Make {model.path.name} the base to keep it."
            ]
    return []


def fp8_warnings(recipe: Recipe, base: InputModel, tensors: Sequence[PlannedTensor]) -> list[str]:
    """What people would not expect of fp8 weights in the output."""
    is_fp8 = any(tensor.spec.dtype.name in FP8_TAGS for tensor in tensors)
    if recipe.fp8_profile:
        if is_fp8:
            return []
        return [f"Nothing is written in fp8, so the profile {recipe.fp8_profile} changes nothing: choose an fp8 type."]
    warnings = []
    scaled = {name for name, stored in base.fp8.weights.items() if stored.scale is not None}
    if any(tensor.spec.name in scaled and tensor.spec.dtype.name not in FP8_TAGS for tensor in tensors):
        warnings.append(
            f"{base.path.name} holds fp8 weights with scales: the result holds them in 16 bit. For fp8, choose an fp8 "
            "type and a profile."
        )
    if any(tensor.spec.dtype.name in FP8_TAGS and tensor.copied_from is None for tensor in tensors):
        warnings.append(
            "fp8 without scales loses small weights. Merge to 16 bit and convert the file then (page Precision, or "
            "kohaku fp8 convert); on the command line, --fp8-profile webui or comfyui writes scales."
        )
    return warnings


def output_problems(output: Path, models: Sequence[InputModel], needed: int, free: int, overwrite: bool) -> list[str]:
    """Reasons not to write to a path."""
    refusals = []
    try:
        exists = output.exists()
    except OSError as error:
        return [f"{output.name[:50]}...: not usable as a file name ({error.strerror or error})."]
    if not output.parent.is_dir():
        refusals.append(f"The folder {output.parent} does not exist.")
        return refusals
    if output.is_dir():
        refusals.append(f"{output.name} is a folder.")
    elif exists:
        same = [model for model in models if model.path.exists() and output.samefile(model.path)]
        if same:
            refusals.append(f"{output.name} is one of the inputs ({same[0].role}); inputs are never changed.")
        elif not overwrite:
            refusals.append(f"{output.name} exists already. Choose another name, or allow overwriting.")
    if output.suffix != ".safetensors":
        refusals.append(f"{output.name}: the output's name has to end in .safetensors.")
    if needed > free:
        refusals.append(f"{needed / 1e9:.2f} GB are needed in {output.parent}, {free / 1e9:.2f} GB are free.")
    return refusals
