# SPDX-License-Identifier: Apache-2.0
"""What is final, by no single node's word: a block that was called final and is replaced stops the mirror."""

from collections.abc import Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from governance import incidents
from governance.chain.rpc import Answered, Disagreement, Header, Rpc, RpcError
from governance.models import Block, Chain, Contract, Cursor, Dao, RawLog
from governance.sync import fetch, witness
from governance.words import say

_MOST_BLOCKS = 2000  # in one look
_YOUNG_CHAIN_BLOCKS = 10_000  # on which the first block may be the only final one
_MOST_BLOCKS_NAMED = 100
_COMPARED = (
    "block_number", "block_hash", "transaction_hash", "transaction_index", "log_index", "address", "topic0", "topic1",
    "topic2", "topic3", "data",
)  # fmt: skip
_MOST_LAG = 4  # blocks that one endpoint may be behind another without being set aside


class Missed(Exception):
    """The mirror has other logs than the chain from this block on, which are to be read again. `wrong` are those that
    the chain has not; without any it only lacks some, and what it has stays."""

    def __init__(self, block_number: int, problem: str, wrong: Sequence[RawLog] = ()):
        self.block_number, self.wrong = block_number, wrong
        super().__init__(problem)

    @property
    def is_wrong(self) -> bool:
        return bool(self.wrong)


def chain_of(dao: Dao) -> Chain:
    """Return the DAO's chain as it is now."""
    return Chain.objects.get(pk=dao.chain_id)


def final_block(rpc: Rpc, head: Header, depth: int) -> int:
    """The last block that can't change: what every endpoint that answers calls final, and `depth` below the head at
    most, so that one wrong claim never makes a reorg of that depth look impossible.

    Raises:
        RpcError: the only endpoint failed.
    """
    by_depth = head.number - depth
    others = rpc.others()
    claims = [by_depth]
    for view in [rpc.answerer(), *others] if others else [rpc]:
        try:
            claimed = view.block("finalized")
        except Answered:
            continue  # a chain without the tag
        except RpcError:
            if others:
                continue
            raise
        if claimed is not None and says_what_is_final(claimed, head):
            claims.append(claimed.number)
    return min(claims)


def says_what_is_final(claimed: Header, head: Header) -> bool:
    """Whether an answer to `finalized` says anything: high on a chain, who calls no block but the first one final does
    not know."""
    return claimed.number > 0 or head.number <= _YOUNG_CHAIN_BLOCKS


class Confirmed(NamedTuple):
    """The last block that may be marked final, and the blocks that two endpoints were asked about (none: 0 to -1).
    `alone_from_block`: from here on one alone could be asked, though there are others (None: nowhere)."""

    final_block: int
    first_block: int = 0
    last_block: int = -1
    alone_from_block: int | None = None


def confirm(dao: Dao, rpc: Rpc, contracts: Sequence[Contract], final: int) -> Confirmed:
    """Return which blocks may be marked final: what is stored of those that came to be final since was looked at again
    (`witness.second_look`).

    Raises:
        Missed: a block's logs are others than the ones that are stored.
    """
    waiting = Block.objects.filter(dao=dao, finalized=False, number__lte=final)
    ends = waiting.aggregate(first=Min("number"), last=Max("number"))
    if ends["first"] is None:
        return Confirmed(final)
    first, last = ends["first"], min(ends["last"], ends["first"] + _MOST_BLOCKS - 1)
    reached = final if last == ends["last"] else last
    questions = fetch.filters(contracts, last)
    if not questions:
        return Confirmed(reached)
    look = _look(dao, rpc, contracts, questions, first, last)
    if look is None:
        return Confirmed(first - 1)
    if look.by_two:
        return Confirmed(reached, first, last)
    return Confirmed(reached, alone_from_block=None if rpc.is_single else first)


def look_once_more(dao: Dao, rpc: Rpc, contracts: Sequence[Contract], first: int, final: int) -> Confirmed | None:
    """Return which final blocks from `first` on two endpoints were asked about now, of those that one alone was asked
    about while the others failed or were distrusted; None where two don't answer now, or call less final than `first`.
    `alone_from_block` is where to go on the next time (None: all is done).

    Raises:
        Missed: a block's logs are others than the ones that are stored.
    """
    last = min(final, first + _MOST_BLOCKS - 1)
    if last < first:
        return None  # by a node that lags, less is final than was; asked again when it has come on
    questions = fetch.filters(contracts, last)
    if questions:
        look = _look(dao, rpc, contracts, questions, first, last)
        if look is None or not look.by_two:
            return None
    newest = Block.objects.filter(dao=dao, finalized=True).aggregate(newest=Max("number"))["newest"]
    is_all = last >= max(final, -1 if newest is None else newest)  # what was final before stays so
    return Confirmed(final, first, last, None if is_all else last + 1)


