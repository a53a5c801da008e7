# SPDX-License-Identifier: Apache-2.0
"""The form of a policy's rules: what a page and the API show of it, and a filled-in one as a request to the agent."""

from __future__ import annotations

import functools
import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.http import Http404
from django.utils.translation import gettext

from agent.acts import forms, quotes
from agent.acts.calls import calls_json
from agent.understanding import given
from agent.understanding.functions import table
from governance import standing
from governance.models import PolicyVersion
from governance.numbers import grouped, if_grouped
from policies.answer.act_schema import act_schema
from policies.answer.filled import VALUE, NotFilled, filled, in_order, input_name
from policies.answer.form import FormField, FormRule, form
from policies.code.call import Call
from policies.code.policy_code import PolicyCode
from policies.code.signatures import Function, parse_function
from policies.document.document import load
from policies.notation.amounts import Unclear
from policies.notation.hexadecimal import hex_text
from policies.notation.problems import PolicyError
from presentation.dao_view import DaoView
from presentation.policies import decode_version, vocabulary
from webapp import languages
from webapp.models import PolicyText
from webapp.shapes import Json, address_json

MOST_BATCH = 60_000  # characters of a batch of exact calls


class BadForm(ValueError):
    """A form that can't be taken; the message says why."""


@dataclass(frozen=True)
class PolicyForm:
    """A policy in force with its code, and the functions that give names to its arguments."""

    version: PolicyVersion
    code: PolicyCode
    functions: Mapping[bytes, Function]
    names: Mapping[bytes, str]  # of addresses, from the document that members voted on

    @property
    def texts(self) -> list[str]:
        """The functions as they stand in a request."""
        return sorted(function.text for function in self.functions.values())


def form_of(place: DaoView, policy_id: bytes) -> PolicyForm:
    """The form of a policy in force; 404 where there is none, or where its code can't be read."""
    for version in standing.policies_in_force(place.dao):
        code = decode_version(version)[0]
        if bytes(version.policy_id) == policy_id and code is not None:
            functions, names = _documented_by_hash(code)
            return PolicyForm(version, code, _functions(code, functions), names)
    raise Http404("no such policy is in force")


def _documented_by_hash(code: PolicyCode) -> tuple[Mapping[bytes, Function], Mapping[bytes, str]]:
    row = PolicyText.objects.filter(document_hash=code.document_hash).first()
    return _documented(bytes(code.document_hash), row.text) if row else ({}, {})


def _functions(code: PolicyCode, documented: Mapping[bytes, Function]) -> dict[bytes, Function]:
    """By selector: as the document that members voted on names them, else as published code does. A selector that is
    known by neither has no names. One that several published functions share takes the first that fits the rule."""
    found: dict[bytes, Function] = {}
    for rule in code.rules:
        named = [documented[rule.selector]] if rule.selector in documented else _published(rule.selector)
        fits = [one for one in named if (one.words, one.dynamics) == (rule.words, rule.dynamics)]
        if fits and not rule.no_selector:
            found[rule.selector] = fits[0]
    return found


@functools.lru_cache(maxsize=64)
def _documented(_document_hash: bytes, text: str) -> tuple[Mapping[bytes, Function], Mapping[bytes, str]]:
    """The functions and the names of addresses in a document; two that are called alike keep their addresses alone."""
    try:
        document = load(text)
    except PolicyError:
        return {}, {}
    called = Counter(name.casefold() for name, _ in document.addresses)
    names = {address: name for name, address in document.addresses if called[name.casefold()] == 1}
    return {rule.function.selector: rule.function for rule in document.rules if rule.function}, names


@functools.lru_cache(maxsize=1024)
def _published(selector: bytes) -> list[Function]:
    found = []
    for one in table.candidates(selector):
        try:
            named = ", ".join(_argument(part, place) for place, part in enumerate(one.inputs))
            found.append(parse_function(f"{one.name}({named})"))
        except Unclear:
            continue
    return found


def _argument(part: table.Input, place: int) -> str:
    name = part.name or f"argument{place + 1}"
    if not part.parts:
        return f"{part.type} {name}"
    inner = ", ".join(_argument(one, number) for number, one in enumerate(part.parts))
    return f"({inner}){part.type[part.type.rindex(')') + 1 :]} {name}"


# ---------------------------------------------------------------------------------------------------------- as a form


def rules_of(place: DaoView, found: PolicyForm, values: Mapping[str, str], chosen: list[int]) -> list[dict[str, Any]]:
    """Each rule with its inputs, in the order in which an act makes their calls, with what was typed."""
    shapes = _form(place, found)
    return [
        {
            "number": rule.number,
            "name": function.name if function else gettext("native currency"),
            "target": found.code.rules[rule.number].target,
            "chosen": rule.number in chosen,
            "ends_at_zero": found.code.rules[rule.number].approval,
            "fields": [_field(place, found, rule, field, values) for field in rule.fields],
        }
        for number in in_order(found.code)
        for rule in [shapes[number]]
        for function in [found.functions.get(found.code.rules[rule.number].selector)]
    ]


