# SPDX-License-Identifier: Apache-2.0
"""Say which policies a module holds now, and whether the one of a file is among them.

That a policy is set and its time runs is not all: `checking` says whether the treasury lets the module act, and whether
it is paused.
"""

from __future__ import annotations

from collections.abc import Iterator

from governance.chain import abi
from governance.chain.address import checksum
from governance.chain.module import PolicyOnChain, policy_question, read_policy
from governance.chain.rpc import Rpc, RpcError
from governance.installing.proposing import Policy
from governance.installing.situation import Situation
from governance.installing.words import Level, Told, say
from policies.code import encoding
from policies.notation.amounts import format_time
from policies.notation.hexadecimal import hex_text
from policies.notation.primitives import keccak

_SET = keccak(b"PolicySet(bytes32,address,uint16,bytes32,address)")
_MOST = 50  # policies that are told one by one
AS_FILE = "policy_as_file"
DIFFERS = ("policy_not_set", "policy_other_code", "policy_file_unknown", "policy_file_not_running")


def about_policies(rpc: Rpc, found: Situation, module: bytes, wanted: Policy | None, file: str) -> Iterator[Told]:
    """Tell the policies that the module's logs name, as they are at the block of `found`; of `wanted`, the policy in
    `file`, whether it is set with the very code of the file, and runs."""
    now_s = _now_s(rpc, found.block)
    ids: list[bytes] | None = None
    try:
        logs = rpc.logs([module], [_SET], first_block=0, last_block=found.block)
        ids = list(dict.fromkeys(log.topics[1] for log in reversed(logs) if len(log.topics) > 1))
    except RpcError:
        yield Told(Level.UNKNOWN, "policies", say("policies_unknown"))
    if wanted is not None:
        yield from _about_wanted(rpc, found, module, wanted, file, now_s)
    others = [id_ for id_ in ids or () if wanted is None or id_ != wanted.id]
    for id_ in others[:_MOST]:
        yield from _about_one(rpc, found, module, id_, hex_text(id_), now_s)
    if len(others) > _MOST:
        yield Told(Level.UNKNOWN, "policies", say("policies_more", count=len(others) - _MOST))
    if ids == [] and wanted is None:
        yield Told(Level.CAREFUL, "policies", say("policies_none_logged"))


def is_set(rpc: Rpc, found: Situation, module: bytes, policy: Policy) -> bool:
    """Whether the module holds this very policy already, by what the node tells."""
    state = _state(rpc, found, module, policy.id)
    return state is not None and any(state.pointer) and _code(rpc, found, state.pointer) == policy.raw


def differences(told: list[Told]) -> list[Told]:
    """Return what is not as the file has it."""
    return [one for one in told if one.sentence.code in DIFFERS]


def _now_s(rpc: Rpc, block: int) -> int | None:
    """When the block was, Unix seconds; None where the node does not tell."""
    header = rpc.block(block)
    return None if header is None else header.timestamp_chain_s


def _state(rpc: Rpc, found: Situation, module: bytes, id_: bytes) -> PolicyOnChain | None:
    try:
        return read_policy(rpc.eth_call(*policy_question(module, id_), found.block))
    except (RpcError, abi.NotCanonical):
        return None


def _code(rpc: Rpc, found: Situation, pointer: bytes) -> bytes | None:
    """The policy code behind a pointer, which begins with one byte that stops whoever calls it."""
    try:
        stored = rpc.get_code(pointer, found.block)
    except RpcError:
        return None
    return stored[1:] if stored[:1] == b"\0" else None


def _about_wanted(
    rpc: Rpc, found: Situation, module: bytes, wanted: Policy, file: str, now_s: int | None
) -> Iterator[Told]:
    name = f"“{wanted.name}”"
    state = _state(rpc, found, module, wanted.id)
    code = None if state is None or not any(state.pointer) else _code(rpc, found, state.pointer)
    if state is None or (code is None and any(state.pointer)):
        yield Told(Level.UNKNOWN, "policies", say("policy_file_unknown", policy=name, file=file))
        return
    if not any(state.pointer):
        yield Told(Level.CAREFUL, "policies", say("policy_not_set", policy=name, file=file))
        return
    if code != wanted.raw:
        yield Told(Level.CAREFUL, "policies", say("policy_other_code", policy=name, file=file))
        yield from _about_one(rpc, found, module, wanted.id, name, now_s)
        return
    yield Told(Level.GOOD, "policies", say(AS_FILE, policy=name, file=file))
    timed = list(_timed(state, wanted.code.start_s, wanted.code.agent, name, now_s))
    yield from timed
    if any(one.level is not Level.GOOD for one in timed):
        yield Told(Level.CAREFUL, "policies", say("policy_file_not_running", policy=name, file=file))


def _about_one(rpc: Rpc, found: Situation, module: bytes, id_: bytes, name: str, now_s: int | None) -> Iterator[Told]:
    state = _state(rpc, found, module, id_)
    code = None if state is None else _code(rpc, found, state.pointer)
    try:
        read = None if code is None else encoding.decode(code)
    except encoding.DecodeError:
        read = None
    if state is None or read is None:
        yield Told(Level.UNKNOWN, "policies", say("policy_unknown", policy=name))
        return
    yield from _timed(state, read.start_s, read.agent, name, now_s)


def _timed(state: PolicyOnChain, start_s: int, agent: bytes, name: str, now_s: int | None) -> Iterator[Told]:
    """Whether its time runs: from its code's beginning until the end that the module keeps, which may be earlier."""
    values = {
        "policy": name,
        "version": state.version,
        "agent": checksum(agent),
        "start": format_time(start_s),
        "end": format_time(state.end_chain_s),
    }
    if now_s is None:
        yield Told(Level.UNKNOWN, "policies", say("policy_time_unknown", **values))
    elif now_s < start_s:
        yield Told(Level.CAREFUL, "policies", say("policy_later", **values))
    elif now_s >= state.end_chain_s:
        yield Told(Level.CAREFUL, "policies", say("policy_ended", **values))
    else:
        yield Told(Level.GOOD, "policies", say("policy_runs", **values))
