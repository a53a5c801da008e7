# SPDX-License-Identifier: Apache-2.0
"""Why the chain refused an act. A revert leaves no log, so failed transactions sent directly to a policy module are
read from the blocks themselves and asked again for the reason, which is the module's own error with its values.

What was refused inside another contract's transaction leaves no trace that can be attributed; it is not counted here.
"""

import logging
from collections.abc import Sequence
from typing import Any

from django.db.models import Q

from governance import outbox, refusal_words
from governance.chain import abi
from governance.chain.module import RENOUNCE, SET_POLICY, SHORTEN, ActInput, act_input
from governance.chain.rpc import (
    Answered,
    CallReverted,
    Header,
    Rpc,
    RpcError,
    RpcLimited,
    Transaction,
    parse_header,
    parse_receipt,
    parse_transaction,
)
from governance.models import Block, Contract, Cursor, Dao, RefusedAct
from governance.sync.fence import Writer
from governance.sync.fetch import ChainMoved
from governance.words import say
from policies.notation.hexadecimal import hex_bytes, hex_text

logger = logging.getLogger(__name__)

_MOST_REVERT_BYTES = 4096  # kept of what a transaction reverted with: a hostile target may revert with megabytes
_BATCH = 20
_MOST_BLOCKS = 400  # in one scan, so that the head is not kept waiting
_ASKED_AGAIN_BLOCKS = 256  # of which a full node may have the state; what is not known after so many never will be
_MOST_ASKED_AGAIN = 20  # in one step: anybody may have the module refuse
# `reason_values` where nodes failed at the question, which is asked again; `again_block`, where it failed again, is the
# head from which on.
_UNANSWERED = {"unanswered": True}
_NO_SUCH_METHOD = -32601


def scan(writer: Writer, rpc: Rpc, *, most_blocks: int = _MOST_BLOCKS) -> int:
    """Read failed transactions to the DAO's modules, in blocks that the mirror has and this has not. How many were new.

    Raises:
        RpcError: the node failed or contradicts what was read; the rest is read by the next scan.
    """
    modules = {c.address: c for c in writer.dao.contracts.filter(kind=Contract.Kind.MODULE)}
    if not modules:
        return 0
    cursor = Cursor.objects.get(dao=writer.dao)
    first = max(cursor.refusals_next_block, min(c.start_block for c in modules.values()))
    end = min(cursor.next_block, first + most_blocks)
    found = 0
    for start in range(first, end, _BATCH):
        numbers = range(start, min(start + _BATCH, end))
        headers = _full_blocks(rpc, numbers)
        ours = dict(Block.objects.filter(dao=writer.dao, number__in=numbers).values_list("number", "hash"))
        for header in headers:
            if ours.get(header.number, header.hash) != header.hash:
                return found  # the next sync sees the reorg first
        rows = _failed(writer.dao, rpc, modules, headers)
        with writer.transaction() as held:
            if held.next_block < numbers[-1] + 1 or held.head_hash != cursor.head_hash:
                return found
            # Blocks that are read again (a module was added) may have been replaced meanwhile, and their failures gone.
            gone = RefusedAct.objects.filter(dao=writer.dao, block_number__in=numbers).exclude(
                block_hash__in=[h.hash for h in headers]
            )
            new = [
                ("act.refused.undone", hex_text(transaction_hash), number)
                for transaction_hash, number in gone.order_by("-pk").values_list("transaction_hash", "block_number")
            ]
            gone.delete()
            told = len(new)
            for row in rows:
                _, created = RefusedAct.objects.get_or_create(
                    dao=writer.dao, transaction_hash=row.transaction_hash, block_hash=row.block_hash,
                    defaults={f: getattr(row, f) for f in (
                        "module", "block_number", "block_timestamp_chain_s", "sender", "calldata", "policy_id",
                        "reason", "reason_code", "reason_values", "clause", "decision",
                    )},
                )  # fmt: skip
                if created:
                    new.append(("act.refused", hex_text(row.transaction_hash), row.block_number))
            held.refusals_next_block = numbers[-1] + 1
            held.save(update_fields=["refusals_next_block"])
            outbox.publish_many(writer.dao, new)
            found += len(new) - told
    return found


