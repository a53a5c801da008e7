# SPDX-License-Identifier: Apache-2.0
"""When the chain is not the one that was read: find the common ancestor, drop what is above, fold the rest again."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Min

from governance import asked_power, incidents, outbox, unconfirmed
from governance.chain.address import checksum
from governance.chain.rpc import Header, Rpc
from governance.models import (
    AskedPower,
    Block,
    Chain,
    ChainAnswer,
    ChainReading,
    Contract,
    Cursor,
    Dao,
    OnchainCheck,
    OutboxEntry,
    Proposal,
    RawLog,
    RefusedAct,
    ScannedRange,
    SyncIncident,
    Vote,
)
from governance.probing import forget_probes
from governance.projections import events, power_now
from governance.projections.again import refold
from governance.projections.batch import vote_key
from governance.projections.gaps import note_gaps
from governance.projections.tallies import count_votes, link_votes
from governance.state import now_at
from governance.sync.fence import Writer
from governance.sync.fetch import headers_of
from governance.words import say
from policies.notation.hexadecimal import hex_text

_STEP = 32
_MOST_NAMED = 100
_FOUND_IN_LOGS = (
    incidents.Kind.GAP,
    incidents.Kind.UNDECODABLE,
    incidents.Kind.POLICY_CODE,
    incidents.Kind.TIMELOCK_CHANGED,
    incidents.Kind.GOVERNOR_CHANGED,
)
# How it is worded that what was read of some blocks was dropped.
_DROPPED = {
    incidents.Kind.REORG: "blocks_replaced",
    incidents.Kind.LOCAL_CHAIN_REWOUND: "local_blocks_gone",
    incidents.Kind.MISSED_LOGS: "blocks_dropped",
}


@dataclass(frozen=True)
class Ancestor:
    """The last block that both chains share; `hash` None where they share none that was read."""

    number: int
    hash: bytes | None
    timestamp_chain_s: int
    l1_block: int | None = None  # as `Block.l1_block`


def find_ancestor(dao: Dao, rpc: Rpc, node_head_block: int, start_block: int) -> Ancestor:
    """The newest header that was read and that the node has too. Raises RpcError where the node contradicts itself."""
    kept = Block.objects.filter(dao=dao, number__lte=node_head_block).order_by("-number")
    seen = 0
    while batch := list(kept[seen : seen + _STEP]):
        seen += len(batch)
        for ours, theirs in zip(batch, headers_of(rpc, [b.number for b in batch]), strict=True):
            if ours.hash == theirs.hash:
                return Ancestor(ours.number, ours.hash, ours.timestamp_chain_s, ours.l1_block)
    return Ancestor(start_block - 1, None, 0)


def deeper_than_finality(dao: Dao, ancestor: Ancestor) -> bool:
    """Whether following would undo a block that was final."""
    return Block.objects.filter(dao=dao, finalized=True, number__gt=ancestor.number).exists() or (
        ancestor.hash is None and Block.objects.filter(dao=dao, finalized=True).exists()
    )


def note_deep_reorg(dao: Dao, ancestor: Ancestor, last_block: int) -> SyncIncident:
    """Raise the incident, once. The mirror, which has read up to `last_block`, stays as it is until a person looks, or
    the node returns to the chain."""
    _note_depth(dao, ancestor, last_block)
    incident, _ = incidents.note_once(
        dao,
        incidents.Kind.DEEP_REORG,
        detail=say("chain_parted_below_final", block=ancestor.number),
        first_block=ancestor.number + 1,
        facts={"ancestor": ancestor.number},
    )
    return incident


def _note_depth(dao: Dao, ancestor: Ancestor, last_block: int) -> None:
    """Keep the depth of a reorg where the chain had none deeper: from the lowest block that is known to be replaced (of
    those that were final when they were read few headers are kept) to the last one that was read."""
    lowest = Block.objects.filter(dao=dao, number__gt=ancestor.number).aggregate(number=Min("number"))["number"]
    blocks = 0 if lowest is None else last_block - lowest + 1
    Chain.objects.filter(pk=dao.chain_id, deepest_reorg_blocks__lt=blocks).update(deepest_reorg_blocks=blocks)


def drop_above(writer: Writer, ancestor: Ancestor, kind: incidents.Kind, node_head_block: int) -> SyncIncident:
    """Drop blocks and logs above the ancestor with all that was derived from them, in one transaction.

    `kind` is `REORG`, `LOCAL_CHAIN_REWOUND` or `MISSED_LOGS`. The incident's facts name what was lost; the outbox tells
    it as undone.
    """
    dao = writer.dao
    with writer.transaction() as cursor:
        above: dict[str, Any] = {"dao": dao, "block_number__gt": ancestor.number}
        logs = RawLog.objects.filter(**above)
        votes = list(Vote.objects.filter(dao=dao, log__block_number__gt=ancestor.number).order_by("log_id"))
        proposals = list(Proposal.objects.filter(dao=dao, log__block_number__gt=ancestor.number))
        facts = {
            "from_block": ancestor.number + 1,
            "to_block": cursor.next_block - 1,
            "blocks": Block.objects.filter(dao=dao, number__gt=ancestor.number).count(),
            "node_head_block": node_head_block,
            "dropped_logs": logs.count(),
            **_lost(votes, proposals),
        }
        if kind is incidents.Kind.REORG:
            _note_depth(dao, ancestor, cursor.next_block - 1)
        undone = _undone(dao, block_number__gt=ancestor.number)
        touched, powers = {vote.onchain_proposal_id for vote in votes}, power_now.touched_by(dao, logs)
        logs.delete()
        power_now.make_again(dao, powers)
        Block.objects.filter(dao=dao, number__gt=ancestor.number).delete()
        ChainAnswer.objects.filter(**above).delete()
        RefusedAct.objects.filter(**above).delete()
        checks = OnchainCheck.objects.filter(**above)
        if checks.filter(matched=False, subject__endswith=":state").exists():
            cursor.rules_below = (
                Cursor.FROM_THE_NEWEST
            )  # the chain's word fell: it is asked again about all that is not over
        checks.delete()  # the chain said it in a block that it has no more
        ChainReading.objects.filter(**above).delete()  # and so did it here
        asked_power.drop_above(dao, ancestor.number)
        ScannedRange.objects.filter(contract__dao=dao, first_block__gt=ancestor.number).delete()
        ScannedRange.objects.filter(contract__dao=dao, last_block__gt=ancestor.number).update(
            last_block=ancestor.number
        )
        cursor.next_block = ancestor.number + 1
        cursor.head_hash = ancestor.hash
        cursor.head_timestamp_chain_s = ancestor.timestamp_chain_s
        cursor.head_l1_block = ancestor.l1_block
        cursor.refusals_next_block = min(cursor.refusals_next_block, ancestor.number + 1)
        cursor.node_head_block = node_head_block
        # Asked again: the answers fell with these blocks. (A moment is compared with the next one, in the same clock.)
        if cursor.rules_block is not None and cursor.rules_block > ancestor.number:
            cursor.rules_block = ancestor.number
            if incidents.is_open(dao, incidents.Kind.GOVERNOR_CHANGED, first_block__gt=ancestor.number):
                cursor.rules_below = Cursor.FROM_THE_NEWEST  # it may be what it was before
        forget_probes(dao, ancestor.number)
        if cursor.ended_timepoint is not None:
            cursor.ended_timepoint = min(cursor.ended_timepoint, _timepoint(dao, ancestor))
        cursor.save()
        _resolve_findings(dao, first_block__gt=ancestor.number)
        incidents.resolve(dao, incidents.Kind.NODES_DIFFER, first_block__gt=ancestor.number)
        undone += fold_again(dao, ancestor.number, touched=touched, undone=undone)
        detail = say(
            _DROPPED[kind], from_block=facts["from_block"], to_block=facts["to_block"], logs=facts["dropped_logs"],
            votes=len(facts["dropped_votes"]), proposals=len(facts["dropped_proposals"]),
        )  # fmt: skip
        incident = incidents.note(dao, kind, detail=detail, facts=facts, first_block=ancestor.number + 1)
        outbox.publish_many(dao, undone)
    return incident


def _lost(votes: Sequence[Vote], proposals: Sequence[Proposal]) -> dict[str, Any]:
    """Name what of votes and proposals was dropped, as an incident's facts."""
    return {
        "dropped_votes": [
            {
                "proposal_id": str(vote.onchain_proposal_id),
                "voter": checksum(vote.voter),
                "support": vote.support,
                "weight": str(vote.weight),
            }
            for vote in votes[:_MOST_NAMED]
        ],
        "dropped_proposals": [str(p.proposal_id) for p in proposals[:_MOST_NAMED]],
    }


