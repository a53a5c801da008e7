# SPDX-License-Identifier: Apache-2.0
"""What a decision record proves by itself: every hash and signature recomputed, and that its sections agree."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import rfc8785

from agent import choice
from agent.acts import approvals, askers, forms
from agent.acts.calls import calls_from_json, calls_hash, payment_call
from agent.acts.judging import evaluation_json
from agent.acts.policy import state_from_json
from agent.acts.provenance import (
    DOMAIN_NAME,
    FORMAT,
    FORMAT_ASKED,
    FORMAT_BEFORE,
    FORMATS,
    KEYS,
    KIND_ACT,
    LOOKS,
    SECTIONS,
    TYPES,
    Actions,
    canonical,
    section_hash,
)
from governance.chain import eip712
from governance.chain.address import checksum, to_bytes
from governance.fields import UINT256_MAX
from policies.answer.evaluate import Allowed, Mode, evaluate
from policies.code import encoding
from policies.code.call import Call
from policies.code.policy_code import PolicyCode
from policies.notation.hexadecimal import hex_bytes, hex_text


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked. `ok` None: it could not be (`detail` says why)."""

    name: str
    ok: bool | None
    detail: str = ""


def verify_document(record: dict[str, Any], text: bytes | None = None) -> Iterator[Check]:
    """Everything that the document itself proves. Stops at the first thing that makes the rest meaningless."""
    missing, extra = KEYS - set(record), set(record) - KEYS
    shape = not missing and not extra and record.get("format") in FORMATS
    if shape and isinstance(record["checks"], dict):  # `format` is not under the signature, its checks are
        shape = ("asker" in record["checks"]) == (record["format"] in (*LOOKS, FORMAT_ASKED))
        shape = shape and ("second_look" in record["checks"]) == (record["format"] in LOOKS)
    if shape and isinstance(record["inputs"], dict):  # nor are its inputs
        shape = ("quotes" in record["inputs"]) == (record["format"] == FORMAT)
    yield Check(
        "format",
        shape,
        str(record["format"])
        if shape
        else f"missing: {sorted(missing)}, unknown: {sorted(extra)[:5]}, format: {record.get('format')!r}"[:200],
    )
    if not shape:
        return
    try:
        written = canonical(record)
    except (rfc8785.CanonicalizationError, RecursionError) as error:
        yield Check("canonical", False, str(error)[:200])
        return
    if text is not None:
        yield Check("canonical", text.strip() == written, "RFC 8785, byte for byte")
    message, domain = record["message"], record["domain"]
    fields = {field["name"] for field in TYPES["AgentOutput"]}
    if not isinstance(message, dict) or set(message) != fields or not all(isinstance(v, str) for v in message.values()):
        yield Check("message", False, "not the fields of AgentOutput")
        return
    odd = [field["name"] for field in TYPES["AgentOutput"] if not _is_canonical(field["type"], message[field["name"]])]
    if odd:
        yield Check("message", False, f"not in canonical form: {', '.join(odd)}")
        return
    for name, field in SECTIONS.items():
        yield Check(name, message[field] == hex_text(section_hash(record[name])), f"hashes to {field}")
    try:
        actions = Actions.from_json(record["actions"])
    except (ValueError, KeyError, TypeError) as error:
        yield Check("actions", False, f"not in canonical form: {error}"[:200])
        return
    yield Check("actions", message["actionsHash"] == hex_text(actions.hash()), "hash to actionsHash")
    yield Check(
        "policyHash", message["policyHash"] == record["actions"]["policy_codehash"], "is the policy code of the actions"
    )
    yield Check("kind", message["kind"] == hex_text(KIND_ACT), "an act")
    expected_domain = {
        "name": DOMAIN_NAME,
        "version": "1",
        "chainId": message["chainId"],
        "verifyingContract": record["actions"]["module"],
    }
    yield Check("domain", domain == expected_domain, "this chain and this policy module")
    if domain != expected_domain:
        return
    try:
        document = eip712.document(
            TYPES, "AgentOutput", DOMAIN_NAME, int(message["chainId"]), domain["verifyingContract"], message
        )
        digest = eip712.digest(document)
    except ValueError as error:
        yield Check("message", False, f"can't be hashed: {error}"[:200])
        return
    yield Check("hash", record["hash"] == hex_text(digest), "EIP-712 digest of the message")
    try:
        signature = eip712.signature_bytes(record["signature"])
        if record["signature"] != hex_text(signature) or len(signature) != 65:
            yield Check("signature", False, "not in canonical form (65 bytes, lower case)")
            return
        signer = checksum(eip712.recover(document, signature))
    except eip712.BadSignature as error:
        yield Check("signature", False, str(error))
        return
    yield Check("signer", signer == record["signer"], f"signed by {signer}")
    try:
        yield from _verify_meaning(record, actions, signer)
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, RecursionError) as error:
        yield Check("contents", False, f"a part is missing or malformed: {type(error).__name__} {error}"[:200])


