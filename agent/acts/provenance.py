# SPDX-License-Identifier: Apache-2.0
"""Decision records: the signed account of why the agent acts, whose hash stands on chain as the act's `decision`.

A record is one JSON document in canonical form (RFC 8785). Each of its sections is hashed into the EIP-712 message
`AgentOutput`; the message's digest, which the agent signs, is the record's hash and links to the record before it.
`verifying` recomputes all of it from the document alone, and `verifying_links` compares with mirror and chain.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import rfc8785
from eth_utils.crypto import keccak

from agent.acts.calls import calls_from_json, calls_hash, calls_json
from agent.models import DecisionRecord
from governance.chain import abi, eip712
from governance.chain.address import checksum, to_bytes
from policies.code.call import Call
from policies.notation.hexadecimal import hex_bytes, hex_text

FORMAT = "mandate.decision/4"
FORMAT_LOOKED = "mandate.decision/3"  # did not carry acts that were asked for in a form: there were none
FORMAT_ASKED = "mandate.decision/2"  # did not carry whether a model looked: one always had, or the operator signed
# Before, a record did not carry who asked and when the roster was signed; a model could answer a yes with a no in it.
FORMAT_BEFORE = "mandate.decision/1"
FORMATS = (FORMAT, FORMAT_LOOKED, FORMAT_ASKED, FORMAT_BEFORE)
LOOKS = (FORMAT, FORMAT_LOOKED)
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
KEYS = {"format", *SECTIONS, "actions", "domain", "message", "signer", "signature", "hash"}


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
    return bool(json.loads(body)["format"] in (*LOOKS, FORMAT_ASKED))


def public_json(hash: bytes) -> bytes | None:
    """The record as published at /records/<hash>.json, or None where there is none."""
    body = DecisionRecord.objects.filter(hash=hash).values_list("body", flat=True).first()
    return None if body is None else body.encode()


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