def _look(
    dao: Dao, rpc: Rpc, contracts: Sequence[Contract], questions: Sequence[fetch.Filter], first: int, last: int
) -> witness.Look | None:
    """Look once more at these blocks (`witness.second_look`); None where nothing can be said now.

    Raises:
        Missed: a block's logs are others than the ones that are stored.
    """
    stored = list(RawLog.objects.filter(dao=dao, block_number__range=(first, last)).only(*_COMPARED))
    look = witness.second_look(rpc, questions, first, last, stored)
    if look is None:
        return None
    # A contract's logs before its first block may or may not have been read with those of others.
    starts: dict[bytes, int] = {}
    for contract in contracts:
        starts[contract.address] = min(contract.start_block, starts.get(contract.address, contract.start_block))
    ours = {witness.content(log): log for log in stored if log.block_number >= starts.get(log.address, first)}
    theirs = {witness.content(log): log for log in look.logs if log.block_number >= starts.get(log.address, first)}
    if ours.keys() == theirs.keys():
        return look
    hashes = dict(Block.objects.filter(dao=dao, number__range=(first, last)).values_list("number", "hash"))
    if any(hashes.get(log.block_number, log.block_hash) != log.block_hash for log in theirs.values()):
        return None  # a reorg, which the next step sees
    missing, extra = theirs.keys() - ours.keys(), ours.keys() - theirs.keys()
    number = min((theirs.get(k) or ours[k]).block_number for k in missing | extra)
    raise Missed(
        number,
        f"Final blocks were read again: from block {number} on the mirror lacked {len(missing)} log(s) and had "
        f"{len(extra)} that the chain has not",
        [ours[key] for key in extra],
    )


def has_others_vouching(dao: Dao, rpc: Rpc) -> bool:
    """Whether another endpoint than the one that answered last still has our newest final block."""
    block = Block.objects.filter(dao=dao, finalized=True).order_by("-number").first()
    if block is None:
        return False
    for view in rpc.others():
        try:
            theirs = view.block(block.number)
        except RpcError:
            continue
        if theirs is not None and theirs.hash == block.hash:
            return True
    return False


def note_caught(dao: Dao, rpc: Rpc) -> None:
    """Keep what endpoints were caught at where people see it; it needs no hand: they are not asked for a while."""
    for told in rpc.take_caught():
        incidents.note(dao, incidents.Kind.LYING_NODE, detail=told, resolved_at=timezone.now())


def note_disagreements(dao: Dao, noted: Sequence[Disagreement]) -> None:
    """Keep for people where endpoints differ and nothing says which is right: one open incident for all blocks.

    It stays open until a reorg takes its blocks, or until all that is marked there is confirmed or refuted.
    """
    if not noted:
        return
    with transaction.atomic():
        Cursor.objects.select_for_update().filter(dao=dao).first()  # in turn, as in `tasks.note_failure`
        incident, _ = incidents.note_once(dao, incidents.Kind.NODES_DIFFER)
        blocks = sorted({*incident.facts.get("blocks", []), *(d.block_number for d in noted)})
        incident.first_block = blocks[0] if incident.first_block is None else min(blocks[0], incident.first_block)
        incident.facts = {"blocks": blocks[-_MOST_BLOCKS_NAMED:]}
        incidents.word(incident, say("logs_contradict", problem=noted[-1].problem))
        incident.save()


def newest(rpc: Rpc) -> Header:
    """The newest block. Where there are several endpoints and the one that is asked lags behind another, that other
    one's, and the one that lags is asked last for a while: one whose head stands still says nothing is new for ever.

    Raises:
        RpcError: the node failed, or has no newest block.
    """
    head = rpc.block("latest")
    if head is None:
        raise Answered(None, say("latest_block_missing"))
    first = rpc.answerer()
    for view in rpc.others():
        try:
            theirs = view.block("latest")
        except RpcError:
            continue
        if theirs is not None and theirs.number > head.number + _MOST_LAG:
            first.set_aside()
            return theirs
    return head