def _is_canonical(of: str, value: str) -> bool:
    """Whether a message's value is written in the one way that `compose` writes it."""
    if of == "bytes32":
        return re.fullmatch(r"0x[0-9a-f]{64}", value) is not None
    if of == "address":
        try:
            return checksum(to_bytes(value)) == value
        except ValueError:
            return False
    return re.fullmatch(r"0|[1-9][0-9]{0,77}", value) is not None and int(value) < 2 ** int(of.removeprefix("uint"))


def _verify_meaning(record: dict[str, Any], actions: Actions, signer: str) -> Iterator[Check]:
    """That the sections agree with each other: signed nonsense is still nonsense."""
    inputs, checks = record["inputs"], record["checks"]
    code = hex_bytes(inputs["policy"]["code"])
    yield Check("policy code", encoding.codehash(code) == actions.policy_codehash, "hashes to policyHash")
    policy = encoding.decode(code)
    yield Check("agent", checksum(policy.agent) == signer, "the signer is the agent that the policy names")
    yield Check(
        "policy id", inputs["policy"]["policy_id"] == record["actions"]["policy_id"], "the policy of the actions"
    )
    chosen = [candidate for candidate in inputs["candidates"] if candidate["key"] == checks["chosen"]["candidate"]]
    ok = len(chosen) == 1 and calls_from_json(chosen[0]["calls"]) == actions.calls
    yield Check("candidate", ok, "the actions are exactly the calls of the chosen candidate")
    if not ok:
        return
    lines = chosen[0]["lines"]
    act = inputs["request"].get("act")
    if act is None:
        pays = pays_of(lines) == actions.calls
        yield Check("lines", pays, "the candidate's payments as listed are what its calls pay")
    else:
        yield from _verify_act(record, policy, act, lines)
    approval = checks["approval"]
    if checks["chosen"]["by"] == "model":
        word = choice.read_text(record["output"]["text"], [chosen[0]["key"]], record["prompt"]["schema"])
        # The operator's signature is an authority of its own; without it the act rests on what the model said.
        agrees = word.agrees_to(chosen[0]["key"]) or (approval is not None and word.key == chosen[0]["key"])
        yield Check("choice", agrees, f"the model answered: {choice.in_words(word)}")
    if record["format"] in LOOKS:
        yield from _verify_second_look(record)
    state = state_from_json(inputs["state"])
    mode = Mode.SCHEDULE if actions.scheduled else Mode.EXECUTE
    answer = evaluate(policy, state, actions.calls, int(inputs["block"]["timestamp_chain_s"]), mode)
    replayed = isinstance(answer, Allowed) and evaluation_json(policy, mode, answer) == checks["evaluation"]
    replayed = replayed and state.number + 1 == actions.number and state.policy_id == actions.policy_id
    yield Check("evaluation", replayed, "the recorded state, policy and calls give the recorded answer again")
    yield Check("simulation", checks["simulation"]["ok"] is True, f"at block {checks['simulation']['block']}")
    needed = bool(checks["needs_approval"]) or not chosen[0]["is_roster"] or bool(chosen[0]["differences"])
    needed = needed or checks["chosen"]["by"] not in ("model", *(["roster"] if record["format"] in LOOKS else []))
    needed = needed or act is not None
    if approval is None:
        word = "the model says it was asked for" if checks["chosen"]["by"] == "model" else "no model said no"
        yield Check("approval", not needed, f"none is needed: exactly the roster, and {word}")
        yield from _verify_asker_and_month(record, policy, lines)
        return
    document = approvals.compose(
        chain_id=int(record["message"]["chainId"]),
        module=actions.module,
        policy_id=actions.policy_id,
        codehash=actions.policy_codehash,
        reference=hex_bytes(inputs["request"]["reference"]),
        calls=calls_hash(actions.calls),
        asked=inputs["request"]["text"],
        pays=approval["pays"],
    )
    if "signed_at" in approval:  # by a contract account, which alone can say whether it signed
        if approval["operator"] != checksum(policy.operator):
            yield Check("approval", False, f"by {approval['operator']}, which is not the policy's operator"[:200])
            return
        digest, block = hex_text(eip712.digest(document)), int(approval["signed_at"]["block"])
        asked = f"ask {approval['operator']} isValidSignature({digest}, the signature) at block {block}"
        yield Check("approval", None, f"the operator is a contract account: {asked}")
        return
    operator = eip712.recover(document, eip712.signature_bytes(approval["signature"]))
    named = approval["operator"] == checksum(operator)
    yield Check(
        "approval", named and operator == policy.operator, f"signed by {checksum(operator)}, the policy's operator"
    )


