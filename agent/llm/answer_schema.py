# SPDX-License-Identifier: Apache-2.0
"""Checks a model's JSON against its schema in our own code: that a server was asked to obey proves nothing.

The part of JSON Schema that both vLLM and llama.cpp honour and that flat schemas need, and no more: a keyword that is
not known here is an error of the schema's author, never silently unchecked.
"""

import re
from typing import Any

from agent.llm.words import say
from governance.sentences import Sentence

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


def problems(value: Any, schema: dict, path: str = "$") -> list[Sentence]:
    """What is wrong with `value`, empty when it obeys `schema`. Raises SchemaUnknown for what can't be checked."""
    if unknown := set(schema) - _KNOWN:
        raise SchemaUnknown(f"{path}: {', '.join(sorted(unknown))}")
    if "anyOf" in schema:
        answers = [problems(value, option, path) for option in schema["anyOf"]]
        return [] if any(not answer for answer in answers) else [say("schema_no_alternative", path=path)]
    if "const" in schema and not _same(value, schema["const"]):
        return [say("schema_constant", path=path)]
    if "enum" in schema and not any(_same(value, option) for option in schema["enum"]):
        return [say("schema_enum", path=path)]
    if "type" in schema:
        kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_is_a(value, kind) for kind in kinds):
            return [say("schema_type", path=path, types=" or ".join(kinds))]
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


def _of_object(value: dict, schema: dict, path: str) -> list[Sentence]:
    known = schema.get("properties", {})
    found = [say("schema_missing", path=path, name=name) for name in schema.get("required", []) if name not in value]
    extra = schema.get("additionalProperties", False)  # closed unless the schema says otherwise
    for name, item in value.items():
        if name in known:
            found += problems(item, known[name], f"{path}.{name}")
        elif extra is False:
            found.append(say("schema_unknown_property", path=path))
        elif isinstance(extra, dict):
            found += problems(item, extra, f"{path}.*")
    return found


def _of_array(value: list, schema: dict, path: str) -> list[Sentence]:
    found: list[Sentence] = []
    if len(value) < schema.get("minItems", 0):
        found.append(say("schema_few_items", path=path, least=schema["minItems"]))
    if len(value) > schema.get("maxItems", len(value)):
        found.append(say("schema_many_items", path=path, most=schema["maxItems"]))
    if schema.get("uniqueItems") and any(_same(a, b) for i, a in enumerate(value) for b in value[:i]):
        found.append(say("schema_item_twice", path=path))
    if "items" in schema:
        for position, item in enumerate(value):
            found += problems(item, schema["items"], f"{path}[{position}]")
    return found


def _of_string(value: str, schema: dict, path: str) -> list[Sentence]:
    found: list[Sentence] = []
    if len(value) < schema.get("minLength", 0):
        found.append(say("schema_too_short", path=path))
    if len(value) > schema.get("maxLength", len(value)):
        found.append(say("schema_too_long", path=path))
    if "pattern" in schema and re.search(schema["pattern"], value) is None:
        found.append(say("schema_form", path=path))
    return found


def _of_number(value: float, schema: dict, path: str) -> list[Sentence]:
    if value < schema.get("minimum", value):
        return [say("schema_too_small", path=path)]
    if value > schema.get("maximum", value):
        return [say("schema_too_large", path=path)]
    return []
