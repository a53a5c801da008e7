# SPDX-License-Identifier: Apache-2.0
"""Sending transactions exactly once: nonces, fees, and the journal that survives a kill at any point.

The order is the whole idea. Under a lock per (chain, sender) a nonce is taken and the signed bytes are committed to
`OutgoingTransaction`; only then are they broadcast. Whoever is killed in between leaves bytes that anyone may broadcast
again, as often as they like: the chain takes one nonce once. A stuck transaction is signed again with higher fees but
*the same nonce and the same call*, so at most one of its signings is ever mined. A nonce is given up for another one
only when a different transaction consumed it in a final block: then the old bytes can never be mined.
"""

import time
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from governance.audit_log import Action, record
from governance.chain import rpc as jsonrpc
from governance.chain.address import checksum
from governance.chain.keys import Signer
from governance.chain.rpc import Answered, Rpc, RpcError, RpcLimited, RpcUnreachable
from governance.locks import LockClass, key_of, transaction_lock
from governance.models import Chain, OutgoingTransaction
from governance.sentences import Sentence
from governance.words import say
from policies.notation.hexadecimal import hex_bytes, hex_text
from policies.notation.primitives import keccak

GWEI = 10**9
_UNMINED = (OutgoingTransaction.Status.SIGNED, OutgoingTransaction.Status.SENT)
_DONE = (OutgoingTransaction.Status.MINED, OutgoingTransaction.Status.FAILED)


class KeyConflict(Exception):
    """A journal key was used before, for a different call."""


# ------------------------------------------------------------------------------------------------------------ fees


@dataclass(frozen=True)
class Fees:
    """Wei per gas. `priority_fee_wei` is None on a chain without EIP-1559, where `max_fee_wei` is the gas price."""

    max_fee_wei: int
    priority_fee_wei: int | None

    def above(self, other: "Fees") -> bool:
        """Whether a node takes these as a replacement for `other` (geth asks for 10 % more of both)."""
        enough = self.max_fee_wei * 10 >= other.max_fee_wei * 11
        if self.priority_fee_wei is None or other.priority_fee_wei is None:
            return enough
        return enough and self.priority_fee_wei * 10 >= other.priority_fee_wei * 11


def fee_cap_wei() -> int:
    """The most we ever pay per gas: `MANDATE_MAX_FEE_GWEI` (a setting), 200 gwei where it is not set."""
    return int(getattr(settings, "MANDATE_MAX_FEE_GWEI", 200)) * GWEI


def suggest_fees(rpc: Rpc) -> Fees:
    """Fees for inclusion soon: twice the base fee plus the node's priority fee, within the cap."""
    cap = fee_cap_wei()
    header = rpc.block("latest")
    if header is None:
        raise Answered(None, say("latest_block_missing"))
    if header.base_fee_wei is None:
        return Fees(min(jsonrpc.quantity(rpc.call("eth_gasPrice")), cap), None)
    try:
        priority = jsonrpc.quantity(rpc.call("eth_maxPriorityFeePerGas"))
    except (ValueError, RpcError) as error:
        if isinstance(error, RpcUnreachable | RpcLimited):
            raise
        priority = GWEI  # a node without this method
    max_fee = min(2 * header.base_fee_wei + priority, cap)
    return Fees(max_fee, min(priority, max_fee))


