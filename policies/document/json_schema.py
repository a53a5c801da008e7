# SPDX-License-Identifier: Apache-2.0
"""JSON Schema of policy documents, for editors: they complete keys and mark what can't be right while people type.

It is wider than the reader: names, amounts and functions are judged by `document.load` alone. Keys come from the
reader itself, so the two can't drift apart. Editors read YAML with types: numbers stand where the reader sees text.
"""

from typing import Any

from policies.code.schedules import SHORTEST_GAP_S
from policies.document.budget_reading import BUDGET_KEYS, WHOLE_POLICY
from policies.document.clause_reading import EMPTY, KINDS
from policies.document.document import POLICY_KEYS, VERSION
from policies.document.expanding import FOR_EACH, PARAMETERS, TABLES
from policies.document.rule_reading import BACK_TO_ZERO, CALL_KEYS, SEND_KEYS

Schema = dict[str, Any]

_ONLY_ON_CHAIN = ("found hash",)  # stands in documents made of code found on chain, and nobody writes it
_TEXT: Schema = {"type": "string"}
_SCALAR: Schema = {"type": ["string", "integer", "number", "boolean"]}
_NAME: Schema = {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9 _.-]{0,31}$"}
_DURATION = "[0-9]{1,10} +(second|minute|hour|day|week)s?"
_TIME: Schema = {
    "type": "string",
    "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2})?(Z| UTC)$",
}
_AMOUNT: Schema = {"type": "string", "pattern": "^[0-9][0-9,]*([.][0-9]+)? +[A-Za-z][A-Za-z0-9.]*$"}
_YES_OR_NO: Schema = {"enum": [True, False, "yes", "no", "true", "false"]}
_PLACEHOLDER: Schema = {"type": "string", "pattern": "[$]"}
_EACH_KEY = f"^{FOR_EACH} "
_ONE_OR_MORE: Schema = {"type": "array", "minItems": 1, "items": _SCALAR}


def document_schema() -> Schema:
    """The schema of documents that people write, version 1 of the format.

    Placeholders and `for each` are taken only where a document has tables or parameters, as the reader takes them.
    """
    plain = _plain_document()
    for_many = {**_for_many(plain), "properties": {**_for_many(plain)["properties"], **_for_many_keys()}}
    title = {"title": "Mandate policy", "description": "What an agent may do with a treasury: docs/policies.md"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **title,
        "type": "object",
        "if": {"anyOf": [{"required": [TABLES]}, {"required": [PARAMETERS]}]},
        "then": for_many,
        "else": {**plain, "properties": {**plain["properties"], **_for_many_keys()}},  # there for editors to complete
    }


def _plain_document() -> Schema:
    return _keys(
        POLICY_KEYS,
        {
            "version": {"enum": [VERSION, str(VERSION)], "description": "the format's version"},
            "name": _NAME | {"description": "another name is another policy"},
            "summary": _TEXT,
            "agent": _TEXT | {"description": "the account that acts: an address, a name, or an ENS name"},
            "operator": _TEXT | {"description": "who runs the agent and signs who is paid what; not the agent"},
            "valid": _keys("from|until", {"from": _TIME, "until": _TIME}),
            "cooldown": _duration() | {"description": "time between two acts"},
            "objection": _objection(),
            "tokens": _named(_keys("address|decimals", {"address": _TEXT, "decimals": _whole(36)})),
            "addresses": _named(_TEXT),
            "lists": _named({"anyOf": [_ONE_OR_MORE, _keys("file", {"file": _TEXT})]}),
            "budgets": _named(_budget()),
            "rules": {"type": "array", "minItems": 1, "items": {"anyOf": [_call_rule(), _send_rule()]}},
        },
    )


def _for_many_keys() -> dict[str, Schema]:
    name = {"pattern": "^[A-Za-z_][A-Za-z0-9_]{0,31}$"}
    return {
        TABLES: _named(_keys("file", {"file": _TEXT}))
        | {"minProperties": 1, "description": "tables in CSV; `for each` writes out what it is in once for each row"},
        PARAMETERS: _named(_SCALAR)
        | {"minProperties": 1, "propertyNames": name, "description": "values that $name stands for, and --set changes"},
    }