def _timepoint(dao: Dao, ancestor: Ancestor) -> int:
    """The ancestor's moment in the governor's clock."""
    governor = dao.contracts.filter(kind=Contract.Kind.GOVERNOR).first()
    if governor is None:
        return ancestor.number
    return now_at(governor, ancestor.number, ancestor.timestamp_chain_s, ancestor.l1_block).timepoint


def drop_wrong(writer: Writer, first_block: int, node_head_block: int) -> SyncIncident:
    """Drop blocks from here on, of which a node had not told the truth, so that they are read again."""
    below = Block.objects.filter(dao=writer.dao, number=first_block - 1).first()
    ancestor = (
        Ancestor(first_block - 1, None, 0)
        if below is None
        else Ancestor(below.number, below.hash, below.timestamp_chain_s, below.l1_block)
    )
    return drop_above(writer, ancestor, incidents.Kind.MISSED_LOGS, node_head_block)


def drop_refuted(writer: Writer, logs: Sequence[RawLog]) -> SyncIncident | None:
    """Drop these logs, which their blocks do not have, and what was made from them; all else stays, however old their
    blocks are. None where they are gone already."""
    dao = writer.dao
    with writer.transaction() as cursor:
        found = RawLog.objects.filter(dao=dao, pk__in=[log.pk for log in logs])
        numbers = sorted(found.values_list("block_number", flat=True))
        if not numbers:
            return None
        # What was asked because of them is asked again, and what was not because they ended a proposal.
        cursor.rules_below = Cursor.FROM_THE_NEWEST
        cursor.save(update_fields=["rules_below"])
        votes = list(Vote.objects.filter(dao=dao, log__in=found).select_related("log"))
        proposals = list(Proposal.objects.filter(dao=dao, log__in=found))
        touched, powers = {vote.onchain_proposal_id for vote in votes}, power_now.touched_by(dao, found)
        told = _standing(dao, topic__startswith="vote.cast", block_number__in=set(numbers))
        undone = []
        for vote in votes:
            news = ("vote.cast", vote_key(vote.onchain_proposal_id, vote.log), vote.log.block_number)
            undone += [(f"{news[0]}.undone", *news[1:])] * max(told[news], 0)
        found.delete()
        power_now.make_again(dao, powers)
        _resolve_findings(dao, first_block__in=set(numbers))
        unconfirmed.close(dao, set(numbers))
        undone += fold_again(dao, numbers[0], touched=touched, undone=undone)
        facts = {"from_block": numbers[0], "to_block": numbers[-1], "dropped_logs": len(numbers)}
        incident = incidents.note(
            dao,
            incidents.Kind.MISSED_LOGS,
            detail=say("logs_refuted", from_block=numbers[0], to_block=numbers[-1], logs=len(numbers)),
            facts={**facts, **_lost(votes, proposals)},
            first_block=numbers[0],
        )
        outbox.publish_many(dao, undone)
    return incident


