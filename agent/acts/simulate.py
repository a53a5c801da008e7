# SPDX-License-Identifier: Apache-2.0
"""What the module answers to exactly the call that would be sent, asked of the node without sending it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from governance.chain import abi
from governance.chain.module import EXECUTE, RELEASE, SCHEDULE
from governance.chain.rpc import BlockId, CallReverted, Rpc
from policies.answer.evaluate import Allowed, Refused
from policies.code.call import Call
from policies.notation.hexadecimal import hex_text

# Reverts that no evaluation of the policy can foresee: they come from the targets, or from acts other than this one.
FROM_TARGET = frozenset({"CallFailed"})
FROM_ELSEWHERE = frozenset({"TooManyPending", "Quiet", "Locked"})
_TIMED = frozenset({"TooManyPending", "Quiet"})  # whose argument is when they end
_ERROR = bytes.fromhex("08c379a0")  # Error(string)
_MOST_SAID = 120
# Reverts of a pending act that ended, or will by itself.
ENDED = frozenset({"NotPending", "Expired", "Voided"})


@dataclass(frozen=True, slots=True)
class Simulation:
    """The module's answer at a block: `ok`, or the error it reverted with (`name` empty when it can't be decoded)."""

    ok: bool
    block: str  # the block's number or tag, for the record
    name: str = ""
    text: str = ""
    until_s: int | None = None  # where the error ends by itself: when, by the chain's clock
    call: int | None = None  # of a call that failed in its target: which, from 0, and what the target answered
    said: str = ""

    @property
    def code(self) -> str:
        """The answer as a code: `allowed`, the error's name, `reverted` for one that can't be decoded."""
        return "allowed" if self.ok else self.name or "reverted"

    def as_json(self) -> dict[str, Any]:
        return {"ok": self.ok, "block": self.block, "error": self.text}


def act_calldata(
    scheduled: bool, policy_id: bytes, codehash: bytes, number: int, calls: Sequence[Call], decision: bytes
) -> bytes:
    """Calldata of `execute`, or of `schedule`."""
    return abi.encode_call(SCHEDULE if scheduled else EXECUTE, [policy_id, codehash, _tuples(calls), number, decision])


def release_calldata(policy_id: bytes, number: int, calls: Sequence[Call], decision: bytes) -> bytes:
    """Calldata of `release`: the number, calls and decision with which the act was scheduled."""
    return abi.encode_call(RELEASE, [policy_id, number, _tuples(calls), decision])


def _tuples(calls: Sequence[Call]) -> list[tuple[bytes, int, bytes]]:
    return [(call.to, call.value_wei, call.data) for call in calls]


def simulate(rpc: Rpc, sender: bytes, module: bytes, calldata: bytes, block: BlockId, label: str = "") -> Simulation:
    """`eth_call` of the exact transaction at `block`. Raises RpcError when the node fails."""
    shown = label or (block if isinstance(block, str) else str(block) if isinstance(block, int) else hex_text(block))
    try:
        rpc.eth_call(module, calldata, block, sender=sender)
    except CallReverted as reverted:
        error = abi.decode_error(reverted.data, "IPolicyModule", "PolicyModule")
        if error is None:
            return Simulation(
                False, shown, "", f"reverted with {hex_text(reverted.data[:68])}" if reverted.data else "reverted"
            )
        if error.name in _TIMED:
            return Simulation(False, shown, error.name, str(error)[:300], until_s=int(error.values[0]))
        if error.name in FROM_TARGET:
            call, data = error.values
            return Simulation(False, shown, error.name, str(error)[:300], call=int(call), said=_said(data))
        return Simulation(False, shown, error.name, str(error)[:300])
    return Simulation(True, shown)


def _said(data: bytes) -> str:
    """What a target reverted with: its text in ASCII and quotation marks, or its data in hexadecimal, or nothing."""
    if data[:4] == _ERROR:
        try:
            (text,) = abi.decode(["string"], data[4:])
        except (abi.NotCanonical, abi.BadAbi, ValueError):
            return hex_text(data[:68])
        return json.dumps(str(text)[:_MOST_SAID])
    return hex_text(data[:68]) if data else ""


def disagree(answer: Allowed | Refused, simulation: Simulation) -> bool:
    """Whether the evaluator's answer and the module's can't both be right, at one block and one time.

    A revert that can't be decoded proves nothing (gas, a foreign error), and neither does one that only the target or
    the list of pending acts explains, or one that the evaluator names as a condition that only the calls can show.
    """
    if isinstance(answer, Refused):
        return simulation.ok
    left_open = FROM_TARGET | FROM_ELSEWHERE | {condition.error for condition in answer.conditions}
    return not simulation.ok and simulation.name != "" and simulation.name not in left_open
