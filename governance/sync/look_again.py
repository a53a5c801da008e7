# SPDX-License-Identifier: Apache-2.0
"""Logs that one node alone showed are asked for again while their mark stands, however old their blocks are.

Before a block becomes final all of it is looked at once more (`finality.confirm`). That look settles nothing where the
other node was down or distrusted just then, still lacked the log, or where blocks that were final already are read. So
each step asks about a few of the marked logs again, and about those of new blocks that no other node had yet: what two
nodes show, or what receipts that rebuild the receipts root have, is confirmed; what those receipts have not is dropped;
the rest stays marked. Where a single node is set, its own word is all there is: what it shows once its block is final
is confirmed, and pages say that one node was asked.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

from django.db.models import F, Q
from django.utils import timezone

from governance import unconfirmed
from governance.chain.rpc import Header, Log, Rpc, RpcError
from governance.models import Contract, RawLog, SyncIncident, UnconfirmedLog
from governance.sync import fetch, reorg, witness
from governance.sync.by_hash import Asked
from governance.sync.fence import Writer

_MOST_BLOCKS = 8  # in one step
_MOST_NODES = 3
_AGAIN_S = 60  # before the same log is asked for again


def look_again(
    writer: Writer, rpc: Rpc, contracts: Sequence[Contract], final_block: int, *, is_alone: bool = False
) -> SyncIncident | None:
    """Ask again about the marked logs of some final blocks, those first that were not asked about for longest, and of
    the oldest blocks of which another node is to be asked yet. Returns the incident that names what was dropped, if
    anything was. A node that fails is left out; nothing is raised for it. `is_alone`: all other nodes have failed for
    long, or are distrusted: what only waits for one is not held back any more.
    """
    if is_alone:
        unconfirmed.confirm(writer.dao, UnconfirmedLog.objects.filter(dao=writer.dao, waits=True))
    rows = _due(writer, final_block)
    if not rows:
        return None
    views = [rpc] if rpc.is_single else [rpc.answerer(), *rpc.others()][:_MOST_NODES]
    marked = {row.log_id for row in rows}
    # All of a block's logs: how a node numbers one of them shows by those beside it.
    stored: dict[int, list[RawLog]] = {}
    for log in RawLog.objects.filter(dao=writer.dao, block_number__in={row.log.block_number for row in rows}):
        stored.setdefault(log.block_number, []).append(log)
    shown = [answer for view in views if (answer := _shown_by(view, contracts, stored)) is not None]
    if len(shown) < min(2, len(views)) or (len(views) == 1 and not rpc.is_single):
        return None  # asked again when another node answers
    right: set[int] = set()
    wrong: list[RawLog] = []
    for number, logs in stored.items():
        confirmed, refuted = _settled(number, logs, marked, shown, contracts, is_single=rpc.is_single)
        right |= confirmed
        wrong += refuted
    # What a second node has not yet is asked about in the next step again.
    had = {number for number in stored if sum(number in logs for _, _, logs in shown) > 1}
    asked = [row.pk for row in rows if row.log.block_number in had or not row.waits]
    UnconfirmedLog.objects.filter(pk__in=asked).update(asked_at=timezone.now(), waits=False)
    unconfirmed.confirm(writer.dao, [row for row in rows if row.log_id in right])
    return reorg.drop_refuted(writer, wrong) if wrong else None


def _due(writer: Writer, final_block: int) -> list[UnconfirmedLog]:
    """The marked logs to ask about: all that are due of a few blocks."""
    marked = UnconfirmedLog.objects.filter(dao=writer.dao, log__block_number__lte=final_block)
    due = marked.filter(Q(asked_at=None) | Q(asked_at__lt=timezone.now() - timedelta(seconds=_AGAIN_S)))
    oldest = due.order_by(F("asked_at").asc(nulls_first=True), "pk").values_list("log__block_number", flat=True)
    numbers = list(dict.fromkeys(oldest[: 20 * _MOST_BLOCKS]))[:_MOST_BLOCKS]
    waiting = UnconfirmedLog.objects.filter(dao=writer.dao, waits=True)
    first = waiting.order_by("log__block_number").values_list("log__block_number", flat=True).distinct()[:_MOST_BLOCKS]
    found = Q(pk__in=due.filter(log__block_number__in=numbers).values("pk"))
    found |= Q(pk__in=waiting.filter(log__block_number__in=list(first)).values("pk"))
    return list(UnconfirmedLog.objects.filter(found).select_related("log").order_by("log_id"))


_Shown = tuple[Rpc, dict[int, Header], dict[int, list[Log]]]


def _shown_by(view: Rpc, contracts: Sequence[Contract], stored: dict[int, list[RawLog]]) -> _Shown | None:
    """What an endpoint has of these blocks: headers and logs by number, of those whose hash is ours. None where it
    fails."""
    try:
        headers = {
            header.number: header
            for header in view.blocks(sorted(stored))
            if header is not None and header.hash == bytes(stored[header.number][0].block_hash)
        }
        asked = [Asked(header, fetch.filters(contracts, number)) for number, header in headers.items()]
        answers = witness.ask_blocks(view, [a for a in asked if a.questions])
    except RpcError:
        return None
    return view, headers, {n: answers[h.hash][1] for n, h in headers.items() if h.hash in answers}


def _settled(
    number: int,
    stored: list[RawLog],
    marked: set[int],
    shown: Sequence[_Shown],
    contracts: Sequence[Contract],
    *,
    is_single: bool,
) -> tuple[set[int], list[RawLog]]:
    """Return which of a block's marked logs are confirmed, by their numbers, and which are refuted."""
    holders = [(view, headers[number], logs[number]) for view, headers, logs in shown if number in logs]
    counted = Counter(
        found for _, _, logs in holders for found in {witness.content(log) for log in witness.numbered_as(stored, logs)}
    )
    needed = 1 if is_single else 2
    asked_about = [log for log in stored if log.pk in marked]
    right = {log.pk for log in asked_about if counted[witness.content(log)] >= needed}
    left = [log for log in asked_about if log.pk not in right]
    if not left or len(holders) < needed:
        return right, []
    header = witness.with_root(holders[0][1], [header.receipts_root for _, header, _ in holders])
    asked = Asked(header, fetch.filters(contracts, number))
    proof = witness.proven_logs(asked, [view for view, _, _ in holders])
    if proof is None:
        return right, []
    true = {witness.content(log) for log in witness.numbered_as(stored, proof.logs)}
    right |= {log.pk for log in left if witness.content(log) in true}
    return right, [log for log in left if log.pk not in right and proof.covers(log)]