def _form(place: DaoView, found: PolicyForm) -> tuple[FormRule, ...]:
    lent = vocabulary(place)
    return form(found.code, found.functions, lent.tokens, {**found.names, **lent.names})


def _field(
    place: DaoView, found: PolicyForm, rule: FormRule, field: FormField, values: Mapping[str, str]
) -> dict[str, Any]:
    name = input_name(rule.number, field.key)
    function = found.functions.get(found.code.rules[rule.number].selector)
    is_minimum = bool(field.key) and quotes.minimum_name(found.code, rule.number, function) == field.key
    return {
        "name": name,
        "label": gettext("%(coin)s to send") % {"coin": place.native.symbol} if field.key == VALUE else field.label,
        "kind": field.kind,
        "is_list": field.rows != (1, 1),
        "most_rows": field.rows[1],
        "choices": [] if field.is_fixed else field.choices,
        "fixed": (field.fixed_text if field.choices else if_grouped(field.most_text)) if field.is_fixed else "",
        "most": if_grouped(field.most_text) if field.kind == "amount" and field.most < 2**255 else "",
        "is_bounded": field.kind == "number" and field.most < 2**63,
        "most_number": grouped(field.most),
        "is_minimum": is_minimum,
        "value": values.get(name, ""),
    }


def form_json(place: DaoView, found: PolicyForm) -> Json:
    """The form as data: the schema of an act and, rule by rule, the inputs it is made of."""
    return {
        "policy_id": hex_text(found.version.policy_id),
        "version": found.version.version,
        "operator": address_json(found.code.operator),
        "act_schema": act_schema(found.code, found.functions),
        "functions": found.texts,
        "rules": [
            {
                "rule": rule.rule,
                "number": rule.number,
                "target": address_json(found.code.rules[rule.number].target),
                "fields": [_field_json(field) for field in rule.fields],
            }
            for rule in _form(place, found)
        ],
    }


def _field_json(field: FormField) -> Json:
    return {
        "key": field.key,
        "kind": field.kind,
        "type": field.type,
        "fixed": field.is_fixed,
        "choices": [value for value, _ in field.choices],
        "least": str(field.least),
        "most": str(field.most),
        "token": field.token,
        "decimals": field.decimals,
        "least_rows": field.rows[0],
        "most_rows": str(field.rows[1]),
    }


# ------------------------------------------------------------------------------------------------------ as a request


def act_of_inputs(place: DaoView, found: PolicyForm, chosen: list[int], values: Mapping[str, str]) -> forms.Act:
    """The act of a filled-in form. Raises BadForm."""
    for rule in _form(place, found):
        for field in rule.fields:
            is_number = rule.number in chosen and field.kind in ("amount", "number")
            if is_number and (unclear := languages.unclear_amount(values.get(input_name(rule.number, field.key), ""))):
                raise BadForm(f"{field.label}: {unclear}")
    try:
        answer = filled(found.code, found.functions, vocabulary(place).tokens, chosen, values)
    except NotFilled as error:
        raise BadForm(str(error)) from None
    return answer | {"functions": found.texts}


def act_of_calls(found: PolicyForm, calls: list[Any]) -> forms.Act:
    """The act of calls in the language of the form's schema. The names are ours, never the asker's."""
    return {"calls": calls, "functions": found.texts}


def act_of_batch(text: str, chain_id: int) -> forms.Act:
    """The act of exact calls: a batch of Safe's transaction builder, or another file with calls. Raises BadForm."""
    if len(text) > MOST_BATCH:
        raise BadForm(gettext("the batch is longer than %(most)s characters") % {"most": grouped(MOST_BATCH)})
    try:
        read = given.read(text)
    except given.BadCalls as error:
        raise BadForm(str(error)) from None
    if read.chain_id not in (None, chain_id):
        raise BadForm(gettext("the batch is for the chain %(its)s, and the DAO is on the chain %(here)s")
                      % {"its": read.chain_id, "here": chain_id})  # fmt: skip
    if any(call.operation for call in read.calls):
        raise BadForm(gettext("no policy permits a delegatecall"))
    calls = [Call(call.target, call.value_wei, call.calldata) for call in read.calls]
    fits = {call.data[:4]: table.exact_fits(call.data, by_hand=False) for call in calls}
    named = [_published(selector)[0] for selector, known in fits.items() if len(known) == 1 and _published(selector)]
    return {"raw": calls_json(calls), "functions": sorted(function.text for function in named)}


def new_key() -> str:
    """A name for a request that was sent once."""
    return secrets.token_hex(12)
