# SPDX-License-Identifier: Apache-2.0
"""The policy in force as the mirror knows it, and the module's state as the chain has it at one pinned block."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from agent.acts.words import Stated, say
from governance.chain import abi, module
from governance.chain.address import ZERO
from governance.chain.rpc import Header, Rpc, RpcError
from governance.models import Act, Block, Contract, Cursor, Dao, PolicyVersion, chain_order
from policies.answer.evaluate import PolicyState
from policies.code import encoding
from policies.code.policy_code import PolicyCode
from policies.notation.hexadecimal import hex_bytes, hex_text


class NoPolicyInForce(Stated, LookupError):
    """The DAO has no such policy; the sentence is for people."""


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """The newest version of a policy. `code` was decoded from the chain's bytes, whose hash is `codehash`."""

    dao: Dao
    contract: Contract  # the policy module
    chain_id: int
    module: bytes
    policy_id: bytes
    version: int
    codehash: bytes
    raw: bytes
    code: PolicyCode


@dataclass(frozen=True, slots=True)
class Pinned:
    """What the chain said at one block, all of it at that block."""

    block: Header
    codehash: bytes  # of the policy in force on chain: not what the mirror thinks
    version: int
    number: int  # of the last act; the next is one more
    treasury: bytes
    state: PolicyState
    balances: dict[bytes, int]  # the treasury's, in base units, by asset

    @property
    def now_chain_s(self) -> int:
        return self.block.timestamp_chain_s

    def is_of(self, policy: PolicyInForce) -> bool:
        """Whether the chain has this very version in force. The code alone does not say: a vote may bring one back."""
        return (self.codehash, self.version) == (policy.codehash, policy.version)


def in_force(dao: Dao, policy_id: bytes) -> PolicyInForce:
    """The policy that the mirror knows to be in force. Raises NoPolicyInForce."""
    row = (
        PolicyVersion.objects.select_related("module", "dao")
        # One that a single node alone shows, with no proof, is none until the chain confirms it.
        .filter(dao=dao, policy_id=policy_id, log__unconfirmed=None)
        .order_by(*chain_order("log__", newest_first=True))
        .first()
    )
    if row is None:
        raise NoPolicyInForce(say("no_policy", policy_id=hex_text(policy_id), dao=dao.slug))
    raw = bytes(row.code)
    if encoding.codehash(raw) != row.codehash:
        raise NoPolicyInForce(say("policy_copy_broken", policy_id=hex_text(policy_id)))
    return PolicyInForce(
        dao=dao,
        contract=row.module,
        chain_id=dao.chain_id,
        module=row.module.address,
        policy_id=policy_id,
        version=row.version,
        codehash=row.codehash,
        raw=raw,
        code=encoding.decode(raw),
    )


class PoliciesRead:
    """The policies that one page or answer is about: each is read and decoded once, however often it is asked for."""

    def __init__(self) -> None:
        self._in_force: dict[tuple[int, bytes], PolicyInForce | NoPolicyInForce] = {}
        self._operators: dict[tuple[int, bytes], bytes | None] = {}

    def in_force(self, dao: Dao, policy_id: bytes) -> PolicyInForce:
        """Return what `in_force` does, and raise what it raises."""
        key = dao.pk, bytes(policy_id)
        if key not in self._in_force:
            try:
                self._in_force[key] = in_force(dao, policy_id)
            except NoPolicyInForce as error:
                self._in_force[key] = error
        found = self._in_force[key]
        if isinstance(found, NoPolicyInForce):
            raise NoPolicyInForce(found.sentence)
        return found

    def operator(self, contract: Contract, policy_id: bytes) -> bytes | None:
        """Return what `operator_named` does."""
        key = contract.pk, bytes(policy_id)
        if key not in self._operators:
            self._operators[key] = operator_named(contract, policy_id)
        return self._operators[key]


def operator_named(contract: Contract, policy_id: bytes) -> bytes | None:
    """The operator that the newest code of a policy of this module names; None where the mirror can't say."""
    found = PolicyVersion.objects.filter(module=contract, policy_id=policy_id).order_by("-version")
    row = found.first()
    if row is None or not row.code:
        return None
    try:
        return encoding.decode(bytes(row.code)).operator
    except encoding.DecodeError:
        return None


def chain_now_s(dao: Dao) -> int:
    """The time of the newest block that the mirror has read, Unix seconds by the chain's clock; 0 before the first."""
    seconds = Cursor.objects.filter(dao=dao).values_list("head_timestamp_chain_s", flat=True).first()
    return seconds or 0


