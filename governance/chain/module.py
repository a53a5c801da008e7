# SPDX-License-Identifier: Apache-2.0
"""The policy module's interface: its functions and events by signature, and its state as pages and the agent ask it.

Signatures follow contracts/src/IPolicyModule.sol; a test checks each of them against the built ABI.
"""

from __future__ import annotations

from dataclasses import dataclass

from governance.chain import abi
from policies.code.policy_code import PolicyCode

Question = tuple[bytes, bytes]  # whom to call, and the calldata

CALLS = "(address,uint256,bytes)[]"

# Acts
EXECUTE = f"execute(bytes32,bytes32,{CALLS},uint24,bytes32)"
SCHEDULE = f"schedule(bytes32,bytes32,{CALLS},uint24,bytes32)"
RELEASE = f"release(bytes32,uint24,{CALLS},bytes32)"
# What stops them
OBJECT = "object(bytes32,bytes32[])"
VETO = "veto(bytes32,bytes32)"
PAUSE = "pause()"
RENOUNCE = "renounce(bytes32)"
SHORTEN = "shorten(bytes32,uint40)"
SET_POLICY = "setPolicy(bytes32,bytes)"
# Views
CHECKER = "checker()"
PAUSED = "paused()"
POLICY_STATE = "policyState(bytes32)"
RING = "ring(bytes32)"
TREASURY = "treasury()"
# Events
ACT_EXECUTED = "ActExecuted(bytes32,address,bytes32,uint24)"
ACT_SCHEDULED = f"ActScheduled(bytes32,address,bytes32,bytes32,uint24,uint16,uint40,uint40,uint48,{CALLS})"

FUNCTIONS = (
    EXECUTE, SCHEDULE, RELEASE, OBJECT, VETO, PAUSE, RENOUNCE, SHORTEN, SET_POLICY,
    CHECKER, PAUSED, POLICY_STATE, RING, TREASURY,
)  # fmt: skip
EVENTS = (ACT_EXECUTED, ACT_SCHEDULED)
_ACT_TYPES = ["bytes32", "bytes32", CALLS, "uint24", "bytes32"]  # of `execute` and `schedule`


@dataclass(frozen=True)
class ActInput:
    """The arguments of `execute` or `schedule`, as sent to the module."""

    policy_id: bytes
    codehash: bytes
    calls: tuple[tuple[bytes, int, bytes], ...]  # target, value in wei, calldata
    number: int
    decision: bytes


def act_input(calldata: bytes) -> ActInput | None:
    """Read what a transaction to the module asked for; None where it calls another function or its words don't read."""
    if calldata[:4] not in (abi.selector(EXECUTE), abi.selector(SCHEDULE)):
        return None
    try:
        return ActInput(*abi.decode(_ACT_TYPES, calldata[4:], canonical=False))
    except abi.NotCanonical:
        return None


@dataclass(frozen=True, slots=True)
class PolicyOnChain:
    """A policy as the module holds it. `pointer` is where its code lies, 20 zero bytes for none; times: Unix seconds by
    the chain's clock."""

    pointer: bytes
    version: int
    number: int  # of the last act; the next is one more
    last_act_chain_s: int
    end_chain_s: int


def paused_question(module: bytes) -> Question:
    """Ask whether the module is paused."""
    return module, abi.encode_call(PAUSED)


def read_paused(answer: bytes) -> bool:
    """Return whether the module is paused. Raises NotCanonical."""
    (paused,) = abi.decode_result(PAUSED, answer)
    return bool(paused)


def treasury_question(module: bytes) -> Question:
    """Ask which treasury the module spends from."""
    return module, abi.encode_call(TREASURY)


def read_treasury(answer: bytes) -> bytes:
    """Return the address of the treasury. Raises NotCanonical."""
    (treasury,) = abi.decode_result(TREASURY, answer)
    return bytes(treasury)


def policy_question(module: bytes, policy_id: bytes) -> Question:
    """Ask the module for a policy's state."""
    return module, abi.encode_call(POLICY_STATE, [policy_id])


def read_policy(answer: bytes) -> PolicyOnChain:
    """Return a policy's state from the module's answer. Raises NotCanonical where it is too short or out of range."""
    return PolicyOnChain(*abi.decode_result(POLICY_STATE, answer))


def budget_keys(policy_id: bytes, code: PolicyCode) -> list[bytes]:
    """Return the keys under which the module counts what is spent of a policy's budgets, in their order."""
    return [budget.key(policy_id, code.agent) for budget in code.budgets]


def ring_question(module: bytes, key: bytes) -> Question:
    """Ask the module what is spent of a budget: the packed ring (`policies.code.ring`), one word."""
    return module, abi.encode_call(RING, [key])


def read_word(answer: bytes) -> int:
    """Return the one number of an answer (a ring, a balance). Raises NotCanonical where it has no whole word."""
    if len(answer) < 32:
        raise abi.NotCanonical("a contract answered with less than a word")
    return int.from_bytes(answer[:32], "big")