def ask_again(writer: Writer, rpc: Rpc) -> None:
    """Ask once more why acts of the newest blocks were refused where nodes failed at the question: that they did is no
    answer. Anybody can have the module refuse, in a way that nodes take long to say: few are asked in one step, and
    each at most about ten times, later and later.

    Raises:
        RpcError: a node has no block where one was read, or failed at all that it was asked.
    """
    dao = writer.dao
    head = Cursor.objects.get(dao=dao).next_block - 1
    open_ = RefusedAct.objects.filter(dao=dao, reason_code=refusal_words.UNKNOWN, reason_values__unanswered=True)
    is_due = Q(reason_values__again_block__isnull=True) | Q(reason_values__again_block__lte=head)
    open_ = open_.filter(is_due, block_number__gt=head - _ASKED_AGAIN_BLOCKS)
    rows = list(open_.select_related("module").order_by("-block_number", "-pk")[:_MOST_ASKED_AGAIN])
    numbers = sorted({row.block_number for row in rows})
    headers = {header.number: header for header in _full_blocks(rpc, numbers)}
    for row in rows:
        header, sent = headers[row.block_number], hex_text(row.transaction_hash)
        raw = next((t for t in header.transactions if isinstance(t, dict) and str(t.get("hash")).lower() == sent), None)
        if raw is None or header.hash != bytes(row.block_hash):
            continue  # a reorg takes the row
        found = _refused(dao, rpc, row.module, header, _parsed(parse_transaction, raw))
        if found.reason_values == _UNANSWERED:
            found.reason_values = {**_UNANSWERED, "again_block": head + _wait_blocks(head - row.block_number)}
        with writer.transaction():
            RefusedAct.objects.filter(pk=row.pk).update(
                **{name: getattr(found, name) for name in ("reason", "reason_code", "reason_values", "clause")}
            )


def _wait_blocks(age_blocks: int) -> int:
    """How many blocks after a question that failed it is asked again: as many as its block is old."""
    return max(1, age_blocks)


def _full_blocks(rpc: Rpc, numbers: Sequence[int]) -> list[Header]:
    headers = []
    for number, answer in zip(
        numbers, rpc.batch([("eth_getBlockByNumber", [hex(n), True]) for n in numbers], size=_BATCH), strict=True
    ):
        if isinstance(answer, RpcError):
            raise answer
        if answer is None:
            raise Answered(None, say("block_missing", block=number))
        header = _parsed(parse_header, answer)
        if header.number != number:
            raise Answered(None, say("other_block", block=number, answered=header.number))
        if not isinstance(answer.get("transactions"), list):  # that none is named says of none that it succeeded
            raise Answered(None, say("block_malformed", error="transactions"))
        headers.append(header)
    return headers


def _parsed(parse: Any, answer: Any) -> Any:
    try:
        return parse(answer)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Answered(None, say("block_malformed", error=type(error).__name__)) from None


def _failed(dao: Dao, rpc: Rpc, modules: dict[bytes, Contract], headers: Sequence[Header]) -> list[RefusedAct]:
    sent: list[tuple[Header, Transaction]] = []
    wanted = {hex_text(address) for address in modules}
    for header in headers:
        # Only those to a module are read further: a block has hundreds of others, some of types nothing here knows.
        sent += [
            (header, _parsed(parse_transaction, raw))
            for raw in header.transactions
            if isinstance(raw, dict) and isinstance(raw.get("to"), str) and raw["to"].lower() in wanted
        ]
    if not sent:
        return []
    receipts = rpc.batch([("eth_getTransactionReceipt", [hex_text(t.hash)]) for _, t in sent])
    rows = []
    for (header, transaction), answer in zip(sent, receipts, strict=True):
        if isinstance(answer, RpcError):
            raise answer
        if answer is None:
            raise Answered(None, say("receipt_missing", block=header.number))
        receipt = _parsed(parse_receipt, answer)
        if receipt.block_hash != header.hash:
            raise ChainMoved(header.number)
        if not receipt.succeeded:
            rows.append(_refused(dao, rpc, modules[transaction.to or b""], header, transaction))
    return rows


