"""Presets to JSON and back."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import fields
from functools import lru_cache
from pathlib import Path
from typing import Any

from lib_kohaku.prompt.files import DataFileError, plain_name, read_text
from lib_kohaku.prompt.presets.model import Preset, PromptParts
from lib_kohaku.prompt.schema import SchemaError, check, load_schema, parse_json
from lib_kohaku.prompt.sizes.hires import Hires
from lib_kohaku.prompt.sizes.legal import Size

LARGEST_FILE = 4 * 1024 * 1024
MOST_PRESETS = 1000
_FORMAT = 1
_SCHEMA_FILE = Path(__file__).parent / "preset.schema.json"


def preset_document(preset: Preset) -> dict[str, Any]:
    """The JSON document of a preset; what is empty is left out."""
    parts = {part.name: list(getattr(preset.parts, part.name)) for part in fields(PromptParts)}
    document: dict[str, Any] = {"format": _FORMAT, "name": preset.name, "description": preset.description}
    document["parts"] = {name: items for name, items in parts.items() if items}
    document["negative"] = preset.negative
    document["size"] = list(preset.size) if preset.size else None
    document |= {name: getattr(preset, name) for name in ("cfg", "steps", "sampler", "scheduler", "clip_skip")}
    document["hires"] = _filled(vars(preset.hires)) if preset.hires else None
    document |= {"profile": preset.profile, "thumbnail": preset.thumbnail}
    return _filled(document)


def _filled(document: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in document.items() if value not in ("", None, {})}


def decode_preset(document: Any) -> Preset:
    """Check and decode a document.

    Raises:
        SchemaError: At the first place that does not follow ``preset.schema.json``.
        UnsafeNameError: If the thumbnail is not a plain file name.
    """
    check(document, _schema())
    given: Mapping[str, Any] = document
    parts = PromptParts(**{name: tuple(items) for name, items in given.get("parts", {}).items()})
    size = given.get("size")
    thumbnail = given.get("thumbnail", "")
    return Preset(
        name=given["name"],
        description=given.get("description", ""),
        parts=parts,
        negative=given.get("negative", ""),
        size=Size(*size) if size else None,
        cfg=given.get("cfg"),
        steps=given.get("steps"),
        sampler=given.get("sampler", ""),
        scheduler=given.get("scheduler", ""),
        clip_skip=given.get("clip_skip"),
        hires=_hires(given.get("hires")),
        profile=given.get("profile", ""),
        thumbnail=plain_name(thumbnail) if thumbnail else "",
    )


def _hires(given: Mapping[str, Any] | None) -> Hires | None:
    if given is None:
        return None
    return Hires(given["enabled"], given.get("upscaler", ""), given.get("scale"), given.get("denoising"))


def encode_preset(preset: Preset) -> bytes:
    """The file content of one preset; what it gives can be read back.

    Raises:
        SchemaError: If the preset breaks a rule of the schema, such as a name of two lines.
    """
    document = preset_document(preset)
    decode_preset(document)
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode("utf-8")


def read_preset(path: Path) -> Preset:
    """Read one preset file.

    Raises:
        DataFileError: Naming the file and the place in it.
    """
    try:
        return decode_preset(parse_json(read_text(path, LARGEST_FILE)))
    except SchemaError as error:
        raise DataFileError(path, str(error)) from error


def export_presets(presets: Iterable[Preset]) -> str:
    """One JSON text that holds several presets, without their thumbnails."""
    documents = [preset_document(preset) for preset in presets]
    for document in documents:
        document.pop("thumbnail", None)
    return json.dumps({"format": _FORMAT, "presets": documents}, ensure_ascii=False, indent=2) + "\n"


def import_presets(text: str) -> tuple[Preset, ...]:
    """Presets out of a text from outside: what :func:`export_presets` wrote, or a single preset's file.

    Raises:
        SchemaError: If any of it is not a preset; then none is imported.
        UnsafeNameError: If a thumbnail is not a plain file name.
    """
    if len(text) > LARGEST_FILE:
        raise SchemaError(f"the text has {len(text):,} characters, more than {LARGEST_FILE:,}")
    document = parse_json(text)
    if not isinstance(document, dict) or "presets" not in document:
        return (decode_preset(document),)
    presets = document["presets"]
    if not isinstance(presets, list) or len(presets) > MOST_PRESETS or document.get("format") != _FORMAT:
        raise SchemaError(f"this is not an export of presets in format {_FORMAT} with at most {MOST_PRESETS} of them")
    return tuple(_decode_numbered(number, entry) for number, entry in enumerate(presets, 1))


def _decode_numbered(number: int, document: Any) -> Preset:
    try:
        return decode_preset(document)
    except SchemaError as error:
        raise SchemaError(f"preset {number}: {error}") from error


@lru_cache(maxsize=1)
def _schema() -> dict[str, Any]:
    return load_schema(_SCHEMA_FILE)
