# SPDX-License-Identifier: Apache-2.0
"""Checks a model's JSON against its schema in our own code: that a server was asked to obey proves nothing.

The part of JSON Schema that both vLLM and llama.cpp honour and that flat schemas need, and no more: a keyword that is
not known here is an error of the schema's author, never silently unchecked.
"""

import re
from typing import Any

_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "integer": (int,), "number": (int, float),
    "boolean": (bool,), "null": (type(None),),
}  # fmt: skip
_KNOWN = {
    "type", "enum", "const", "properties", "required", "additionalProperties", "items", "minItems", "maxItems",
    "uniqueItems", "minLength", "maxLength", "pattern", "minimum", "maximum", "anyOf", "title", "description",
}  # fmt: skip


class SchemaUnknown(ValueError):
    """The schema uses a keyword that this checker does not enforce."""


def problems(value: Any, schema: dict, path: str = "$") -> list[str]:
    """What is wrong with `value`, empty when it obeys `schema`. Raises SchemaUnknown for what can't be checked."""
    if unknown := set(schema) - _KNOWN:
        raise SchemaUnknown(f"{path}: {', '.join(sorted(unknown))}")
    if "anyOf" in schema:
        answers = [problems(value, option, path) for option in schema["anyOf"]]
        return [] if any(not answer for answer in answers) else [f"{path}: none of the alternatives"]
    if "const" in schema and not _same(value, schema["const"]):
        return [f"{path}: not the constant"]
    if "enum" in schema and not any(_same(value, option) for option in schema["enum"]):
        return [f"{path}: not one of the permitted values"]
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_is_a(value, kind) for kind in kinds):
            return [f"{path}: not of type {' or '.join(kinds)}"]
    if isinstance(value, dict):
        return _of_object(value, schema, path)
    if isinstance(value, list):
        return _of_array(value, schema, path)
    if isinstance(value, str):
        return _of_string(value, schema, path)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return _of_number(value, schema, path)
    return []


def _is_a(value: Any, kind: str) -> bool:
    if isinstance(value, bool) and kind != "boolean":
        return False  # in Python True is an int; in JSON it is not
    return isinstance(value, _TYPES[kind])


def _same(value: Any, option: Any) -> bool:
    return type(value) is type(option) and value == option


def _of_object(value: dict, schema: dict, path: str) -> list[str]:
    known = schema.get("properties", {})
    found = [f"{path}: {name} is missing" for name in schema.get("required", []) if name not in value]
    extra = schema.get("additionalProperties", False)  # closed unless the schema says otherwise
    for name, item in value.items():
        if name in known:
            found += problems(item, known[name], f"{path}.{name}")
        elif extra is False:
            found.append(f"{path}: a property that is not in the schema")
        elif isinstance(extra, dict):
            found += problems(item, extra, f"{path}.*")
    return found


def _of_array(value: list, schema: dict, path: str) -> list[str]:
    found = []
    if len(value) < schema.get("minItems", 0):
        found.append(f"{path}: fewer than {schema['minItems']} items")
    if len(value) > schema.get("maxItems", len(value)):
        found.append(f"{path}: more than {schema['maxItems']} items")
    if schema.get("uniqueItems") and any(_same(a, b) for i, a in enumerate(value) for b in value[:i]):
        found.append(f"{path}: the same item twice")
    if "items" in schema:
        for position, item in enumerate(value):
            found += problems(item, schema["items"], f"{path}[{position}]")
    return found


def _of_string(value: str, schema: dict, path: str) -> list[str]:
    found = []
    if len(value) < schema.get("minLength", 0):
        found.append(f"{path}: too short")
    if len(value) > schema.get("maxLength", len(value)):
        found.append(f"{path}: too long")
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        found.append(f"{path}: not in the required form")
    return found


def _of_number(value: float, schema: dict, path: str) -> list[str]:
    if value < schema.get("minimum", value):
        return [f"{path}: too small"]
    if value > schema.get("maximum", value):
        return [f"{path}: too large"]
    return []