def read_pinned(policy: PolicyInForce, rpc: Rpc) -> Pinned:
    """The module's state and the treasury's balances at the newest block, every answer of that one block.

    `codehash` and `version` are the chain's: whoever acts on the mirror's policy asks `is_of` first.
    Raises RpcError: the node fails, or the block reorganised away while it was read. Ask again.
    """
    at = rpc.block("latest")
    if at is None:
        raise RpcError(None, "the node has no newest block")
    budgets = policy.code.budgets
    keys = module.budget_keys(policy.policy_id, policy.code)
    assets = sorted({budget.asset for budget in budgets} - {ZERO})
    treasury = module.read_treasury(rpc.eth_call(*module.treasury_question(policy.module), at.hash))
    asked: list[module.Question] = [
        module.policy_question(policy.module, policy.policy_id),
        module.paused_question(policy.module),
        *(module.ring_question(policy.module, key) for key in keys),
        *((asset, abi.encode_call("balanceOf(address)", [treasury])) for asset in assets),
    ]
    answers = []
    for answer in rpc.eth_calls(asked, at.hash):
        if isinstance(answer, RpcError):
            raise answer
        answers.append(answer)
    on_chain = module.read_policy(answers[0])
    paused = module.read_paused(answers[1])
    words = [_word(answer) for answer in answers[2:]]
    balances = dict(zip(assets, words[len(keys) :], strict=True))
    balances[ZERO] = rpc.balance(treasury, at.hash)
    code = rpc.get_code(on_chain.pointer, at.hash) if on_chain.pointer != ZERO else b""
    return Pinned(
        block=at,
        codehash=encoding.codehash(code[1:]) if code[:1] == b"\0" else bytes(32),
        version=on_chain.version,
        number=on_chain.number,
        treasury=treasury,
        state=PolicyState(
            policy_id=policy.policy_id,
            version=on_chain.version,
            number=on_chain.number,
            last_act_s=on_chain.last_act_chain_s,
            end_s=on_chain.end_chain_s,
            paused=paused,
            rings=dict(zip(keys, words[: len(keys)], strict=True)),
        ),
        balances=balances,
    )


def _word(answer: bytes) -> int:
    try:
        return module.read_word(answer)
    except abi.NotCanonical as error:
        raise RpcError(None, str(error)) from error


def acts_read(policy: PolicyInForce, pinned: Pinned) -> bool:
    """Whether the mirror has read every act of the policy up to the block: acts are numbered without gaps."""
    return (
        pinned.number == 0
        or Act.objects.filter(module=policy.contract, policy_id=policy.policy_id, number=pinned.number).exists()
    )


def finalized(dao: Dao, block_number: int) -> bool:
    """Whether the mirror knows the block to be final: nothing of it can be reorganised away."""
    if Block.objects.filter(dao=dao, finalized=True, number__gte=block_number).exists():
        return True
    cursor = Cursor.objects.filter(dao=dao).first()
    return cursor is not None and block_number <= cursor.next_block - 1 - dao.chain.depth_blocks


def final_chain_s(dao: Dao) -> int:
    """The time of the newest block that the mirror knows to be final, Unix seconds by the chain's clock; 0 for none."""
    cursor = Cursor.objects.filter(dao=dao).first()
    deep = -1 if cursor is None else cursor.next_block - 1 - dao.chain.depth_blocks
    known = Block.objects.filter(Q(finalized=True) | Q(number__lte=deep), dao=dao).order_by("-number")
    return known.values_list("timestamp_chain_s", flat=True).first() or 0


def state_json(state: PolicyState) -> dict[str, Any]:
    """The state as it stands in a decision record; `state_from_json` is the inverse."""
    return {
        "policy_id": hex_text(state.policy_id),
        "version": str(state.version),
        "number": str(state.number),
        "last_act_s": str(state.last_act_s),
        "end_s": str(state.end_s),
        "paused": state.paused,
        "rings": {hex_text(key): f"0x{word:064x}" for key, word in state.rings.items()},
    }


def state_from_json(value: dict[str, Any]) -> PolicyState:
    """Raises ValueError, KeyError or TypeError for anything that `state_json` would not have written."""
    state = PolicyState(
        policy_id=hex_bytes(value["policy_id"]),
        version=int(value["version"]),
        number=int(value["number"]),
        last_act_s=int(value["last_act_s"]),
        end_s=int(value["end_s"]),
        paused=value["paused"],
        rings={hex_bytes(key): int(word, 16) for key, word in value["rings"].items()},
    )
    if state_json(state) != value:
        raise ValueError("the state is not in its canonical form")
    return state
