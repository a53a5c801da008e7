# SPDX-License-Identifier: Apache-2.0
"""A filled-in form as an act in the language of `act_schema`: each text is read so that it has one meaning, or refused.

Whether the act is permitted is for `read_act` to say; here a value only becomes what it was meant to be.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from policies.answer.act_schema import Functions, rule_label
from policies.answer.form import FormField, FormRule, Tokens, form
from policies.answer.slots import Shape, Slot, slots
from policies.code.policy_code import PolicyCode
from policies.notation.amounts import Token, Unclear, parse_share, parse_supply_amount
from policies.notation.hexadecimal import hex_text
from policies.notation.problems import shown

VALUE = "value_wei"
_DIGITS = re.compile(r"0|[1-9][0-9]{0,77}")
_GROUPS = re.compile(r"[1-9][0-9]{0,2}(?:,[0-9]{3})+")
_SIGNED = re.compile(r"0|-?[1-9][0-9]{0,77}")


class NotFilled(ValueError):
    """An input that can't be read as one value: which, and what is wrong with it."""

    def __init__(self, rule: str, label: str, problem: str) -> None:
        super().__init__(f"{rule}: {label}: {problem}" if label else f"{rule}: {problem}")
        self.rule = rule
        self.label = label
        self.problem = problem


def input_name(number: int, key: str) -> str:
    """How a page names the input `key` of a rule."""
    return f"{number}:{key}"


def in_order(policy: PolicyCode) -> list[int]:
    """The rules' numbers as their calls are made in one act: allowances first, for the calls behind use them up."""
    return sorted(range(len(policy.rules)), key=lambda number: not policy.rules[number].approval)


def filled(
    policy: PolicyCode, functions: Functions, tokens: Tokens, chosen: Sequence[int], values: Mapping[str, str]
) -> dict[str, Any]:
    """The act that the inputs make: a call under each chosen rule (numbers from 0), allowances first.

    `values` are texts by `input_name`; a list's values stand one a line. Raises NotFilled.
    """
    rules = form(policy, functions, tokens, {})
    numbers = [number for number in in_order(policy) if number in set(chosen)]
    if not numbers or len(numbers) != len(set(chosen)):
        raise NotFilled("-", "", "choose at least one of the policy's rules")
    return {"calls": [_call(policy, functions, rules[number], values) for number in numbers]}


def _call(policy: PolicyCode, functions: Functions, shape: FormRule, values: Mapping[str, str]) -> dict[str, Any]:
    rule = policy.rules[shape.number]
    by_key = {field.key: field for field in shape.fields}
    call: dict[str, Any] = {"rule": rule_label(shape.number, rule, functions)}
    arguments: dict[str, Any] = {}
    for slot in slots(policy, rule, functions.get(rule.selector)):
        arguments[slot.name] = _slot(shape, slot, by_key, values)
    if arguments:
        call["arguments"] = arguments
    if VALUE in by_key:
        field = by_key[VALUE]
        call[VALUE] = _value(shape, field, values.get(input_name(shape.number, VALUE), ""))
    return call


def _slot(shape: FormRule, slot: Slot, by_key: Mapping[str, FormField], values: Mapping[str, str]) -> Any:
    if slot.shape is not Shape.ROWS:
        field = by_key[slot.name if slot.shape is Shape.BYTES else slot.fields[0].name]
        return _value(shape, field, values.get(input_name(shape.number, field.key), ""))
    columns = []
    for one in slot.fields:
        field = by_key[one.name]
        lines = values.get(input_name(shape.number, field.key), "").strip().splitlines()
        lines = [""] if field.is_fixed else lines  # asked for nowhere, and there is exactly one row
        columns.append([_value(shape, field, line) for line in lines])
    if len({len(column) for column in columns}) != 1:
        raise NotFilled(shape.rule, slot.name, "its lists must have the same number of lines")
    if len(slot.fields) == 1:
        return columns[0]
    names = [one.name.rpartition("[].")[2] for one in slot.fields]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=True)]


def _value(shape: FormRule, field: FormField, given: str) -> Any:
    if field.is_fixed:
        return _of_type(field, field.choices[0][0] if field.choices else str(field.most))
    if field.kind == "text":
        return hex_text(given.replace("\r\n", "\n").encode())
    text = given.strip()
    if not text and field.kind != "bytes":
        raise NotFilled(shape.rule, field.label, "nothing is written here")
    if field.kind in ("amount", "number"):
        return _number(shape, field, text)
    if field.kind == "bytes":
        return text or "0x"
    if field.choices and text not in {value for value, _ in field.choices}:
        raise NotFilled(shape.rule, field.label, f"{shown(text)} is none of those that the policy names")
    return _of_type(field, text)


def _of_type(field: FormField, text: str) -> Any:
    if field.type == "bool":
        return text == "True"
    return text


def _number(shape: FormRule, field: FormField, text: str) -> str | dict[str, str]:
    """Base units as text; a share, such as `0.5 %`, stands for so much less than a quote, where a quote can be had."""
    if text.endswith("%"):
        try:
            return {"slippage_bps": str(parse_share(text))}
        except Unclear as unclear:
            raise NotFilled(shape.rule, field.label, str(unclear)) from None
    if field.kind != "amount" or field.decimals is None:
        plain = text.replace(",", "") if _GROUPS.fullmatch(text) else text
        if (_SIGNED if field.type.startswith("int") else _DIGITS).fullmatch(plain) is None:
            raise NotFilled(shape.rule, field.label, f"{shown(text)} is not a whole number in digits")
        return plain
    # A chain whose currency has no name here counts in "native units", which no amount is written with.
    token = Token(field.token if " " not in field.token else "units", bytes(20), field.decimals)
    written = f"{text.removesuffix(field.token).strip()} {token.symbol}"
    try:
        return str(parse_supply_amount(written, {token.symbol: token})[0])
    except Unclear as unclear:
        raise NotFilled(shape.rule, field.label, str(unclear)) from None
