# SPDX-License-Identifier: Apache-2.0
"""Decision records: the signed account of why the agent acts, whose hash stands on chain as the act's `decision`.

A record is one JSON document in canonical form (RFC 8785). Each of its sections is hashed into the EIP-712 message
`AgentOutput`; the message's digest, which the agent signs, is the record's hash and links to the record before it.
`verify` recomputes all of it from the document alone, and then compares with the chain.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785
from eth_utils.crypto import keccak

from agent import choice
from agent.acts import approvals, askers, forms, rosters
from agent.acts.calls import calls_from_json, calls_hash, calls_json, payment_call
from agent.acts.judging import evaluation_json
from agent.acts.policy import state_from_json
from agent.models import DecisionRecord, Roster
from governance.chain import abi, eip712
from governance.chain.address import checksum, to_bytes
from governance.chain.module import ACT_EXECUTED, ACT_SCHEDULED
from governance.chain.rpc import Rpc, RpcError, unhex
from governance.fields import UINT256_MAX
from governance.models import Act, Contract, Dao, PolicyVersion
from policies.answer.evaluate import Allowed, Mode, evaluate
from policies.code import encoding
from policies.code.call import Call
from policies.code.policy_code import PolicyCode
from policies.notation.hexadecimal import hex_bytes, hex_text

FORMAT = "mandate.decision/4"
FORMAT_LOOKED = "mandate.decision/3"  # did not carry acts that were asked for in a form: there were none
FORMAT_ASKED = "mandate.decision/2"  # did not carry whether a model looked: one always had, or the operator signed
# Before, a record did not carry who asked and when the roster was signed; a model could answer a yes with a no in it.
FORMAT_BEFORE = "mandate.decision/1"
_FORMATS = (FORMAT, FORMAT_LOOKED, FORMAT_ASKED, FORMAT_BEFORE)
_LOOKS = (FORMAT, FORMAT_LOOKED)
KIND_ACT = keccak(text="mandate.act")
ZERO_HASH = bytes(32)
DOMAIN_NAME = "Mandate decision record"
TYPES = {
    "AgentOutput": [
        {"name": "kind", "type": "bytes32"},
        {"name": "chainId", "type": "uint256"},
        {"name": "governor", "type": "address"},
        {"name": "proposalId", "type": "uint256"},
        {"name": "inputHash", "type": "bytes32"},
        {"name": "actionsHash", "type": "bytes32"},
        {"name": "policyHash", "type": "bytes32"},
        {"name": "promptHash", "type": "bytes32"},
        {"name": "modelHash", "type": "bytes32"},
        {"name": "samplingHash", "type": "bytes32"},
        {"name": "outputHash", "type": "bytes32"},
        {"name": "checksHash", "type": "bytes32"},
        {"name": "prevRecord", "type": "bytes32"},
        {"name": "createdAt", "type": "uint64"},
    ]
}
TYPEHASH = bytes.fromhex("212b22e705dff7b04273fdf6321302623057b32e2e2bdabf9c49dd1c9d7784ba")
_FIELDS = ",".join(f"{field['type']} {field['name']}" for field in TYPES["AgentOutput"])
if keccak(text=f"AgentOutput({_FIELDS})") != TYPEHASH:  # members compare this number: a changed field is another format
    raise RuntimeError("the type AgentOutput is not the published one")

SECTIONS = {
    "inputs": "inputHash",
    "prompt": "promptHash",
    "model": "modelHash",
    "sampling": "samplingHash",
    "output": "outputHash",
    "checks": "checksHash",
}
_KEYS = {"format", *SECTIONS, "actions", "domain", "message", "signer", "signature", "hash"}


class RecordError(ValueError):
    """The text is not a decision record at all."""


@dataclass(frozen=True, slots=True)
class Actions:
    """What the agent does: these calls, under this act number of this policy code."""

    module: bytes
    policy_id: bytes
    policy_codehash: bytes
    number: int
    scheduled: bool
    calls: tuple[Call, ...]

    def hash(self) -> bytes:
        return keccak(
            abi.encode(
                ["address", "bytes32", "bytes32", "uint24", "bool", "bytes32"],
                [
                    self.module,
                    self.policy_id,
                    self.policy_codehash,
                    self.number,
                    self.scheduled,
                    calls_hash(self.calls),
                ],
            )
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "module": checksum(self.module),
            "policy_id": hex_text(self.policy_id),
            "policy_codehash": hex_text(self.policy_codehash),
            "number": str(self.number),
            "scheduled": self.scheduled,
            "calls": calls_json(self.calls),
        }

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> "Actions":
        """Raises ValueError, KeyError or TypeError for anything that `as_json` would not have written."""
        actions = cls(
            to_bytes(value["module"]),
            hex_bytes(value["policy_id"]),
            hex_bytes(value["policy_codehash"]),
            int(value["number"]),
            value["scheduled"],
            calls_from_json(value["calls"]),
        )
        if actions.as_json() != dict(value) or not isinstance(actions.scheduled, bool):
            raise ValueError("not in canonical form")
        if not 0 < actions.number < 2**24:
            raise ValueError("the act number is not one of the module's")
        return actions


def canonical(value: Any) -> bytes:
    """RFC 8785 JSON: one value, one text."""
    return rfc8785.dumps(value)


def section_hash(value: Any) -> bytes:
    """keccak256 of a section in canonical JSON; zero for a section that is not there (no model was asked)."""
    return ZERO_HASH if value is None else keccak(canonical(value))


def compose(
    sections: Mapping[str, Any],
    actions: Actions,
    *,
    chain_id: int,
    governor: bytes,
    prev_record: bytes,
    created_at_s: int,
    sign: Callable[[dict[str, Any]], tuple[bytes, bytes]],
) -> dict[str, Any]:
    """The whole record. `sign` takes typed data and returns (signer's address, signature)."""
    if set(sections) != set(SECTIONS):
        raise ValueError("a record has exactly its sections")
    message = {
        "kind": hex_text(KIND_ACT),
        "chainId": str(chain_id),
        "governor": checksum(governor),
        "proposalId": "0",
        **{field: hex_text(section_hash(sections[name])) for name, field in SECTIONS.items()},
        "actionsHash": hex_text(actions.hash()),
        "policyHash": hex_text(actions.policy_codehash),
        "prevRecord": hex_text(prev_record),
        "createdAt": str(created_at_s),
    }
    document = eip712.document(TYPES, "AgentOutput", DOMAIN_NAME, chain_id, checksum(actions.module), message)
    signer, signature = sign(document)
    return {
        "format": FORMAT,
        **sections,
        "actions": actions.as_json(),
        "domain": {**document["domain"], "chainId": str(chain_id)},
        "message": message,
        "signer": checksum(signer),
        "signature": hex_text(signature),
        "hash": hex_text(eip712.digest(document)),
    }


def proves_authority(body: str) -> bool:
    """Whether a stored record is of the format that says what its act rests on: who asked, and from when on."""
    return bool(json.loads(body)["format"] in (*_LOOKS, FORMAT_ASKED))


def public_json(hash: bytes) -> bytes | None:
    """The record as published at /records/<hash>.json, or None where there is none."""
    body = DecisionRecord.objects.filter(hash=hash).values_list("body", flat=True).first()
    return None if body is None else body.encode()


# ---------------------------------------------------------------------------------------------------- verification


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was checked. `ok` None: it could not be (`detail` says why)."""

    name: str
    ok: bool | None
    detail: str = ""


def load(text: bytes) -> dict[str, Any]:
    """The record in a file. Raises RecordError unless it is JSON with a record's keys, each once."""
    try:
        record = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise RecordError(f"not JSON: {error}"[:200]) from error
    if not isinstance(record, dict):
        raise RecordError("not a decision record: the document is not an object")
    return record


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a key is there twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def verify_document(record: dict[str, Any], text: bytes | None = None) -> Iterator[Check]:
    """Everything that the document itself proves. Stops at the first thing that makes the rest meaningless."""
    missing, extra = _KEYS - set(record), set(record) - _KEYS
    shape = not missing and not extra and record.get("format") in _FORMATS
    if shape and isinstance(record["checks"], dict):  # `format` is not under the signature, its checks are
        shape = ("asker" in record["checks"]) == (record["format"] in (*_LOOKS, FORMAT_ASKED))
        shape = shape and ("second_look" in record["checks"]) == (record["format"] in _LOOKS)
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
    if record["format"] in _LOOKS:
        yield from _verify_second_look(record)
    state = state_from_json(inputs["state"])
    mode = Mode.SCHEDULE if actions.scheduled else Mode.EXECUTE
    answer = evaluate(policy, state, actions.calls, int(inputs["block"]["timestamp_chain_s"]), mode)
    replayed = isinstance(answer, Allowed) and evaluation_json(policy, mode, answer) == checks["evaluation"]
    replayed = replayed and state.number + 1 == actions.number and state.policy_id == actions.policy_id
    yield Check("evaluation", replayed, "the recorded state, policy and calls give the recorded answer again")
    yield Check("simulation", checks["simulation"]["ok"] is True, f"at block {checks['simulation']['block']}")
    needed = bool(checks["needs_approval"]) or not chosen[0]["is_roster"] or bool(chosen[0]["differences"])
    needed = needed or checks["chosen"]["by"] not in ("model", *(["roster"] if record["format"] in _LOOKS else []))
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


def verify_against_mirror(record: dict[str, Any]) -> Iterator[Check]:
    """The links that the mirror knows: the record before, the roster, the policy on chain, and the act itself."""
    message, actions = record["message"], Actions.from_json(record["actions"])
    digest = hex_bytes(record["hash"])
    versions = PolicyVersion.objects.filter(policy_id=actions.policy_id, codehash=actions.policy_codehash)
    versions = versions.filter(module__address=actions.module, dao__chain=int(message["chainId"]))
    stored = DecisionRecord.objects.filter(hash=digest).first()
    if stored is not None:
        versions = versions.filter(dao=stored.dao_id)
    version = versions.select_related("dao").first()
    yield Check("policy in force", version is not None, "this policy code was set on this module by a vote")
    if version is None:
        return
    governor = Contract.objects.filter(dao=version.dao, kind=Contract.Kind.GOVERNOR).first()
    expected = checksum(governor.address if governor else bytes(20))
    yield Check("governor", message["governor"] == expected, expected)
    yield _verify_place(version.dao, digest, hex_bytes(message["prevRecord"]))
    if stored is not None:
        yield Check(
            "published", stored.body.encode() == canonical(record), "the record that is published under this hash"
        )
    if record["checks"]["approval"] is None:
        yield from _verify_roster(record, actions, version)
        yield from _verify_votes_token(record, version)
    acts = Act.objects.select_related("log").filter(decision=digest, module=version.module)
    if len(acts) != 1:
        text = f"{len(acts)} acts name this decision" if acts else "no act with this decision is on chain"
        yield Check("act", False, f"{text}, as far as the mirror has read")
        return
    act = acts[0]
    calls = tuple(Call(bytes(c.target), c.value_wei, bytes(c.calldata)) for c in act.calls.all())
    where = f"transaction {hex_text(bytes(act.log.transaction_hash))}, block {act.log.block_number}"
    yield Check("act", calls == actions.calls, f"act {act.number} ({act.status}) made exactly these calls: {where}")
    yield Check("act number", act.number == actions.number, f"{act.number}")
    under = bytes(act.policy_id) == actions.policy_id and versions.filter(version=act.version).exists()
    under = under and record["inputs"]["policy"].get("version") == str(act.version)
    yield Check("act policy", under, f"under version {act.version} of this policy, which has this code")
    yield Check("act agent", checksum(bytes(act.agent)) == record["signer"], "by the agent that signed the record")
    yield Check(
        "act scheduled",
        (act.act_id is not None) == actions.scheduled,
        "with an objection window" if actions.scheduled else "at once",
    )


def _verify_place(dao: Dao, digest: bytes, previous: bytes) -> Check:
    """Records form one chain for each DAO: nothing else may follow the same record, or claim to be the first."""
    rival = DecisionRecord.objects.filter(dao=dao, prev_hash=previous).exclude(hash=digest).first()
    if rival is not None:
        return Check("prevRecord", False, f"another record is in this place: {rival}")
    if previous == ZERO_HASH:
        return Check("prevRecord", True, "the first record")
    before = DecisionRecord.objects.filter(hash=previous).first()
    if before is None:
        return Check("prevRecord", None, "not known here")
    return Check("prevRecord", before.dao_id == dao.pk, "known here")


def _verify_roster(record: dict[str, Any], actions: Actions, version: PolicyVersion) -> Iterator[Check]:
    """Without an approval, the calls rest on a roster: of this policy, signed by its operator, and still good."""
    inputs = record["inputs"]
    try:
        roster = Roster.objects.filter(digest=hex_bytes(inputs["roster"]["digest"])).first()
        if roster is None:
            yield Check("roster", None, "not known here")
            return
        terms = rosters.terms_of(roster)
        pays = tuple(payment_call(line.recipient, line.asset, line.amount) for line in terms.lines)
        ok = pays == actions.calls and roster.expires_chain_s > int(inputs["block"]["timestamp_chain_s"])
        ok = ok and (roster.module_id, roster.policy_id) == (version.module_id, actions.policy_id)
        ok = ok and str(roster.policy_version) == inputs["policy"]["version"]
        ok = ok and (terms.rules is None or _follows(terms.rules, record))
    except (KeyError, TypeError, ValueError) as error:
        yield Check("roster", False, f"{type(error).__name__}: {error}"[:200])
        return
    ok = ok and roster.operator == encoding.decode(bytes(version.code)).operator
    text = "the calls are exactly the roster that the operator signed for this policy"
    if roster.signed_block_number is not None:
        text += f", as its contract account confirmed at block {roster.signed_block_number}"
    yield Check("roster", ok, text)
    if record["format"] != FORMAT_BEFORE:
        same = inputs["roster"]["signed_before_chain_s"] == str(roster.accepted_chain_s)
        text = "when the record says" if same else "at another time than the record says, which proves nothing"
        yield Check("roster's date", True if same else None, f"it was taken in here {text}")


def _follows(rules: rosters.Rules, record: dict[str, Any]) -> bool:
    """Whether a payment without approval is one that the roster's rules let be asked for, by whom and for its month."""
    kind, period = record["checks"]["asker"]["kind"], record["inputs"]["request"]["period"]
    is_in_time = rules.first_month <= period and (not rules.last_month or period <= rules.last_month)
    return rules.kind == rosters.MONTHLY and is_in_time and kind in {askers.OPERATOR, *rules.may_ask}


def _verify_votes_token(record: dict[str, Any], version: PolicyVersion) -> Iterator[Check]:
    """That the asker's votes were read from the DAO's own votes token: anybody can make another."""
    asker = record["checks"].get("asker")
    if asker is None or asker["votes_token"] is None:
        return
    token = Contract.objects.filter(dao=version.dao, kind=Contract.Kind.VOTES_TOKEN).first()
    ok = token is not None and checksum(token.address) == asker["votes_token"]
    yield Check("votes token", ok and asker["votes_call"] in askers.VOTES_CALLS, "of this DAO")


def verify_against_chain(record: dict[str, Any], rpc: Rpc, first_block: int = 0) -> Iterator[Check]:
    """The same asked of a node: a log of the module with this decision, and the calls that its transaction carried."""
    actions = Actions.from_json(record["actions"])
    digest = hex_bytes(record["hash"])
    topics = [[abi.topic(ACT_EXECUTED), abi.topic(ACT_SCHEDULED)], None, None, digest]
    logs = rpc.logs([actions.module], topics, first_block=first_block, last_block=rpc.head_number())
    if len(logs) != 1:
        yield Check("act on chain", False, f"{len(logs)} logs of the module carry this decision")
        return
    log = logs[0]
    where = f"transaction {hex_text(log.transaction_hash)}, block {log.block_number}"
    decoded = abi.decode_log(log.topics, log.data, "IPolicyModule", "PolicyModule")
    if decoded is None:
        yield Check("act on chain", False, f"its log can't be decoded: {where}")
        return
    scheduled = decoded.name == "ActScheduled"
    if scheduled:
        made = decoded["calls"]
    else:
        sent = rpc.transaction(log.transaction_hash)
        call = abi.decode_call(sent.calldata, "IPolicyModule", "PolicyModule") if sent is not None else None
        if sent is None or sent.to != actions.module or call is None or call.name != "execute":
            yield Check("act on chain", None, f"not sent to the module directly, so its calls can't be read: {where}")
            return
        if (call["codehash"], call["decision"]) != (actions.policy_codehash, digest):
            yield Check("act on chain", False, f"made under another policy code or decision: {where}")
            return
        made = call["calls"]
    calls = tuple(Call(to, value, data) for to, value, data in made)
    ok = calls == actions.calls and scheduled == actions.scheduled and decoded["number"] == actions.number
    ok = ok and decoded["policyId"] == actions.policy_id and checksum(decoded["agent"]) == record["signer"]
    yield Check("act on chain", ok, f"act {decoded['number']} made exactly these calls: {where}")
    asker = record["checks"].get("asker")
    if record["checks"]["approval"] is None and asker is not None and asker["kind"] in (askers.DELEGATE, askers.HOLDER):
        yield _ask_for_the_askers_votes(record, asker, rpc)


def _ask_for_the_askers_votes(record: dict[str, Any], asker: dict[str, Any], rpc: Rpc) -> Check:
    """The votes of who asked, read again at the recorded block; a node that has forgotten its state can't say."""
    if asker["votes_call"] not in askers.VOTES_CALLS:
        return Check("asker on chain", False, "read by a function that is not one of votes")
    try:
        block = unhex(record["inputs"]["block"]["hash"], 32)
        who, token = to_bytes(record["inputs"]["request"]["requested_by"]), to_bytes(asker["votes_token"])
    except (ValueError, TypeError) as error:
        return Check("asker on chain", False, f"not in canonical form: {error}"[:200])
    try:
        votes, balance = askers.read_votes(rpc, token, asker["votes_call"], who, block)
    except RpcError as error:
        return Check("asker on chain", None, f"the node can't say what they held at that block: {error}"[:200])
    same = (str(votes), str(balance)) == (asker["votes"], asker["balance"])
    return Check("asker on chain", same, f"votes {votes} and balance {balance} at block {block.hex()[:8]}")