def _refused(dao: Dao, rpc: Rpc, module: Contract, header: Header, transaction: Transaction) -> RefusedAct:
    asked = act_input(transaction.calldata)
    policy_id = asked.policy_id if asked else _policy_named(transaction.calldata)
    data = revert_data(rpc, header, transaction)
    error = abi.decode_error(data or b"", *refusal_words.OWNERS)
    values = {"revert": hex_text(data)} if data and error and len(data) <= _MOST_REVERT_BYTES else {}
    return RefusedAct(
        dao=dao,
        module=module,
        transaction_hash=transaction.hash,
        block_number=header.number,
        block_hash=header.hash,
        block_timestamp_chain_s=header.timestamp_chain_s,
        sender=transaction.sender,
        calldata=transaction.calldata,
        policy_id=policy_id,
        decision=asked.decision if asked else None,
        reason_code=error.name if error else refusal_words.UNKNOWN,
        reason_values=_UNANSWERED if data is None else values,
        reason=(str(error) if error else refusal_words.TABLE.say(refusal_words.UNKNOWN))[:300].replace(
            "\x00", "\ufffd"
        ),
        clause=(_clause(dao, module, header, asked, error) if error else "")[:300].replace("\x00", "\ufffd"),
    )


def _clause(dao: Dao, module: Contract, header: Header, asked: ActInput | None, error: abi.Decoded) -> str:
    """`in_words`, or nothing. What a target reverts with comes out of the module as if it were the module's own error,
    with any values at all (a year past 9999, a budget without end): wording them must not stop the reading."""
    try:
        return refusal_words.in_words(dao, module, header.number, asked, error)
    except Exception:
        logger.exception("the refusal %s in block %d could not be worded", error.signature, header.number)
        return ""


def _policy_named(calldata: bytes) -> bytes | None:
    """The policy that `renounce`, `shorten` or `setPolicy` names first; None for what names an act or nothing."""
    names = (RENOUNCE, SHORTEN, SET_POLICY)
    return calldata[4:36] if calldata[:4] in map(abi.selector, names) and len(calldata) >= 36 else None


def revert_data(rpc: Rpc, header: Header, transaction: Transaction) -> bytes | None:
    """What the transaction reverted with; empty where no node can tell, and None where one failed that may tell later.

    By the node's tracer where it has one: it runs the transaction in its place within the block. Else by a call on the
    parent's state at the block's own time; not where the block had called the module before, for then the answer would
    be another one (`WrongNumber` in place of `OverBudget`).
    """
    # The top call alone: all calls of a transaction that was made to have many would be more than a node can answer.
    options = {"tracer": "callTracer", "tracerConfig": {"onlyTopCall": True}}
    may_trace = True
    try:
        trace = rpc.call("debug_traceTransaction", [hex_text(transaction.hash), options])
        output = trace.get("output") if isinstance(trace, dict) else None
        if isinstance(output, str) and output.startswith("0x") and len(output) > 2:
            return hex_bytes(output)
    except RpcLimited:
        raise
    except RpcError as error:
        may_trace = error.code != _NO_SUCH_METHOD  # else no tracer; a node that is down fails below
    except ValueError:
        may_trace = False  # it chokes on this transaction
    else:
        may_trace = False
    if _called_before(header, transaction):
        return None if may_trace else b""
    call = {
        "from": hex_text(transaction.sender), "to": hex_text(transaction.to or b""),
        "data": hex_text(transaction.calldata), "value": hex(transaction.value_wei), "gas": hex(transaction.gas),
    }  # fmt: skip
    at = {"blockHash": hex_text(header.parent_hash)}
    place = {"time": hex(header.timestamp_chain_s), "number": hex(header.number)}
    # Twice with them: a node that failed once is not one without block overrides.
    for params in ([call, at, {}, place], [call, at, {}, place], [call, at]):
        try:
            rpc.call("eth_call", params)
        except CallReverted as reverted:
            return reverted.data
        except Answered:
            continue
        return b""  # it passes on the parent's state: what refused it came earlier in the same block
    return None


def _called_before(header: Header, transaction: Transaction) -> bool:
    """Whether an earlier transaction of the block went where this one went."""
    ours, to = hex_text(transaction.hash), hex_text(transaction.to or b"")
    for raw in header.transactions:
        if isinstance(raw, dict) and str(raw.get("hash")).lower() == ours:
            return False
        if isinstance(raw, dict) and str(raw.get("to")).lower() == to:
            return True
    return False
