# SPDX-License-Identifier: Apache-2.0
"""Read what pages show of the chain's state now: the treasury's balances, whether modules are enabled and whose they
are, policies' states, what is spent of budgets, what the accounts hold that pay for gas.

Pages ask no node: workers do, at the block that the mirror has read, and keep the answers (`ChainReading`). They ask
again once a log of the module, the treasury or an asset was read, else every `READ_EVERY_S` while blocks come. What a
node can't answer has no row, and pages say that it is not known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from governance import endpoints, site_keys, standing, work
from governance.chain import abi, module
from governance.chain.address import ZERO, to_bytes
from governance.chain.rpc import CallReverted, Rpc, RpcError, RpcLimited, RpcUnreachable
from governance.models import Block, ChainReading, Contract, Cursor, Dao, RawLog, Work
from governance.treasury import followed_assets
from governance.words import say
from policies.answer.paying import paid_assets
from policies.code.encoding import DecodeError, decode

Kind = ChainReading.Kind

WORK = "governance.readings"
READ_EVERY_S = 30
_SOONEST_S = 3  # after the last time, whatever was logged meanwhile
_FAILED_S = 10  # before a node that failed is asked again
_STATE_KEPT_BLOCKS = 128  # below its head, by a full node: older state can't be asked of most nodes
_MOST_QUESTIONS = 200  # of one DAO at a time: balances first, then the policies as they were set


# Of an answer, in bytes: a contract may append what it likes.
_SIZES = {Kind.BALANCE: 32, Kind.RING: 32, Kind.POLICY: 5 * 32, Kind.ENABLED: 32, Kind.OWNER: 32, Kind.GAS: 32}


@dataclass(frozen=True)
class _Question:
    """What to ask a contract, and under which name the answer is kept."""

    kind: str
    address: bytes
    key: bytes
    ask: module.Question

    @property
    def name(self) -> tuple[str, bytes, bytes]:
        return self.kind, self.address, self.key


def enqueue_due() -> None:
    """Make due work of the DAOs whose readings have grown old."""
    for dao in Dao.objects.order_by("pk"):
        if is_old(dao):
            work.enqueue(WORK, dao.slug, renew=True)


def is_old(dao: Dao) -> bool:
    """Whether to read the DAO's state again: the mirror is near its node's head and has a block that was not asked."""
    cursor = Cursor.objects.filter(dao=dao).first()
    if cursor is None or cursor.head_hash is None:
        return False
    block_number = cursor.next_block - 1
    if cursor.node_head_block - block_number > _STATE_KEPT_BLOCKS:
        return False
    newest = ChainReading.objects.filter(dao=dao).order_by("-block_number").first()
    if newest is not None and newest.block_hash == cursor.head_hash:
        return False
    asked_at = Work.objects.filter(name=WORK, key=dao.slug).values_list("done_at", flat=True).first()
    if asked_at is None:
        return True
    soon = newest is None or _was_logged_since(dao, newest.block_number)
    return timezone.now() - asked_at >= timedelta(seconds=_SOONEST_S if soon else READ_EVERY_S)


def _was_logged_since(dao: Dao, block_number: int) -> bool:
    """Whether a log above this block may have changed an answer."""
    kinds = (Contract.Kind.MODULE, Contract.Kind.TREASURY, Contract.Kind.ASSET)
    addresses = dao.contracts.filter(kind__in=kinds).values_list("address", flat=True)
    return RawLog.objects.filter(dao=dao, block_number__gt=block_number, address__in=list(addresses)).exists()


@work.worker(WORK)
def _read(slug: str, _arguments: dict[str, Any]) -> None:
    dao = Dao.objects.filter(slug=slug).first()
    if dao is None:
        raise work.Abandon(say("dao_gone"))
    try:
        with endpoints.known(dao.chain_id) as rpc:
            read(dao, rpc)
    except RpcError as error:
        raise work.Again(timezone.now() + timedelta(seconds=_FAILED_S), error.sentence) from error


def read(dao: Dao, rpc: Rpc) -> int:
    """Ask for the DAO's state at the block that the mirror has read, and keep it. Returns how many answers were kept:
    none where a reorg took the block meanwhile.

    Raises:
        RpcError: the node failed; what was read before stays.
    """
    cursor = Cursor.objects.get(dao=dao)
    questions = _questions(dao)
    if cursor.head_hash is None or not questions:
        return 0
    answers = _ask(rpc, questions, cursor.head_hash)
    rows = [
        ChainReading(
            dao=dao, kind=question.kind, address=question.address, key=question.key,
            value=answer[: _SIZES[question.kind]], block_number=cursor.next_block - 1, block_hash=cursor.head_hash,
            block_timestamp_chain_s=cursor.head_timestamp_chain_s, read_at=timezone.now(),
        )
        for question, answer in zip(questions, answers, strict=True)
        if isinstance(answer, bytes) and _is_whole(question, answer)
    ]  # fmt: skip
    # A node that lacks the state just now takes nothing back; a contract that has no answer any more does.
    kept = {
        question.name
        for question, answer in zip(questions, answers, strict=True)
        if isinstance(answer, RpcError) and not isinstance(answer, CallReverted)
    } | {(row.kind, row.address, row.key) for row in rows}
    with transaction.atomic():
        # The sync drops readings with their blocks while it holds this row.
        Cursor.objects.select_for_update().get(dao=dao)
        if not Block.objects.filter(dao=dao, number=cursor.next_block - 1, hash=cursor.head_hash).exists():
            return 0
        known = ChainReading.objects.filter(dao=dao)
        before = {site_keys.name_of(row): site_keys.wei_of(row) for row in known if row.kind == Kind.GAS}
        gone = [row.pk for row in known if (row.kind, row.address, row.key) not in kept]
        known.filter(pk__in=gone).delete()
        ChainReading.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["dao", "kind", "address", "key"],
            update_fields=["value", "block_number", "block_hash", "block_timestamp_chain_s", "read_at"],
        )  # fmt: skip
    site_keys.tell(dao, before, [row for row in rows if row.kind == Kind.GAS])
    return len(rows)


def _questions(dao: Dao) -> list[_Question]:
    found = []
    treasury = dao.contracts.filter(kind=Contract.Kind.TREASURY).order_by("id").first()
    first = bytes(treasury.address) if treasury is not None else None
    if first is not None:
        found += [_balance(asset, first, bytes(32)) for asset in followed_assets(dao)]
    for contract in dao.contracts.filter(kind=Contract.Kind.MODULE).order_by("id"):
        address = bytes(contract.address)
        if told := contract.capabilities.get("treasury"):
            enabled = (to_bytes(told), abi.encode_call("isModuleEnabled(address)", [address]))
            found.append(_Question(Kind.ENABLED, address, bytes(32), enabled))
        found.append(_Question(Kind.OWNER, address, bytes(32), (address, abi.encode_call("owner()"))))
    for what, account in site_keys.accounts_of(dao):
        found.append(_Question(Kind.GAS, account, site_keys.key_of(what), (account, b"")))
    others = []  # what else policies pay from
    for version in standing.policies_in_force(dao):
        address, policy_id = version.module.address, version.policy_id
        found.append(_Question(Kind.POLICY, address, policy_id, module.policy_question(address, policy_id)))
        try:
            code = decode(bytes(version.code))
        except DecodeError:
            continue  # the page says why its budgets can't be shown
        found += [
            _Question(Kind.RING, address, key, module.ring_question(address, key))
            for key in module.budget_keys(policy_id, code)
        ]
        told = version.module.capabilities.get("treasury")
        if told and (payer := to_bytes(told)) != first:
            others += [_balance(asset, payer, balance_key(payer, first)) for asset in paid_assets(code)]
    return list({question.name: question for question in (*found, *others)}.values())[:_MOST_QUESTIONS]


def balance_key(treasury: bytes, first: bytes | None) -> bytes:
    """Under which key the balances of a treasury are kept: 32 zero bytes for the first that the mirror follows."""
    return bytes(32) if treasury == first else treasury.rjust(32, b"\0")


def _balance(asset: bytes, treasury: bytes, key: bytes) -> _Question:
    balance = (asset, abi.encode_call("balanceOf(address)", [treasury]))
    return _Question(Kind.BALANCE, asset, key, (treasury, b"") if asset == ZERO else balance)


def _ask(rpc: Rpc, questions: Sequence[_Question], block_hash: bytes) -> list[bytes | RpcError]:
    """Return the answers in order, all of them of one block; an error takes its question's place."""
    calls = iter(rpc.eth_calls([q.ask for q in questions if not _is_native(q)], block_hash))
    return [_native(rpc, question, block_hash) if _is_native(question) else next(calls) for question in questions]


def _native(rpc: Rpc, question: _Question, block_hash: bytes) -> bytes | RpcError:
    try:
        return rpc.balance(question.ask[0], block_hash).to_bytes(32, "big")
    except (RpcUnreachable, RpcLimited):
        raise
    except RpcError as error:
        return error


def _is_native(question: _Question) -> bool:
    return question.kind == Kind.GAS or (question.kind == Kind.BALANCE and question.address == ZERO)


def _is_whole(question: _Question, answer: bytes) -> bool:
    """Whether the answer says anything: an address without code answers a call with no bytes at all."""
    try:
        if question.kind == Kind.POLICY:
            module.read_policy(answer)
        else:
            module.read_word(answer)
    except abi.NotCanonical:
        return False
    return True
