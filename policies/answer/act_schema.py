# SPDX-License-Identifier: Apache-2.0
"""The JSON Schema of the acts that a policy permits, for a model that writes in it, and its reader.

What the schema leaves open is what the rules leave open: targets, functions and listed recipients are constants and
enumerations, amounts are strings whose pattern ends at the smallest of clause, cap and budget. Only keywords are used
that both vLLM and llama.cpp honour. That a server was asked to obey proves nothing, so `read_act` checks all of it
again; whether budgets have room is for `evaluate` to say.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from policies.answer.permitted import Values
from policies.answer.slots import Field, Shape, Slot, sent_wei, slots
from policies.code.call import Call
from policies.code.calldata import Row, Value, pack_call
from policies.code.policy_code import PolicyCode, Rule
from policies.code.signatures import Function
from policies.notation.hexadecimal import hex_bytes, hex_text
from policies.notation.number_pattern import numbers_pattern
from policies.notation.primitives import checksum, is_hex_address, keccak
from policies.notation.problems import shown

MOST_CALLS = 20
MOST_ROWS = 50
MOST_BYTES = 1024
MOST_CHOICES = 500

Functions = Mapping[bytes, Function]
Schema = dict[str, Any]


class NotAnAct(ValueError):
    """JSON that is no act under the policy: `path` says where."""

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(f"{path}: {problem}")
        self.path = path
        self.problem = problem


def act_schema(policy: PolicyCode, functions: Functions, *, most_calls: int = MOST_CALLS) -> Schema:
    """The schema of one act: its calls, each under one of the policy's rules. `functions` by selector, for names."""
    options = [
        schema
        for number, rule in enumerate(policy.rules)
        if (schema := _call_schema(policy, number, rule, functions)) is not None
    ]
    calls = {"type": "array", "minItems": 1, "maxItems": most_calls, "items": {"anyOf": options}}
    return _object({"calls": calls})


def rule_label(number: int, rule: Rule, functions: Functions) -> str:
    """How an act names the rule that a call is made under: its number, from 1, and what it permits."""
    if rule.no_selector:
        return f"{number + 1}: send ether to {checksum(rule.target)}"
    function = functions.get(rule.selector)
    name = function.name if function and function.selector == rule.selector else hex_text(rule.selector)
    return f"{number + 1}: {name} on {checksum(rule.target)}"


def read_act(policy: PolicyCode, functions: Functions, act: object, *, most_calls: int = MOST_CALLS) -> list[Call]:
    """The calls of an act in this schema. Raises NotAnAct for whatever the schema, or the rule it names, refuses."""
    calls = _members(act, ("calls",), "$")["calls"]
    if not isinstance(calls, list) or not 1 <= len(calls) <= most_calls:
        raise NotAnAct("$.calls", f"a list of 1 to {most_calls} calls is needed")
    labels = {rule_label(number, rule, functions): rule for number, rule in enumerate(policy.rules)}
    return [_read_call(policy, labels, functions, call, f"$.calls[{place}]") for place, call in enumerate(calls)]


# ------------------------------------------------------------------------------------------------------- the schema


def _object(properties: Mapping[str, Schema]) -> Schema:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _call_schema(policy: PolicyCode, number: int, rule: Rule, functions: Functions) -> Schema | None:
    """None for a rule that no call can satisfy."""
    arguments: dict[str, Schema] = {}
    for slot in slots(policy, rule, functions.get(rule.selector)):
        schema = _slot_schema(slot)
        if schema is None:
            return None
        arguments[slot.name] = schema
    members: dict[str, Schema] = {"rule": {"const": rule_label(number, rule, functions)}}
    if arguments:
        members["arguments"] = _object(arguments)
    if sent_wei(policy, rule).highest:
        members["value_wei"] = _number_schema(sent_wei(policy, rule))
    return _object(members)


def _slot_schema(slot: Slot) -> Schema | None:
    if not slot.sizes or not slot.hashes or any(not _possible(field) for field in slot.fields):
        return None
    if slot.shape is Shape.VALUE:
        return _field_schema(slot.fields[0])
    least, most = _sizes(slot)
    if least > most:
        return None
    if slot.shape is Shape.BYTES:
        return {"type": "string", "pattern": f"^0x([0-9a-f]{{2}}){{{least},{most}}}$"}
    row = (
        _field_schema(slot.fields[0])
        if len(slot.fields) == 1
        else _object({_column(field): _field_schema(field) for field in slot.fields})
    )
    return {"type": "array", "minItems": least, "maxItems": most, "items": row}


def _sizes(slot: Slot) -> tuple[int, int]:
    most = MOST_BYTES if slot.shape is Shape.BYTES else MOST_ROWS
    return slot.sizes.intervals[0][0], min(slot.sizes.highest, most)


def _column(field: Field) -> str:
    """A column's name within its row: `amount` of `payments[].amount`."""
    return field.name.rpartition("[].")[2]


def _possible(field: Field) -> bool:
    return bool(field.values & _type_values(field.type))


def _type_values(type_: str) -> Values:
    """The words that a value of the type can have."""
    bits = {"address": 160, "bool": 1}.get(type_, 256)
    if type_.startswith("uint"):
        bits = int(type_[4:])
    return Values.between(0, 2**bits - 1)


def _field_schema(field: Field) -> Schema:
    values = field.values & _type_values(field.type)
    listed = values.listed(MOST_CHOICES)
    if listed is not None:
        return {"enum": [write_word(field.type, item) for item in listed]}
    if field.type.startswith("uint"):
        return _number_schema(values)
    return {"type": "string", "pattern": _pattern(field.type)}