def _verify_act(
    record: dict[str, Any], policy: PolicyCode, act: dict[str, Any], lines: list[dict[str, Any]]
) -> Iterator[Check]:
    """That the calls are those of the form's answer under the policy, with minima from the recorded quotes."""
    calls, quoted = Actions.from_json(record["actions"]).calls, record["inputs"]["quotes"]
    same = forms.calls_of(policy, act, quoted) == calls
    what = "the exact calls" if forms.is_raw(act) else "the form's answer under this policy"
    yield Check("act asked for", same, f"the actions are exactly {what} that was asked for")
    pays = [(one.recipient, one.asset, one.amount) for one in forms.payments_of(calls)]
    listed = [(to_bytes(line["recipient"]), to_bytes(line["asset"]), int(line["amount"])) for line in lines]
    yield Check("lines", pays == listed, "the candidate's payments as listed are those among its calls")
    for quote in quoted:
        price = f"the pool {quote['pool']} would have given {quote['expected']} base units at block {quote['block']}"
        yield Check("quote", None, f"{price}: the agent's word"[:300])


def _verify_second_look(record: dict[str, Any]) -> Iterator[Check]:
    """That the record says truly whether it holds a model's word. That a model was silent no record can prove."""
    look, chosen_by = record["checks"]["second_look"], record["checks"]["chosen"]["by"]
    has_word = record["output"] is not None
    same = set(look) == {"by", "silent"} and look["by"] == ("model" if has_word else "nobody")
    if not same or (chosen_by == "roster" and (has_word or not look["silent"])):
        yield Check("second look", False, "the record does not hold what it says of the model's word")
    elif chosen_by == "roster":
        yield Check("second look", None, f"{look['silent']}. That it was silent is the agent's word"[:300])
    else:
        yield Check("second look", True, "by the model" if has_word else "by no model")


def _verify_asker_and_month(record: dict[str, Any], policy: PolicyCode, lines: list[dict[str, Any]]) -> Iterator[Check]:
    """That nobody's signature was needed for who asked, and for which month, as far as the record carries it."""
    if record["format"] == FORMAT_BEFORE:
        yield Check("asker", None, "this record's format does not carry who had a say")
        yield Check("roster's month", None, "this record's format does not carry when the roster was signed")
        return
    inputs, asker = record["inputs"], record["checks"]["asker"]
    payees = {line["recipient"] for line in lines}
    has_a_say = askers.has_a_say(asker, inputs["request"]["requested_by"], checksum(policy.operator), payees)
    yield Check("asker", has_a_say, f"who asked is, in the DAO: {asker['kind']}")
    period, signed_s = inputs["request"]["period"], inputs.get("roster", {}).get("signed_before_chain_s")
    begun = signed_s is not None and askers.month_begins_s(period) >= int(signed_s)
    begun = begun and all(line["period"] == period for line in lines)
    begun = begun and askers.month_begins_s(period) <= int(inputs["block"]["timestamp_chain_s"])
    yield Check("roster's month", begun, f"{period} began after the roster was signed, and before the act")


def pays_of(lines: list[dict[str, Any]]) -> tuple[Call, ...]:
    """The calls that pay a candidate's lines. Raises ValueError, KeyError or TypeError for what are no lines."""
    pays = [(to_bytes(line["recipient"]), to_bytes(line["asset"]), int(line["amount"])) for line in lines]
    if any(not 0 <= amount <= UINT256_MAX for _, _, amount in pays):
        raise ValueError("an amount is not one of 256 bits")
    return tuple(payment_call(*line) for line in pays)