def read_again(writer: Writer, first_block: int, node_head_block: int) -> SyncIncident:
    """Have blocks from here on read again, of which a node had left logs out. What was read of them stays: the node
    that answers now may have gaps of its own."""
    with writer.transaction() as cursor:
        facts = {"from_block": first_block, "to_block": cursor.next_block - 1, "node_head_block": node_head_block}
        restart_from(writer, first_block)
        return incidents.note(
            writer.dao,
            incidents.Kind.MISSED_LOGS,
            detail=say("logs_left_out", from_block=first_block),
            facts=facts,
            first_block=first_block,
        )


def _resolve_findings(dao: Dao, **blocks: Any) -> None:
    """Close what was found in logs that are gone; folding again finds anew what the remaining ones still show."""
    incidents.resolve(dao, *_FOUND_IN_LOGS, **blocks)


_News = tuple[str, str, int]
_OF_ONE_LOG = ("vote.cast", "act.refused")  # told of a log or a transaction alone, whatever stands beside it


def _undone(dao: Dao, **blocks: Any) -> list[_News]:
    """What was told of these blocks and not taken back since, newest first, as `*.undone`."""
    told = [(f"{topic}.undone", key, block) for topic, key, block in _standing(dao, **blocks).elements()]
    return told[::-1]


def _standing(dao: Dao, **blocks: Any) -> Counter[_News]:
    """What was told of these blocks and not taken back since, oldest first."""
    entries = OutboxEntry.objects.filter(dao=dao, **blocks).order_by("id")
    return _sum(entries.values_list("topic", "key", "block_number"))


def _sum(told: Iterable[_News]) -> Counter[_News]:
    standing: Counter[_News] = Counter()
    for topic, key, block in told:
        if topic.endswith(".undone"):
            standing[(topic.removesuffix(".undone"), key, block)] -= 1
        else:
            standing[(topic, key, block)] += 1
    return standing


def _told_beside(
    dao: Dao, news: Sequence[tuple[unconfirmed.Place, _News]], undone: Iterable[_News], block_number: int
) -> list[_News]:
    """What the outbox is to tell beside `undone`, now that logs from about this block on are gone.

    While blocks are read again, logs of blocks that were replaced may still stand above those that are read, and what
    is new in these is told as if both were so: a proposal is queued that only the old branch created. `news` is what is
    so, by its log's place. Only as far below as a branch can reach: what an older version told otherwise long ago
    stays.
    """
    lowest = block_number - dao.chain.depth_blocks
    standing = _standing(dao, block_number__gte=lowest)
    standing.update(_sum(undone))
    standing = Counter({told: n for told, n in standing.items() if n > 0 and told[0] not in _OF_ONE_LOG})
    due = Counter(told for _, told in news if told[2] >= lowest)
    unconfirmed.correct_news(dao, news, standing, lowest)
    due -= unconfirmed.withheld(dao)
    wrong = [(f"{topic}.undone", key, block) for topic, key, block in (standing - due).elements()]
    return [*wrong[::-1], *(due - standing).elements()]


