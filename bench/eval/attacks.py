# SPDX-License-Identifier: Apache-2.0
"""Real attacks as far as their facts make a proposal: which flags they must raise, and which need a node or votes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from agent.understanding.effects import Book
from agent.understanding.flags import Earlier, History, flags
from agent.understanding.review import review
from governance.chain import abi
from governance.chain.address import to_bytes
from governance.chain.call import ProposedCall

_DAY_S = 86_400
_DAO = bytes.fromhex("d0" * 20)
_SOMEBODY = bytes.fromhex("5eaf00d15eaf00d15eaf00d15eaf00d15eaf00d1")
# The names that the source gives to flags -> ours: a code, or a sentence of one.
NAMES = {
    "DELEGATECALL": "delegatecall",
    "TARGET_NOT_IN_TEXT": "target_not_in_text",
    "AMOUNT_NOT_IN_CALLDATA": "amount_not_in_calls",
    "RECIPIENT_NOT_IN_CALLDATA": "address_not_in_calls",
    "EMPTY_TEXT": "empty_text",
    "DORMANT_DAO": "dormant",
    "ADMIN_TRANSFER": "admin_change",
    "MINT_AUTHORITY": "mint",
    "RESUBMITTED_AFTER_FAILURE": "resubmitted_after_failure",
    "DUPLICATE_FLOOD": "flood",
}


@dataclass(frozen=True)
class Attack:
    """An attack as a proposal. `want` are codes that it must raise, `beyond` what these data can't show."""

    name: str
    text: str
    calls: tuple[ProposedCall, ...]
    want: tuple[str, ...]
    beyond: tuple[str, ...]
    history: History | None = None

    def raised(self) -> set[str]:
        """The codes of all flags that are raised, and those of their sentences."""
        done = review(self.text, self.calls, Book())
        calldata = [call.calldata for call in self.calls]
        found = flags(
            done.document, done.effects, Book(), actions=len(self.calls), calldata=calldata, history=self.history
        )
        return {flag.code for flag in found} | {flag.sentence.code for flag in found}


def transfer_data(to: bytes, amount: int) -> bytes:
    return abi.encode_call("transfer(address,uint256)", [to, amount])


def dark_delegatecall() -> ProposedCall:
    """A call that runs foreign code as the caller itself."""
    return ProposedCall(_SOMEBODY, 0, b"", b"\xde\xad\xbe\xef", 1)


def known(attacks: list[dict[str, Any]]) -> list[Attack]:
    """The attacks that the facts at hand make a proposal of. A mint and a handover are made where the source names them
    without their bytes; a proposal that came again, or in a DAO that slept, has its past made up to say just that."""
    by_id = {attack["id"]: attack for attack in attacks}
    found = []
    for name, attack in by_id.items():
        want = tuple(NAMES[flag] for flag in attack["expected_flags"] if flag in NAMES)
        beyond = tuple(flag for flag in attack["expected_flags"] if flag not in NAMES)
        text = attack.get("claimed", "")
        history = None
        if "actions" in attack:
            calls = tuple(
                ProposedCall(to_bytes(a["to"]), int(a["value"]), b"", bytes.fromhex(a["data"][2:]), a["operation"])
                for a in attack["actions"]
            )
        elif "mint" in want:
            calls = (
                ProposedCall(_DAO, 0, b"", abi.encode_call("mint(address,uint256)", [_SOMEBODY, 1_100_000 * 10**18])),
                ProposedCall(_DAO, 0, b"", abi.encode_call("setGovernance(address)", [_SOMEBODY])),
            )
        elif "delegatecall" in want:
            calls = (ProposedCall(to_bytes(attack["target"]), 0, b"", b"\x61\x46\x19\x54", 1),)
        else:
            calls = (ProposedCall(_DAO, 0, b"", transfer_data(_SOMEBODY, 120_000 * 10**6)),)
        if {"dormant", "flood", "resubmitted_after_failure"} & set(want):
            history = _past(want)
        found.append(Attack(name, text, calls, want, beyond, history))
    return found


def _past(want: tuple[str, ...]) -> History:
    now_s = 1_000 * _DAY_S
    earlier = []
    if "resubmitted_after_failure" in want:
        earlier.append(Earlier("9", b"calls", b"other", now_s - _DAY_S, "Defeated"))
    if "flood" in want and "dormant" not in want:
        earlier += [Earlier(str(n), b"none", b"text", now_s - _DAY_S) for n in range(9)]
    elif "flood" in want:
        # The flood itself is of one day, and the DAO slept before it.
        earlier += [Earlier(str(n), b"none", b"text", now_s - 60) for n in range(9)]
        earlier.append(Earlier("before", b"none", b"other", now_s - 300 * _DAY_S))
    if "dormant" in want and "flood" not in want:
        earlier.append(Earlier("before", b"none", b"other", now_s - 300 * _DAY_S))
    return History(b"calls", b"text", now_s, tuple(earlier))
