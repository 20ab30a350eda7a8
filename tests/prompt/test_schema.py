from __future__ import annotations

import pytest

from lib_kohaku.prompt.files import DataFileError
from lib_kohaku.prompt.schema import SchemaError, check, parse_json, read_checked

SCHEMA = {
    "type": "object",
    "required": ["name"],
    "additionalProperties": False,
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 5, "pattern": "[a-z]+"},
        "size": {"type": ["integer", "null"], "minimum": 2, "maximum": 9},
        "kind": {"enum": ["a", "b"]},
        "list": {"type": "array", "maxItems": 2, "minItems": 1, "uniqueItems": True, "items": {"$ref": "#/$defs/n"}},
    },
    "$defs": {"n": {"type": "number"}},
}


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "the document: has to be of type object"),
        ({}, "the document: lacks name"),
        ({"name": "a", "nmae": 1}, "nmae: is not known here"),
        ({"name": ""}, "name: has to have at least 1"),
        ({"name": "abcdef"}, "name: has 6 characters, more than 5"),
        ({"name": "A"}, "name: 'A' does not have the form"),
        ({"name": "a\n"}, "does not have the form"),
        ({"name": "a", "size": 1}, "size: has to be at least 2"),
        ({"name": "a", "size": 10}, "size: has to be at most 9"),
        ({"name": "a", "size": True}, "size: has to be of type integer or null"),
        ({"name": "a", "size": 2.0}, "size: has to be of type integer"),
        ({"name": "a", "kind": "c"}, "kind: has to be one of: a, b"),
        ({"name": "a", "list": []}, "list: has to have at least 1"),
        ({"name": "a", "list": [1, 2, 3]}, "list: has 3 entries, more than 2"),
        ({"name": "a", "list": [1, "x"]}, r"list\[1\]: has to be of type number"),
        ({"name": "a", "list": [1, 1]}, "list: holds the same entry twice"),
        ({"name": "a", "list": [float("inf")]}, r"list\[0\]: has to be of type number"),
    ],
)
def test_each_rule_names_the_place(document, message):
    with pytest.raises(SchemaError, match=message):
        check(document, SCHEMA)


def test_what_follows_the_rules_passes():
    check({"name": "abc", "size": None, "kind": "a", "list": [1, 2.5]}, SCHEMA)


def test_a_rule_that_is_not_understood_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="oneOf"):
        check({}, {"oneOf": []})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"a": 1, "a": 2}', "'a' is given twice"),
        ('{"a": NaN}', "NaN"),
        ('{"a": Infinity}', "Infinity"),
        ("[" * 100_000, "nested too deeply"),
        ('{"a": ' + "9" * 5000 + "}", "number"),
        ('{"a": ', "line 1, column 7: not valid JSON"),
        ("", "not valid JSON"),
    ],
)
def test_hostile_json_is_refused(text, message):
    with pytest.raises(SchemaError, match=message):
        parse_json(text)


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(SchemaError, match="surrogate"):
        check({"name": parse_json('"\\ud800"')}, {"type": "object", "additionalProperties": {"type": "string"}})


def test_nesting_of_what_the_schema_leaves_open_is_not_followed():
    deep: object = 1
    for _ in range(30):
        deep = [deep]
    check({"any": deep}, {"type": "object"})


def test_a_file_is_named_in_the_error(tmp_path):
    path = tmp_path / "x.json"
    path.write_text('{"name": 3}')
    with pytest.raises(DataFileError, match=r"x\.json: name: has to be of type string"):
        read_checked(path, SCHEMA, 1000)