def _raised(fees: Fees, suggested: Fees) -> Fees:
    """Fees that replace `fees`: an eighth more, or what is suggested now where that is more; the cap may forbid it."""
    cap = fee_cap_wei()
    max_fee = min(max(fees.max_fee_wei * 9 // 8 + 1, suggested.max_fee_wei), cap)
    if fees.priority_fee_wei is None or suggested.priority_fee_wei is None:
        return Fees(max_fee, None)
    return Fees(max_fee, min(max(fees.priority_fee_wei * 9 // 8 + 1, suggested.priority_fee_wei), max_fee))


# ------------------------------------------------------------------------------------------------------------ send


def _sign(signer: Signer, chain_id: int, row: OutgoingTransaction, fees: Fees) -> None:
    """Put a signing of the row's call, with its nonce and these fees, into the row (not saved), and into the audit
    log. Call it in the transaction that saves the row."""
    fields: dict[str, Any] = {
        "chainId": chain_id, "nonce": row.nonce, "to": checksum(bytes(row.to)), "value": row.value_wei,
        "data": hex_text(bytes(row.calldata)), "gas": row.gas,
    }  # fmt: skip
    if fees.priority_fee_wei is None:
        fields["gasPrice"] = fees.max_fee_wei
    else:
        fields |= {"type": 2, "maxFeePerGas": fees.max_fee_wei, "maxPriorityFeePerGas": fees.priority_fee_wei}
    row.signed, row.transaction_hash = signer.sign(fields)
    row.max_fee_wei, row.priority_fee_wei = fees.max_fee_wei, fees.priority_fee_wei
    row.signed_at = timezone.now()
    signing = {"key": row.key, "chain_id": chain_id, "sender": checksum(bytes(row.sender)), "nonce": row.nonce}
    call = {"to": fields["to"], "value_wei": row.value_wei, "transaction": hex_text(row.transaction_hash)}
    record(Action.TRANSACTION_SIGNED, **signing, **call)


def _lock_sender(chain_id: int, sender: bytes) -> None:
    """One taker of nonces per (chain, sender); held until the transaction ends."""
    transaction_lock(LockClass.NONCE, key_of(f"{chain_id}:{sender.hex()}"))


def send_once(
    key: str,
    rpc: Rpc,
    chain: Chain,
    signer: Signer,
    to: bytes,
    calldata: bytes,
    value_wei: int = 0,
    gas: int | None = None,
) -> OutgoingTransaction:
    """Send a call for the purpose `key`, once, however often this is called; the journal's row.

    The row is committed before anything is broadcast, so this must not run inside a transaction. A node that can't be
    reached for the broadcast leaves the row `signed`: `settle` sends it later. `gas` None estimates it (and a fifth
    more); a given `gas` sends a call even though it would revert.

    Raises:
        KeyConflict: `key` stands for another call already.
        CallReverted: the estimate reverted; nothing was signed.
        RpcUnreachable, RpcError: no nonce or fee could be had; nothing was signed: ask again later.
    """
    _same_chain(rpc, chain)
    row = OutgoingTransaction.objects.filter(key=key).first()
    if row is None:
        if gas is None:
            gas = rpc.estimate_gas(to, calldata, sender=signer.address, value_wei=value_wei) * 6 // 5 + 5_000
        row = _journal(key, rpc, chain, signer, to, calldata, value_wei, gas, suggest_fees(rpc))
    call = (row.chain_id, bytes(row.sender), bytes(row.to), bytes(row.calldata), row.value_wei)
    if call != (chain.pk, signer.address, to, calldata, value_wei):
        raise KeyConflict(f"{key} was used before, for a different call: choose another key")
    if row.status == OutgoingTransaction.Status.SIGNED:
        _broadcast(rpc, row)
    return row


def _journal(
    key: str, rpc: Rpc, chain: Chain, signer: Signer, to: bytes, calldata: bytes, value_wei: int, gas: int, fees: Fees
) -> OutgoingTransaction:
    with transaction.atomic(durable=True):
        _lock_sender(chain.pk, signer.address)
        row = OutgoingTransaction.objects.filter(key=key).first()
        if row is not None:
            return row  # somebody else was faster
        # Our own unmined ones may not be in this node's pool yet, and strangers to the journal may be: the larger wins.
        journaled = (
            OutgoingTransaction.objects.filter(chain=chain, sender=signer.address)
            .order_by("-nonce").values_list("nonce", flat=True).first()
        )  # fmt: skip
        nonce = max(rpc.nonce(signer.address, "pending"), -1 if journaled is None else journaled)
        if journaled is not None and nonce == journaled:
            nonce += 1
        row = OutgoingTransaction(
            key=key, chain=chain, sender=signer.address, nonce=nonce, to=to, value_wei=value_wei, calldata=calldata,
            gas=gas,
        )  # fmt: skip
        _sign(signer, chain.pk, row, fees)
        row.save(force_insert=True)
    return row


def _same_chain(rpc: Rpc, chain: Chain) -> None:
    if rpc.chain_id != chain.pk:
        raise ValueError(f"the RPC client is for chain {rpc.chain_id}, the transaction for chain {chain.pk}")


_KNOWN = ("already known", "known transaction", "already imported", "already exists", "already in mempool")


def _broadcast(rpc: Rpc, row: OutgoingTransaction) -> bool:
    """Give the row's bytes to the node; True when its pool has them. What went wrong is noted in the row."""
    signed = bytes(row.signed)
    problem: Sentence | None = None
    try:
        rpc.send_raw(signed)
    except RpcError as error:
        # "Nonce too low" is settled by the receipts: one of our signings, or somebody else's transaction, is mined.
        if not any(text in error.message.lower() for text in _KNOWN):
            problem = error.sentence
    status = OutgoingTransaction.Status.SIGNED if problem else OutgoingTransaction.Status.SENT
    text, code = problem.storable(300) if problem else ("", {})
    changed = OutgoingTransaction.objects.filter(
        pk=row.pk, status__in=_UNMINED, transaction_hash=keccak(signed)
    ).update(status=status, error=text, error_code=code, updated_at=timezone.now())
    if changed:
        row.status, row.error, row.error_code = status, text, code
    else:
        row.refresh_from_db()
    return not problem


# ---------------------------------------------------------------------------------------------------------- settle


@dataclass
class Settled:
    """What one pass of `settle` did: numbers of transactions."""

    sent: int = 0  # broadcast (again)
    mined: int = 0
    failed: int = 0  # mined and reverted
    reorganised: int = 0  # were mined, and are not any more
    replaced: int = 0  # signed again with higher fees
    moved: int = 0  # signed again with another nonce, since a stranger's transaction took theirs for good
    filled: int = 0  # nonces below ours that nothing used, filled with an empty transaction to ourselves
    waiting: int = 0  # still not mined


def settle(
    rpc: Rpc, chain: Chain, *signers: Signer, stuck_after_s: float = 60.0, confirmations: int | None = None
) -> Settled:
    """Bring every transaction of the journal that is not final one step further; call it every few seconds.

    Rebroadcasts what the node doesn't know; notes receipts that are `confirmations` blocks deep (the block itself is
    the first; default: 1 on the local chain, else 2); takes back what a reorg dropped; and, for senders whose signer
    is given, replaces what is stuck for `stuck_after_s` with higher fees, moves what a stranger's transaction displaced
    for good, and fills nonce gaps.

    Raises:
        RpcUnreachable, RpcError: the node can't be asked; nothing is lost, ask again.
    """
    _same_chain(rpc, chain)
    if confirmations is None:
        confirmations = 1 if chain.pk == settings.LOCAL_CHAIN_ID else 2
    settled = Settled()
    by_address = {signer.address: signer for signer in signers}
    senders = OutgoingTransaction.objects.filter(chain=chain).values_list("sender", flat=True).distinct()
    for sender in map(bytes, senders):
        _Settling(rpc, chain, sender, by_address.get(sender), stuck_after_s, confirmations, settled).run()
    return settled


class _Settling:
    """One pass over one sender."""

    def __init__(
        self, rpc: Rpc, chain: Chain, sender: bytes, signer: Signer | None, stuck_after_s: float, confirmations: int,
        settled: Settled,
    ):  # fmt: skip
        self.rpc, self.chain, self.sender, self.signer = rpc, chain, sender, signer
        self.stuck_after, self.confirmations, self.settled = timedelta(seconds=stuck_after_s), confirmations, settled

    def rows(self) -> Any:
        return OutgoingTransaction.objects.filter(chain=self.chain, sender=self.sender)

    def run(self) -> None:
        latest = self.rpc.nonce(self.sender, "latest")
        # A chain that went back further than it may (the local one, rewound) has nonces that were final before.
        self.rows().filter(final=True, nonce__gte=latest).update(final=False)
        open_rows = list(self.rows().filter(final=False).order_by("nonce"))
        if not open_rows:
            return
        final_number, final_nonce = self._final()
        head = self.rpc.head_number()
        for row in open_rows:
            self._look(row, head, final_number, final_nonce)
        waiting = [row for row in open_rows if row.status in _UNMINED]
        self.settled.waiting += len(waiting)
        if not waiting:
            return
        latest = self.rpc.nonce(self.sender, "latest")
        first, arrived = waiting[0], False
        for row in waiting:
            if row.nonce >= latest and self.rpc.transaction(bytes(row.transaction_hash)) is None:
                taken = _broadcast(self.rpc, row)
                self.settled.sent += taken
                arrived |= taken and row is first
        if self.signer is not None:
            if first.nonce == latest and not arrived:  # what has only just arrived gets its time before we pay more
                self._replace(first)
            elif first.nonce > latest:
                self._fill(first, latest)

    def _final(self) -> tuple[int, int]:
        """The newest block that can't go away, and the sender's nonce at it; (-1, 0) where there is none yet."""
        header = None
        try:
            header = self.rpc.block("finalized")
        except Answered:  # a chain without the tag
            number = self.rpc.head_number() - self.chain.depth_blocks
            header = self.rpc.block(number) if number >= 0 else None
        if header is None:
            return -1, 0
        try:
            return header.number, self.rpc.nonce(self.sender, header.number)
        except Answered:  # a node that has pruned that state: nothing is moved, which is the safe side
            return header.number, 0

    def _look(self, row: OutgoingTransaction, head: int, final_number: int, final_nonce: int) -> None:
        """Ask for the receipts of all the row's signings, in one batch (so that one node answers all of them)."""
        hashes = [bytes(row.transaction_hash), *(hex_bytes(text) for text in row.replaced)]
        answers = self.rpc.batch([("eth_getTransactionReceipt", [hex_text(item)]) for item in hashes], together=True)
        receipt = None
        for answer in answers:
            if isinstance(answer, RpcError):
                raise answer
            if answer is not None:
                receipt = jsonrpc.checked("eth_getTransactionReceipt", answer, jsonrpc.parse_receipt)
                if receipt.transaction_hash not in hashes:
                    raise Answered(None, say("other_receipt"))
        if receipt is not None and head - receipt.block_number + 1 >= self.confirmations:
            self._mined(row, hashes, receipt, final=receipt.block_number <= final_number)
        elif receipt is None and row.status in _DONE:
            self._change(row, status=OutgoingTransaction.Status.SIGNED, block_hash=None, block_number=None)
            self.settled.reorganised += 1
        elif receipt is None and final_nonce > row.nonce and self.signer is not None:
            self._move(row, hashes, final_number)

    def _mined(self, row: OutgoingTransaction, hashes: list[bytes], receipt: jsonrpc.Receipt, *, final: bool) -> None:
        status = OutgoingTransaction.Status.MINED if receipt.succeeded else OutgoingTransaction.Status.FAILED
        if row.status != status:
            self.settled.mined += receipt.succeeded
            self.settled.failed += not receipt.succeeded
        if (row.status, row.block_hash, row.final) != (status, receipt.block_hash, final):
            others = [item for item in hashes if item != receipt.transaction_hash]
            self._change(
                row, status=status, block_hash=receipt.block_hash, block_number=receipt.block_number, final=final,
                error="", error_code={}, transaction_hash=receipt.transaction_hash,
                replaced=[hex_text(item) for item in others],
            )  # fmt: skip

    def _change(self, row: OutgoingTransaction, **values: Any) -> bool:
        """Change the row unless somebody else did in between."""
        changed = OutgoingTransaction.objects.filter(
            pk=row.pk, transaction_hash=bytes(row.transaction_hash), status=row.status
        ).update(**values, updated_at=timezone.now())
        row.refresh_from_db()
        return bool(changed)

    def _sign_again(self, row: OutgoingTransaction, fees: Fees, nonce: int | None = None) -> bool:
        """Commit a new signing before it is broadcast; False where somebody else was faster."""
        assert self.signer is not None
        with transaction.atomic(durable=True):
            _lock_sender(self.chain.pk, self.sender)
            now = OutgoingTransaction.objects.select_for_update().get(pk=row.pk)
            if (bytes(now.transaction_hash), now.status) != (bytes(row.transaction_hash), row.status):
                return False
            now.replaced = [hex_text(bytes(now.transaction_hash)), *now.replaced]
            if nonce is not None:
                taken = self.rows().order_by("-nonce").values_list("nonce", flat=True).first()
                now.nonce = max(nonce, (taken or 0) + 1)
            _sign(self.signer, self.chain.pk, now, fees)
            now.status, now.error, now.error_code = OutgoingTransaction.Status.SIGNED, "", {}
            now.save()
        _broadcast(self.rpc, now)
        row.refresh_from_db()
        return True

    def _replace(self, row: OutgoingTransaction) -> None:
        """The lowest unmined nonce holds up all the others: when it is stuck, pay more."""
        if timezone.now() - row.signed_at < self.stuck_after:
            return
        paid = Fees(row.max_fee_wei, row.priority_fee_wei)
        fees = _raised(paid, suggest_fees(self.rpc))
        if not fees.above(paid):
            text, code = say("stuck_at_cap", gwei=fee_cap_wei() // GWEI).storable(300)
            self._change(row, error=text, error_code=code)
            return
        self.settled.replaced += self._sign_again(row, fees)

    def _move(self, row: OutgoingTransaction, hashes: list[bytes], final_number: int) -> None:
        """A stranger's transaction took this nonce in a final block, so none of our signings can be mined any more.

        This is the one step that could pay twice, so it is asked once more, in one batch: the node that knows the final
        block's nonce must itself have no receipt of ours. One that lags behind has neither.
        """
        count, *receipts = self.rpc.batch(
            [
                ("eth_getTransactionCount", [hex_text(self.sender), hex(final_number)]),
                *(("eth_getTransactionReceipt", [hex_text(item)]) for item in hashes),
            ],
            together=True,
        )
        if isinstance(count, RpcError) or any(receipt is not None for receipt in receipts):
            return
        if jsonrpc.checked("eth_getTransactionCount", count, jsonrpc.quantity) <= row.nonce:
            return
        nonce = self.rpc.nonce(self.sender, "pending")
        self.settled.moved += self._sign_again(row, suggest_fees(self.rpc), nonce)

    def _fill(self, first: OutgoingTransaction, gap: int) -> None:
        """Nothing used nonce `gap`, and ours wait behind it: an empty transaction to ourselves takes it.

        Ours are not signed again for the gap: the old signing would stay valid, and both could be mined.
        """
        if timezone.now() - first.signed_at < self.stuck_after or self.rpc.nonce(self.sender, "pending") > gap:
            return
        assert self.signer is not None
        fees = suggest_fees(self.rpc)
        with transaction.atomic(durable=True):
            _lock_sender(self.chain.pk, self.sender)
            if self.rows().filter(nonce=gap).exists():
                return
            row = OutgoingTransaction(
                key=f"gap:{self.chain.pk}:{self.sender.hex()}:{gap}:{time.time_ns()}", chain=self.chain,
                sender=self.sender, nonce=gap, to=self.sender, value_wei=0, calldata=b"", gas=21_000,
            )  # fmt: skip
            _sign(self.signer, self.chain.pk, row, fees)
            row.save(force_insert=True)
        self.settled.filled += _broadcast(self.rpc, row)
