# SPDX-License-Identifier: Apache-2.0
"""What a proposal does, one thing at a time: the shape that page, verdict, flags and mail share."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from governance.chain import abi
from governance.chain.address import checksum
from governance.sentences import Sentence
from policies.notation.hexadecimal import hex_text
from policies.notation.visible import one_line

_MOST_SHOWN = 500  # characters of an argument in JSON
_MOST_LISTED = 100  # parts of a list in JSON


class Kind(StrEnum):
    """What a call does, as far as the bytes say it."""

    TRANSFER = "transfer"
    APPROVE = "approve"
    MINT = "mint"
    BURN = "burn"
    REFUND = "refund"  # a Safe pays whoever executes its call
    STREAM = "stream"  # a payment by the second, made, changed or ended
    BRIDGE = "bridge"  # what a message does on another chain
    DELEGATE = "delegate"
    VOTE = "vote"
    ROLE_CHANGE = "role_change"  # who may do what: roles, owners, guardians, signers, modules
    UPGRADE = "upgrade"
    PARAMETER_CHANGE = "parameter_change"
    POLICY_SET = "policy_set"
    POLICY_ENDED = "policy_ended"  # the end of one is brought forward
    NAME = "name"  # who holds a name, and what it points at
    PAUSE = "pause"
    EXECUTE = "execute"  # foreign code acts as the caller itself (delegatecall): it may do anything
    CALL = "call"  # the function is known, what it means is not
    UNKNOWN = "unknown"  # nobody can say what it does; `why` says why not


MONEY = frozenset({Kind.TRANSFER, Kind.APPROVE, Kind.MINT, Kind.BURN, Kind.REFUND, Kind.STREAM})
POWER = frozenset({Kind.DELEGATE, Kind.ROLE_CHANGE, Kind.UPGRADE, Kind.PARAMETER_CHANGE, Kind.PAUSE, Kind.EXECUTE}) | {
    Kind.POLICY_SET, Kind.POLICY_ENDED,
}  # fmt: skip


@dataclass(frozen=True)
class Argument:
    """A decoded argument. `name` may be ""; addresses and byte strings are bytes, lists and structs are tuples."""

    name: str
    type: str
    value: Any

    def as_json(self) -> dict[str, Any]:
        return {"name": one_line(self.name, 60), "type": self.type, "value": _cut(self.json_value)}

    @property
    def json_value(self) -> Any:
        """The value as JSON: integers as decimal text, addresses checksummed, bytes as 0x text."""
        return abi.json_value(abi.parse_type(self.type), self.value)


def _cut(value: Any) -> Any:
    if isinstance(value, list):
        more = [f"… and {len(value) - _MOST_LISTED:,} more"] if len(value) > _MOST_LISTED else []
        return [_cut(one) for one in value[:_MOST_LISTED]] + more
    return one_line(value, _MOST_SHOWN) if isinstance(value, str) else value


@dataclass(frozen=True)
class Effect:
    """One thing that a proposal does. Amounts are base units of `asset` (20 zero bytes for the native currency)."""

    id: str  # e1, e2, ... in the order of the calls
    position: int  # which action of the proposal, from 0
    path: tuple[str, ...]  # the functions of the containers that it came out of, outermost first
    kind: Kind
    target: bytes
    selector: bytes
    function: str  # the signature, "" when unknown
    sentence: Sentence
    asset: bytes | None = None
    amount: int | None = None
    recipient: bytes | None = None
    sender: bytes | None = None  # whose tokens move, where it is not who makes the call
    subject: str = ""  # the role, parameter or policy that changes
    new_value: str = ""
    old_value: str = ""
    arguments: tuple[Argument, ...] = ()
    # What the decoding rests on: "own" for our contracts and the standards, "table" for the table of functions,
    # "proposal" for the proposal's own signature of a function that nobody else knows; "" where nothing was decoded.
    source: str = ""
    along: bool = False  # native currency that goes along with a call
    parent: str = ""  # the id of the effect of the same call that this one goes with
    moves: str = ""  # "money", "power", or "" for neither
    delegatecall: bool = False
    through: tuple[bytes, ...] = ()  # who makes the calls of each of `path`; the last one makes this call
    chain: str = ""  # where it happens, if on another chain than the proposal: no name or token of the book is meant
    besides: tuple[Sentence, ...] = ()  # what else is true of the call: it may fail unnoticed, it comes later
    addresses: tuple[bytes, ...] = ()  # every address that takes part, target first
    details: tuple[str, ...] = ()  # further sentences, e.g. a policy in words
    why: Sentence | None = None  # of an opaque effect: why nobody can say what it does

    @property
    def is_opaque(self) -> bool:
        """Nobody can say from the bytes what this does."""
        return self.kind in (Kind.UNKNOWN, Kind.EXECUTE)

    @property
    def maker(self) -> bytes | None:
        """Who makes the call, where it is not who makes the proposal's own calls."""
        return self.through[-1] if self.through else None

    def as_json(self) -> dict[str, Any]:
        """For storage and the API: addresses checksummed, amounts as strings of base units, `sentence` in English."""
        return {
            "id": self.id,
            "position": self.position,
            "path": list(self.path),
            "through": [checksum(address) for address in self.through],
            "kind": str(self.kind),
            "target": checksum(self.target),
            "selector": hex_text(self.selector) if self.selector else "",
            "function": self.function,
            "sentence": str(self.sentence),
            "said": self.sentence.as_json(),
            "asset": None if self.asset is None else checksum(self.asset),
            "amount": None if self.amount is None else str(self.amount),
            "recipient": None if self.recipient is None else checksum(self.recipient),
            "sender": None if self.sender is None else checksum(self.sender),
            "subject": self.subject,
            "new_value": self.new_value,
            "old_value": self.old_value,
            "arguments": [argument.as_json() for argument in self.arguments],
            "source": self.source,
            "along": self.along,
            "parent": self.parent,
            "moves": self.moves,
            "delegatecall": self.delegatecall,
            "chain": self.chain,
            "besides": [{"sentence": str(one), "said": one.as_json()} for one in self.besides],
            "details": list(self.details),
            "why": None if self.why is None else {"sentence": str(self.why), "said": self.why.as_json()},
        }