def _for_many(schema: Schema) -> Schema:
    """The same schema where `$name` may stand for any value or key, and `for each` for entries and items."""
    if "anyOf" in schema:
        return {**schema, "anyOf": [*map(_for_many, schema["anyOf"]), _PLACEHOLDER]}
    if schema.get("type") == "array":
        return {**schema, "items": _for_many(schema["items"])}
    if schema.get("type") != "object":
        return {"anyOf": [schema, _PLACEHOLDER]} if {"pattern", "enum"} & set(schema) else schema
    named = schema["additionalProperties"]
    if named is not False:
        value = _for_many(named)
        entries = {_EACH_KEY: {"type": "object", "additionalProperties": value}}
        return {**schema, "patternProperties": entries, "additionalProperties": value}
    known = {key: _for_many(value) for key, value in schema["properties"].items()}
    each = _closed(known, {"[$]": {}})
    return {
        **_closed({**known, FOR_EACH: _TEXT}, {"[$]": {}, _EACH_KEY: each}),
        # What a row writes as keys is not known before, so nothing is missing where one does.
        "if": {"propertyNames": {"not": {"pattern": f"[$]|{_EACH_KEY}"}}},
        "then": {"required": schema["required"]},
    } | {key: value for key, value in schema.items() if key == "description"}


def _keys(keys: str, properties: dict[str, Schema]) -> Schema:
    """An object with exactly the reader's keys; those that end in a question mark may be missing."""
    known = [key.strip("?") for key in keys.split("|") if key.strip("?") not in _ONLY_ON_CHAIN]
    if set(known) != set(properties):
        raise AssertionError(f"the reader's keys are {known}, the schema's {list(properties)}")
    return {
        "type": "object",
        "properties": {key: properties[key] for key in known},
        "required": [key for key in keys.split("|") if not key.endswith("?")],
        "additionalProperties": False,
    }


def _closed(properties: dict[str, Schema], patterns: dict[str, Schema]) -> Schema:
    """An object with these keys, and others of these patterns alone."""
    return {"type": "object", "properties": properties, "patternProperties": patterns, "additionalProperties": False}


def _named(value: Schema) -> Schema:
    """Entries by names that people choose."""
    return {"type": "object", "properties": {}, "additionalProperties": value}


def _whole(most: int) -> Schema:
    return {
        "anyOf": [{"type": "integer", "minimum": 0, "maximum": most}, {"type": "string", "pattern": "^[0-9]{1,2}$"}]
    }


def _duration() -> Schema:
    return {"type": "string", "pattern": f"^({_DURATION}|none)$"}


def _objection() -> Schema:
    share = {"type": "string", "pattern": "^[0-9]{1,3}([.][0-9]{1,2})? ?%$"}
    parts = {"delay": _duration(), "release within": _duration(), "threshold": share}
    return _keys("delay|release within|threshold", parts)


def _budget() -> Schema:
    return _keys(
        BUDGET_KEYS,
        {
            "limit": _AMOUNT | {"description": "at most this in any one period, whenever it begins"},
            "period": {"type": "string", "pattern": f"^({_DURATION}|{WHOLE_POLICY})$"},
            "without objection": _AMOUNT | {"description": "so much of it at once; the rest is announced first"},
            "shared by": {"enum": ["policy", "agent", "dao"]},
            "measured": _YES_OR_NO | {"description": "count whatever leaves the treasury, not only what rules charge"},
            "due": {"enum": list(SHORTEST_GAP_S), "description": "the schedule it is for"},
            "unit": _AMOUNT,
            "name in the code": _TEXT,
        },
    )


def _call_rule() -> Schema:
    return _keys(
        CALL_KEYS,
        {
            "call": _TEXT | {"description": "types and names of all arguments; with `abi`, the name is enough"},
            "abi": _TEXT | {"description": "a JSON ABI beside the document"},
            "on": _TEXT | {"description": "the target: a token, a name or an address"},
            "where": _named({"anyOf": [_bounds(), {"type": "array", "minItems": 1, "items": _bounds()}, _words()]}),
            "charge": _named(_TEXT),
            "charges": {"enum": ["nothing"]},
            "income": _income(),
            "returns true": _YES_OR_NO,
            "allowance": {"enum": [BACK_TO_ZERO]},
        },
    )


def _send_rule() -> Schema:
    charge = _named({"enum": ["value"]})
    parts = {"send": {"enum": ["ETH"]}, "to": _TEXT, "charge": charge, "income": _income(), "returns true": _YES_OR_NO}
    return _keys(SEND_KEYS, parts)


def _words() -> Schema:
    return {"enum": ["anything", "anyone", EMPTY]}


def _bounds() -> Schema:
    bounds: dict[str, Schema] = dict.fromkeys(KINDS, _SCALAR)
    bounds["one of"] = {"anyOf": [_TEXT, _ONE_OR_MORE]}
    return _keys("|".join(f"{kind}?" for kind in KINDS), bounds)


def _income() -> Schema:
    ratio = {"type": "string", "pattern": "^at least .+ per .+$"}
    return _named({"anyOf": [ratio, {"type": "array", "minItems": 1, "items": ratio}]})