def _number_schema(values: Values) -> Schema:
    return {"type": "string", "pattern": numbers_pattern(values.intervals)}


def _pattern(type_: str) -> str:
    """The form of values that no list names: the words themselves are checked when the act is read."""
    if type_ == "address":
        return "^0x[0-9a-fA-F]{40}$"
    if type_.startswith("int"):
        return "^(0|-?[1-9][0-9]{0,76})$"
    return f"^0x[0-9a-f]{{{2 * int(type_[5:])}}}$"


# ------------------------------------------------------------------------------------------------------- words as JSON


def write_word(type_: str, item: int) -> str | bool:
    """A word as it stands in an act: numbers in decimal, addresses with their checksum, bytes in hexadecimal."""
    if type_ == "address":
        return checksum(item.to_bytes(20, "big"))
    if type_ == "bool":
        return bool(item)
    if type_.startswith("int"):
        return str(item - 2**256 if item >= 2**255 else item)
    if type_.startswith("bytes"):
        return hex_text(item.to_bytes(32, "big")[: int(type_[5:])])
    return str(item)


def _read_word(field: Field, value: object, path: str) -> int:
    item = _parse_word(field.type, value)
    if item is None:
        raise NotAnAct(path, f"{shown(str(value))} is no {field.type}")
    if item not in field.values & _type_values(field.type):
        raise NotAnAct(path, f"{shown(str(value))} is not permitted by the rule")
    return item


def _parse_word(type_: str, value: object) -> int | None:
    """The word that the JSON value stands for, or None where it is no value of the type."""
    if type_ == "bool":
        return int(value) if isinstance(value, bool) else None
    if not isinstance(value, str):
        return None
    if type_ == "address":
        well_written = is_hex_address(value) and checksum(hex_bytes(value)) == value
        return int(value, 16) if well_written else None
    if type_.startswith("int"):
        bits = int(type_[3:])
        number = int(value) if re.fullmatch(r"0|-?[1-9][0-9]{0,77}", value) else None
        fits = number is not None and -(2 ** (bits - 1)) <= number < 2 ** (bits - 1)
        return number % 2**256 if number is not None and fits else None
    if type_.startswith("bytes"):
        size = int(type_[5:])
        return int(value, 16) << 8 * (32 - size) if re.fullmatch(rf"0x[0-9a-f]{{{2 * size}}}", value) else None
    return int(value) if re.fullmatch(r"0|[1-9][0-9]{0,77}", value) else None


# ------------------------------------------------------------------------------------------------------- the reader


def _members(value: object, names: Sequence[str], path: str) -> dict[str, Any]:
    if not isinstance(value, dict) or set(value) != set(names):
        raise NotAnAct(path, f"an object with exactly {', '.join(names)} is needed")
    return value


def _read_call(policy: PolicyCode, labels: Mapping[str, Rule], functions: Functions, call: object, path: str) -> Call:
    label = call.get("rule") if isinstance(call, dict) else None
    rule = labels.get(label) if isinstance(label, str) else None
    if rule is None:
        raise NotAnAct(f"{path}.rule", "one of the policy's rules is needed")
    places = slots(policy, rule, functions.get(rule.selector))
    wei = sent_wei(policy, rule)
    names = ["rule", *(["arguments"] if places else []), *(["value_wei"] if wei.highest else [])]
    members = _members(call, names, path)
    written = _members(members.get("arguments", {}), [slot.name for slot in places], f"{path}.arguments")
    values = [_read_slot(slot, written[slot.name], f"{path}.arguments.{slot.name}") for slot in places]
    sent = Field("value_wei", "uint256", wei, ())
    value_wei = _read_word(sent, members["value_wei"], f"{path}.value_wei") if wei.highest else 0
    return Call(rule.target, value_wei, pack_call(rule, values))


def _read_slot(slot: Slot, value: object, path: str) -> Value:
    if slot.shape is Shape.VALUE:
        return _read_word(slot.fields[0], value, path)
    if slot.shape is Shape.BYTES:
        return _read_bytes(slot, value, path)
    least, most = _sizes(slot)
    if not isinstance(value, list) or not least <= len(value) <= most or len(value) not in slot.sizes:
        raise NotAnAct(path, f"a list of {least} to {most} is needed")
    return [_read_row(slot, row, f"{path}[{place}]") for place, row in enumerate(value)]


def _read_row(slot: Slot, row: object, path: str) -> Row:
    if len(slot.fields) == 1:
        return [_read_word(slot.fields[0], row, path)]
    columns = _members(row, [_column(field) for field in slot.fields], path)
    return [_read_word(field, columns[_column(field)], f"{path}.{_column(field)}") for field in slot.fields]


def _read_bytes(slot: Slot, value: object, path: str) -> bytes:
    if not isinstance(value, str) or re.fullmatch(r"0x([0-9a-f]{2})*", value) is None:
        raise NotAnAct(path, "bytes in hexadecimal are needed")
    found = hex_bytes(value)
    if len(found) > MOST_BYTES or len(found) not in slot.sizes:
        raise NotAnAct(path, f"{len(found)} bytes are not permitted by the rule")
    if int.from_bytes(keccak(found), "big") not in slot.hashes:
        raise NotAnAct(path, "the rule names the hash of other bytes")
    return found
