"""The metadata of a merged file, and reading a merge out of any file's metadata."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from lib_kohaku.checkpoint import metadata as meta
from lib_kohaku.checkpoint.hashes import auto_v1_of
from lib_kohaku.errors import RecipeError
from lib_kohaku.fp8.codecs import FP8_TAGS, format_named
from lib_kohaku.fp8.files.plan import METADATA_FP8
from lib_kohaku.fp8.policy.rules import default_rules
from lib_kohaku.merge.plan.types import InputModel, MergePlan
from lib_kohaku.merge.recipe import MAX_RECIPE_BYTES, Recipe, recipe_from_json, recipe_to_json
from lib_kohaku.version import __version__

TYPE = "sd-webui-kohaku"


def output_metadata(plan: MergePlan, title: str) -> dict[str, str]:
    """Metadata for a merged file.

    Nothing in it depends on the time or the machine: the same recipe gives the same bytes.

    Args:
        plan: The plan, with bound models.
        title: Title of the model, such as the output's name without its ending.

    Raises:
        CheckpointError: If an input cannot be read.
    """
    base = plan.model(plan.base)
    metadata = {
        "format": "pt",
        meta.MERGE_RECIPE: json.dumps(
            {"type": TYPE, "version": __version__, "recipe": json.loads(recipe_to_json(plan.recipe))},
            ensure_ascii=False,
        ),
        meta.MERGE_MODELS: json.dumps(_parents(plan.models), ensure_ascii=False),
        f"{meta.MODELSPEC}sai_model_spec": meta.MODELSPEC_VERSION,
        f"{meta.MODELSPEC}title": title,
        f"{meta.MODELSPEC}merged_from": ", ".join(dict.fromkeys(model.path.name for model in plan.models)),
    }
    architecture = meta.MODELSPEC_ARCHITECTURES.get(plan.architecture.id)
    if architecture:
        metadata[f"{meta.MODELSPEC}architecture"] = architecture
    for inherited in ("implementation", "resolution", "prediction_type", "encoder_layer", "tags"):
        value = base.header.metadata.get(f"{meta.MODELSPEC}{inherited}")
        if value:
            metadata[f"{meta.MODELSPEC}{inherited}"] = value
    if plan.recipe.fp8_profile and any(tensor.spec.dtype.name in FP8_TAGS for tensor in plan.tensors):
        metadata[METADATA_FP8] = _fp8_details(plan)
    licence = meta.licences([model.header.metadata for model in plan.models])
    if licence:
        metadata[f"{meta.MODELSPEC}license"] = licence
    return metadata


def _fp8_details(plan: MergePlan) -> str:
    """As a conversion writes them, so that reports know for whom the file was made."""
    converted = [tensor for tensor in plan.tensors if tensor.spec.dtype.name in FP8_TAGS and not tensor.auxiliary]
    formats = dict.fromkeys(format_named(tensor.spec.dtype.name).name for tensor in converted)
    details = {
        "version": __version__,
        "profile": plan.recipe.fp8_profile,
        "format": ", ".join(formats),
        "text_encoders": any(tensor.component.startswith("te") for tensor in converted),
        "converted": len(converted),
        "left_out": [keep.pattern for keep in default_rules().keep],
    }
    return json.dumps(details, ensure_ascii=False)


def _parents(models: tuple[InputModel, ...]) -> dict[str, Any]:
    """The inputs by hash, as the webui's merger writes them, with the merges that they came from in turn."""
    parents: dict[str, Any] = {}
    for model in models:
        earlier = meta.json_entry(model.header.metadata, meta.MERGE_MODELS)
        if isinstance(earlier, dict):
            parents.update(earlier)
    for model in models:
        recipe = meta.json_entry(model.header.metadata, meta.MERGE_RECIPE)
        parents[model.sha256 or model.path.name] = {
            "name": model.path.name,
            "legacy_hash": auto_v1_of(model.path),
            "sd_merge_recipe": recipe,
        }
    return parents


@dataclass(frozen=True)
class EmbeddedMerge:
    """What a file tells of how it was merged.

    Attributes:
        tool: Who merged it, as far as the metadata tell.
        recipe: The recipe if it is one of ours that can be run again.
        text: Whatever there is, for people.
    """

    tool: str
    recipe: Recipe | None
    text: str


def read_embedded_merge(metadata: Mapping[str, str]) -> EmbeddedMerge | None:
    """Find a merge recipe in metadata: ours, the webui's, supermerger's, model-mixer's or sd-mecha's.

    Returns:
        None if there is none.
    """
    document = meta.json_entry(metadata, meta.MERGE_RECIPE)
    if isinstance(document, dict):
        kind = document.get("type")
        if kind == TYPE:
            return _ours(document)
        tool = "an unknown tool"
        if isinstance(kind, str):
            tool = "stable-diffusion-webui" if kind == "webui" else kind[:100]
        return EmbeddedMerge(tool, None, json.dumps(document, ensure_ascii=False, indent=1))
    for key, tool in (("mecha_recipe", "sd-mecha"), ("sd_mecha_recipe", "sd-mecha"), (meta.MERGE_RECIPE, "a merger")):
        text = metadata.get(key, "")
        if text:
            return EmbeddedMerge(tool, None, text[:MAX_RECIPE_BYTES])
    return None


def _ours(document: dict[str, Any]) -> EmbeddedMerge:
    text = json.dumps(document.get("recipe"), ensure_ascii=False, indent=1)
    try:
        return EmbeddedMerge(TYPE, recipe_from_json(text), text)
    except RecipeError:
        return EmbeddedMerge(TYPE, None, text)
