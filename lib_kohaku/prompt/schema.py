"""Checking JSON documents from outside against a schema file.

A small part of JSON Schema is understood, enough for our data files and short enough to be read in one go; a keyword
that it does not know is a mistake in our schema and raises ``ValueError``, so that no rule is ever silently ignored.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from lib_kohaku.errors import RefusedError
from lib_kohaku.prompt.files import DataFileError, read_text

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
_COMMENTS = frozenset({"$schema", "$id", "$defs", "title", "description"})
_DEEPEST = 40


class SchemaError(RefusedError):
    """A JSON document does not have the expected shape; the text says where and how."""


def parse_json(text: str) -> Any:
    """Parse JSON strictly: no duplicate names, no ``NaN``, no numbers or nesting that exhaust Python.

    Raises:
        SchemaError: If it is not such a document.
    """
    try:
        return json.loads(text, object_pairs_hook=_unique_names, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise SchemaError(f"line {error.lineno}, column {error.colno}: not valid JSON ({error.msg})") from error
    except RecursionError as error:
        raise SchemaError("nested too deeply") from error
    except ValueError as error:  # an integer of thousands of digits
        raise SchemaError(f"a number that cannot be used ({error})") from error


def _unique_names(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise SchemaError(f"the name {twice[:60]!r} is given twice")
    return document


def _no_constant(text: str) -> NoReturn:
    raise SchemaError(f"{text} is not a number that can be used")


def check(document: Any, schema: Mapping[str, Any]) -> None:
    """Check a parsed document.

    Raises:
        SchemaError: At the first place that breaks a rule, naming the place, such as ``sizes.table[3]``.
    """
    _check(document, schema, schema, "", 0)


def read_checked(path: Path, schema: Mapping[str, Any], limit: int) -> dict[str, Any]:
    """Read a JSON file of at most ``limit`` bytes that has to be an object and follow ``schema``.

    Raises:
        DataFileError: If it does not; the text names the file and the place.
    """
    try:
        document = parse_json(read_text(path, limit))
        check(document, schema)
    except SchemaError as error:
        raise DataFileError(path, str(error)) from error
    if not isinstance(document, dict):
        raise DataFileError(path, "has to be a JSON object")
    return document


def load_schema(path: Path) -> dict[str, Any]:
    """Read one of our own schema files."""
    schema: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return schema


def _fail(place: str, message: str) -> NoReturn:
    raise SchemaError(f"{place or 'the document'}: {message}")


def _check(value: Any, schema: Mapping[str, Any], root: Mapping[str, Any], place: str, depth: int) -> None:
    if depth > _DEEPEST:
        _fail(place, "nested too deeply")
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    for keyword in schema:
        if keyword not in _RULES and keyword not in _COMMENTS and keyword not in _WALKED:
            raise ValueError(f"the schema uses {keyword!r}, which is not supported")
    for keyword, rule in _RULES.items():
        if keyword in schema:
            rule(value, schema[keyword], place)
    if isinstance(value, str):
        _check_text(value, place)
    elif isinstance(value, dict):
        _check_members(value, schema, root, place, depth)
    elif isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            _check(item, schema["items"], root, f"{place}[{index}]", depth + 1)


def _check_members(
    value: dict[str, Any], schema: Mapping[str, Any], root: Mapping[str, Any], place: str, depth: int
) -> None:
    known = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for name, member in value.items():
        where = f"{place}.{name[:60]}" if place else name[:60]
        if name in known:
            _check(member, known[name], root, where, depth + 1)
        elif others is False:
            _fail(where, f"is not known here; known are: {', '.join(known)}")
        elif isinstance(others, dict):
            _check(member, others, root, where, depth + 1)


def _check_text(value: str, place: str) -> None:
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        _fail(place, "holds half of a surrogate pair, which is not a character")


def _is_type(value: Any, name: str) -> bool:
    if isinstance(value, bool):  # to Python a bool is an int; to a person it is not
        return name == "boolean"
    if isinstance(value, float) and not math.isfinite(value):
        return False
    return isinstance(value, _TYPES[name])


def _rule_type(value: Any, wanted: Any, place: str) -> None:
    names = [wanted] if isinstance(wanted, str) else wanted
    if not any(_is_type(value, name) for name in names):
        _fail(place, f"has to be of type {' or '.join(names)}")


def _rule_enum(value: Any, wanted: list[Any], place: str) -> None:
    if value not in wanted:
        _fail(place, f"has to be one of: {', '.join(str(item) for item in wanted)}")


def _rule_required(value: Any, wanted: list[str], place: str) -> None:
    missing = [name for name in wanted if isinstance(value, dict) and name not in value]
    if missing:
        _fail(place, f"lacks {', '.join(missing)}")


def _rule_minimum(value: Any, wanted: float, place: str) -> None:
    if isinstance(value, int | float) and value < wanted:
        _fail(place, f"has to be at least {wanted:,}")


def _rule_maximum(value: Any, wanted: float, place: str) -> None:
    if isinstance(value, int | float) and value > wanted:
        _fail(place, f"has to be at most {wanted:,}")


def _rule_min_length(value: Any, wanted: int, place: str) -> None:
    if isinstance(value, str) and len(value) < wanted:
        _fail(place, f"has to have at least {wanted:,} characters")


def _rule_max_length(value: Any, wanted: int, place: str) -> None:
    if isinstance(value, str) and len(value) > wanted:
        _fail(place, f"has {len(value):,} characters, more than {wanted:,}")


def _rule_min_items(value: Any, wanted: int, place: str) -> None:
    if isinstance(value, list) and len(value) < wanted:
        _fail(place, f"has to have at least {wanted:,} entries")


def _rule_max_items(value: Any, wanted: int, place: str) -> None:
    if isinstance(value, list) and len(value) > wanted:
        _fail(place, f"has {len(value):,} entries, more than {wanted:,}")


def _rule_unique_items(value: Any, wanted: bool, place: str) -> None:
    if wanted and isinstance(value, list) and any(item in value[:index] for index, item in enumerate(value)):
        _fail(place, "holds the same entry twice")


def _rule_pattern(value: Any, wanted: str, place: str) -> None:
    if isinstance(value, str) and not re.fullmatch(wanted, value):
        _fail(place, f"{value[:60]!r} does not have the form {wanted}")


# Checked in this order: a wrong type is reported before anything that follows from it.
_RULES = {
    "type": _rule_type,
    "enum": _rule_enum,
    "required": _rule_required,
    "minimum": _rule_minimum,
    "maximum": _rule_maximum,
    "minLength": _rule_min_length,
    "maxLength": _rule_max_length,
    "minItems": _rule_min_items,
    "maxItems": _rule_max_items,
    "uniqueItems": _rule_unique_items,
    "pattern": _rule_pattern,
}
_WALKED = frozenset({"$ref", "properties", "additionalProperties", "items"})