def restart_from(writer: Writer, block_number: int) -> None:
    """Have blocks from here read again (a contract was added that began earlier). Logs that are known stay; the headers
    go, so that reading on compares with nothing that is read again; see `drop_orphans`."""
    with writer.transaction() as cursor:
        if cursor.next_block > block_number:
            Block.objects.filter(dao=writer.dao, number__gte=block_number).delete()
            # Reading on follows the block below: meanwhile the chain may have replaced that one too. It is not kept
            # where it was final long ago, and then nothing can have replaced it.
            below = Block.objects.filter(dao=writer.dao, number=block_number - 1).first()
            cursor.next_block, cursor.head_hash = block_number, below.hash if below else None
            cursor.refusals_next_block = min(cursor.refusals_next_block, block_number)
            cursor.save()


def drop_orphans(dao: Dao, cursor: Cursor, headers: Sequence[Header]) -> list[tuple[str, str, int]]:
    """Drop logs, readings and answers at these heights that other blocks made: left by a reorg while blocks were read
    again. Returns what the outbox is to take back. The caller saves the cursor."""
    if not headers:
        return []
    numbers, hashes = [header.number for header in headers], [header.hash for header in headers]
    within = {"dao": dao, "block_number__range": (min(numbers), max(numbers))}
    # While a past is read for the first time, nothing is there to look through for thousands of hashes.
    answers = ChainAnswer.objects.filter(kind=ChainAnswer.Kind.QUORUM, block_hash__isnull=False, **within)
    if not answers.exists() and not any(
        rows.objects.filter(**within).exists() for rows in (RawLog, ChainReading, OnchainCheck, AskedPower)
    ):
        return []
    orphans = RawLog.objects.filter(dao=dao, block_number__in=numbers).exclude(block_hash__in=hashes)
    heights = set(orphans.values_list("block_number", flat=True))
    readings = ChainReading.objects.filter(dao=dao, block_number__in=numbers)
    readings.exclude(block_hash__in=hashes).delete()
    checks = OnchainCheck.objects.filter(dao=dao, block_number__in=numbers)
    checks = checks.exclude(block_hash__in=hashes)
    if checks.filter(matched=False, subject__endswith=":state").exists():
        cursor.rules_below = Cursor.FROM_THE_NEWEST  # as in `drop_above`
    checks.delete()
    asked_power.drop_others(dao, numbers, hashes)
    gone, _ = answers.filter(block_number__in=numbers).exclude(block_hash__in=hashes).delete()
    if not heights:
        # A quorum, a tally: what was made of it falls too, and the chain is asked again.
        return fold_again(dao, min(numbers)) if gone else []
    RefusedAct.objects.filter(dao=dao, block_number__in=heights).delete()  # read again; `_undone` takes back its news
    clocks = ChainAnswer.objects.filter(dao=dao, kind=ChainAnswer.Kind.CLOCK, block_number__in=heights)
    clocks.exclude(key__in=[hex_text(one) for one in hashes]).delete()
    touched = set(Vote.objects.filter(dao=dao, log__in=orphans).values_list("onchain_proposal_id", flat=True))
    powers = power_now.touched_by(dao, orphans)
    changed_code = orphans.filter(topic0__in=events.CHANGES_CODE).exists()
    orphans.delete()
    power_now.make_again(dao, powers)
    _resolve_findings(dao, first_block__in=heights)
    if changed_code:  # the change that is left may have been told to nobody, and what the governor said be void
        forget_probes(dao, min(heights) - 1)
        cursor.rules_below = Cursor.FROM_THE_NEWEST
    undone = _undone(dao, block_number__in=heights)
    return undone + fold_again(dao, min(heights), touched=touched, undone=undone)


def fold_again(
    dao: Dao, block_number: int, *, touched: Iterable[int] = (), undone: Iterable[_News] = ()
) -> list[_News]:
    """Fold what changes with the order of logs anew, now that logs from about this block on are gone or came to be.
    Returns what the outbox is to tell beside `undone`; `touched` are proposals (by number) whose votes changed."""
    news = refold(dao)
    link_votes(dao, touched)
    count_votes(dao, touched)
    note_gaps(dao)
    return _told_beside(dao, news, undone, block_number)
