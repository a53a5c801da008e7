# SPDX-License-Identifier: Apache-2.0
"""Logs that one node alone shows, with no proof: kept and marked, and counted in no mail and no act until settled. So
are those of a new block that no other node has yet, until one has it.

Settled is such a log where two nodes show it when its block becomes final or later, where receipts prove it, or where
the chain, asked at a later block (by two nodes where several are set: who makes a log up makes its answer up too),
answers what it would not without the log: `proposalVotes()` for votes, `state()` for
what happened to a proposal (that it was created so only where its number is the hash of what it does), the token's
answer for power, the module's for pauses and for where a policy's code lies. Until then its news are
withheld from the outbox. With a single node set, all of the mirror is that node's word, and what it shows is settled.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Q

from governance import incidents, outbox
from governance.chain.address import checksum, to_bytes
from governance.chain.call import call_of
from governance.chain.governor import proposal_hash
from governance.chain.rpc import Disagreement
from governance.counting import counting_at, is_counted_here
from governance.models import (
    Cursor,
    Dao,
    Delegation,
    OnchainCheck,
    PolicyVersion,
    PowerCheckpoint,
    Proposal,
    ProposalTransition,
    RawLog,
    SyncIncident,
    UnconfirmedLog,
    Vote,
    chain_order,
)
from governance.projections import events
from governance.projections.tallies import REDUCED, reductions
from governance.state import ProposalFacts, State, facts_of, governor_of, now_of
from policies.notation.hexadecimal import hex_bytes

_OF_VOTES = "vote.cast"
News = tuple[str, str, int]
Place = tuple[int, int, int]
Doubts = Mapping[bytes, Collection[Any]]
"""What one node alone shows, by block hash: addresses, topics and data (`witness.payload`)."""


def doubts_of(disagreements: Iterable[Disagreement]) -> dict[bytes, set[Any]]:
    """Return what nodes disagreed about and nothing settled."""
    found: dict[bytes, set[Any]] = defaultdict(set)
    for disagreement in disagreements:
        for block_hash, payload in disagreement.logs:
            found[block_hash].add(payload)
    return found


def _doubted(dao: Dao, doubts: Doubts, **where: Any) -> list[RawLog]:
    if not doubts:
        return []
    logs = RawLog.objects.filter(dao=dao, block_hash__in=list(doubts), **where)
    return [
        log for log in logs if (bytes(log.address), log.topics, bytes(log.data)) in doubts[bytes(log.block_hash)]
    ]  # fmt: skip


def _is_told_at_once(entry: News) -> bool:
    """Whether news don't wait, though one node alone shows them: of acts, objections, petitions and pauses. The chain
    can't be asked about them as about votes, and who hears of a payment too late can't object; a correction follows
    where it never was."""
    return entry[0].split(".")[0] in ("act", "petition", "module")


def hold_back(
    dao: Dao,
    doubts: Doubts,
    first_block: int,
    last_block: int,
    news: Iterable[tuple[Place, News]],
    *,
    unseen: Collection[bytes] = (),
    known_below: int = 0,
) -> list[News]:
    """Mark the doubted logs of these blocks, which are stored, and return the news that no such log has to tell. In the
    transaction that stores them. `unseen`: the blocks (by hash) of which another node is to be asked yet; all their
    logs are doubted until it was, but for those that were stored before (up to the log of number `known_below`)."""
    rows = list(news)
    doubted = _doubted(dao, doubts, block_number__range=(first_block, last_block))
    found = {log.pk for log in doubted}
    if unseen:
        within = RawLog.objects.filter(dao=dao, block_number__range=(first_block, last_block))
        doubted += within.filter(block_hash__in=list(unseen), pk__gt=known_below).exclude(pk__in=found)
    if not doubted:
        return [entry for _, entry in rows]
    known = set(UnconfirmedLog.objects.filter(log__in=doubted).values_list("log_id", flat=True))
    held: dict[Place, list[News]] = {
        (log.block_number, log.transaction_index, log.log_index): [] for log in doubted if log.pk not in known
    }
    told = []
    for place, entry in rows:
        if place in held and not _is_told_at_once(entry):
            held[place].append(entry)
        else:
            told.append(entry)
    UnconfirmedLog.objects.bulk_create(
        UnconfirmedLog(
            dao=dao,
            log=log,
            waits=log.pk not in found,
            news=held[(log.block_number, log.transaction_index, log.log_index)],
        )
        for log in doubted
        if log.pk not in known
    )
    return told


def withheld(dao: Dao) -> Counter[News]:
    """Return the news that wait for their log to be confirmed."""
    rows = UnconfirmedLog.objects.filter(dao=dao).values_list("news", flat=True)
    return Counter((topic, key, block) for news in rows for topic, key, block in news)


def correct_news(dao: Dao, news: Iterable[tuple[Place, News]], told: Counter[News], first_block: int) -> None:
    """Set what marked logs from this block on have to tell to what is so now that logs beside them changed: `news` of
    all logs but votes, by place, without what is told already. A vote's own news stay as they are."""
    rows = UnconfirmedLog.objects.filter(dao=dao, log__block_number__gte=first_block).select_related("log")
    by_place: dict[Place, list[News]] | None = None
    for row in rows:
        if by_place is None:
            by_place = defaultdict(list)
            for at, entry in news:
                by_place[at].append(entry)
        place = (row.log.block_number, row.log.transaction_index, row.log.log_index)
        kept = [entry for entry in row.news if entry[0] == _OF_VOTES]
        row_news = kept + [list(entry) for entry in by_place[place] if not told[entry] and not _is_told_at_once(entry)]
        if row_news != row.news:
            row.news = row_news
            row.save(update_fields=["news"])


def note_second_look(dao: Dao, doubts: Doubts, first_block: int, last_block: int) -> None:
    """Keep what came of asking two nodes about all logs of these blocks before they become final: what both show is
    confirmed, and what one alone shows is marked. What was told already stays told."""
    with transaction.atomic():
        Cursor.objects.select_for_update().get(dao=dao)
        doubted = _doubted(dao, doubts, block_number__range=(first_block, last_block))
        marked = UnconfirmedLog.objects.filter(dao=dao, log__block_number__range=(first_block, last_block))
        _confirm(dao, marked.exclude(log__in=doubted))
        known = set(marked.values_list("log_id", flat=True))
        marked.update(waits=False)
        UnconfirmedLog.objects.bulk_create(UnconfirmedLog(dao=dao, log=log) for log in doubted if log.pk not in known)


def settle(dao: Dao, checks: Iterable[str], block_number: int) -> None:
    """Confirm the logs up to this block that the chain's answers there (matching checks, by their subjects) settle."""
    if not UnconfirmedLog.objects.filter(dao=dao).exists():
        return
    with transaction.atomic():
        Cursor.objects.select_for_update().get(dao=dao)
        standing = dict(
            OnchainCheck.objects.filter(dao=dao, subject__in=list(checks), matched=True, block_number=block_number)
            .values_list("subject", "chain_says")
        )  # fmt: skip
        settled: Q = Q(pk__in=[])
        for subject, says in standing.items():
            settled |= _settled_by(dao, subject, says)
        marked = UnconfirmedLog.objects.filter(dao=dao, log__block_number__lte=block_number)
        _confirm(dao, marked.filter(settled))


# What `state()` says only of a proposal to which this happened. That one of this number was created, every answer says;
# with which calls and which text, none does.
_SHOWN_BY_STATE = {
    "queued": {State.QUEUED, State.EXPIRED},
    "executed": {State.EXECUTED},
    "canceled": {State.CANCELED},
    "vetoed": {State.VETOED},
}


def _settled_by(dao: Dao, subject: str, says: str) -> Q:
    """The marked logs without which the chain would have answered otherwise. A vote of no weight, an account's power of
    before its newest, or a moved deadline is none of them: these wait until a second node shows them."""
    match subject.split(":"):
        case ["proposal", number, "votes"]:
            return Q(log__in=_counted_logs(dao, int(number)))
        case ["proposal", number, "state"]:
            kinds = [kind for kind, states in _SHOWN_BY_STATE.items() if says in states]
            happened = ProposalTransition.objects.filter(proposal__dao=dao, proposal__proposal_id=int(number))
            shown = Q(log__in=happened.filter(kind__in=kinds).values("log"))
            return shown | _creation_that_fits(dao, int(number)) | _end_that_shows(dao, int(number), says)
        case ["power", account]:
            address, _, timepoint = account.partition("@")
            rows = PowerCheckpoint.objects.filter(dao=dao, account=to_bytes(address))
            if timepoint:
                rows = rows.filter(timepoint__lte=int(timepoint))
            newest = rows.order_by("-timepoint", *chain_order("log__", newest_first=True)).select_related("log").first()
            if newest is None:
                return Q(pk__in=[])
            # A delegation comes with the power that it moved, in one transaction.
            beside = Delegation.objects.filter(dao=dao, log__transaction_hash=newest.log.transaction_hash)
            return Q(log=newest.log_id) | Q(log__in=beside.values("log"))
        case ["policy", policy_id, "code"]:  # where it lies; an equal version says nothing of what it allows
            versions = PolicyVersion.objects.filter(dao=dao, policy_id=hex_bytes(policy_id)).select_related("log")
            return Q(log__in=[row.log_id for row in versions if checksum(events.pointer_of(row.log)) == says])
        case ["module", address, "paused"]:
            return Q(log__in=_pause_that_shows(dao, to_bytes(address)))
    return Q(pk__in=[])


def _counted_logs(dao: Dao, number: int) -> list[int]:
    """The marked logs that add to a proposal's tally, or take from it. None of them where the tally is the governor's
    own, which says nothing of our logs."""
    told = governor_of(dao).capabilities
    proposal = Proposal.objects.filter(dao=dao, proposal_id=number).only("created_block").first()
    if proposal is None or not is_counted_here(told, proposal.created_block):
        return []
    votes = Vote.objects.filter(proposal=proposal, log__unconfirmed__isnull=False).select_related("log")
    found = [vote.log_id for vote in votes if any(_parts(told, vote))]
    return found + [log.pk for log, of, _, weight in _marked_reductions(dao) if of == number and weight]


def _parts(told: dict[str, Any], vote: Vote) -> tuple[int, int, int]:
    """What a vote adds, as (against, for, abstain). Its log must have been read with it."""
    return counting_at(told, vote.log.block_number).parts(vote.support, vote.weight, bytes(vote.params))


def _marked_reductions(dao: Dao) -> list[tuple[RawLog, int, int, int]]:
    """What marked logs take from votes that were cast before (`tallies.reductions`)."""
    governor = governor_of(dao)
    if "override" not in (governor.capabilities.get("counting_mode") or ""):
        return []
    logs = RawLog.objects.filter(dao=dao, address=governor.address, topic0=REDUCED, unconfirmed__isnull=False)
    return list(reductions(logs))


def _creation_that_fits(dao: Dao, number: int) -> Q:
    """The log that created a proposal, where its calls and its text make the proposal's number: then they are the ones
    that the chain knows by it. Numbers that only count say nothing of them, and wait for a second node or receipts."""
    proposal = Proposal.objects.filter(dao=dao, proposal_id=number).prefetch_related("actions").first()
    if proposal is None:
        return Q(pk__in=[])
    calls = [call_of(row) for row in proposal.actions.all()]
    return Q(log=proposal.log_id) if proposal_hash(calls, proposal.description_bytes) == number else Q(pk__in=[])


def _end_that_shows(dao: Dao, number: int, says: str) -> Q:
    """The log that moved a vote's end last, where the vote is open and would be over by what is confirmed."""
    proposal = Proposal.objects.filter(dao=dao, proposal_id=number).prefetch_related("operations").first()
    if proposal is None or says != State.ACTIVE:
        return Q(pk__in=[])
    moved = [row for row in happened_in_doubt(dao, proposal=proposal.pk).get(proposal.pk, ()) if row.kind in _ENDS]
    governor = governor_of(dao)
    facts = facts_of(proposal, governor)
    if not moved or without_happened(facts, moved).deadline >= now_of(dao, governor).timepoint:
        return Q(pk__in=[])
    return Q(log=moved[-1].log_id) if moved[-1].log_id == _last_mover(proposal) else Q(pk__in=[])


def _last_mover(proposal: Proposal) -> int | None:
    """The number of the log that moved a vote's end last."""
    rows = ProposalTransition.objects.filter(proposal=proposal, kind__in=list(_ENDS))
    return rows.order_by(*chain_order("log__", newest_first=True)).values_list("log_id", flat=True).first()


def _pause_that_shows(dao: Dao, module: bytes) -> list[int]:
    """The number of the module's newest pause or end of one, where it was the other way before."""
    logs = RawLog.objects.filter(dao=dao, address=module, topic0__in=[*events.PAUSED, *events.UNPAUSED])
    last = list(logs.order_by(*chain_order(newest_first=True)).values_list("pk", "topic0")[:2])
    was_paused = [bytes(topic) in events.PAUSED for _, topic in last]
    return [last[0][0]] if last and [*was_paused, False][0] != [*was_paused, False][1] else []


def confirm(dao: Dao, rows: Iterable[UnconfirmedLog]) -> None:
    """Confirm these logs: another node shows them now, or receipts prove them."""
    with transaction.atomic():
        Cursor.objects.select_for_update().get(dao=dao)
        _confirm(dao, UnconfirmedLog.objects.filter(dao=dao, pk__in=[row.pk for row in rows]))


def _confirm(dao: Dao, rows: Any) -> None:
    """Take the marks away and tell what waited for it. In a transaction that holds the DAO's cursor."""
    found = list(rows.select_related("log").order_by(*chain_order("log__")))
    if not found:
        return
    UnconfirmedLog.objects.filter(pk__in=[row.pk for row in found]).delete()
    close(dao, {row.log.block_number for row in found})
    outbox.publish_many(dao, [(topic, key, block) for row in found for topic, key, block in row.news])


def close(dao: Dao, blocks: set[int]) -> None:
    """Take from what is told of nodes that differ the blocks of which nothing is unconfirmed any more."""
    marked = UnconfirmedLog.objects.filter(dao=dao)
    settled = blocks - set(marked.filter(log__block_number__in=blocks).values_list("log__block_number", flat=True))
    for incident in SyncIncident.objects.filter(dao=dao, kind=incidents.Kind.NODES_DIFFER, resolved_at=None):
        before = incident.facts.get("blocks", [])
        left = [number for number in before if number not in settled]
        if left == before:
            continue
        if not left and not marked.exists():  # older blocks than those that are named may wait too
            incidents.resolve(dao, incidents.Kind.NODES_DIFFER, pk=incident.pk)
        else:
            incident.facts = {**incident.facts, "blocks": left}
            incident.save(update_fields=["facts"])


# --- what counts it, and what does not


def is_pause_in_doubt(dao: Dao, module: bytes) -> bool:
    """Return whether one node alone shows the module's newest pause, or the chain, asked since, says otherwise: what
    stops the agent must not be taken for done."""
    logs = RawLog.objects.filter(dao=dao, address=module, topic0__in=[*events.PAUSED, *events.UNPAUSED])
    newest = logs.order_by(*chain_order(newest_first=True)).select_related("unconfirmed").first()
    if newest is not None and hasattr(newest, "unconfirmed"):
        return True
    since = -1 if newest is None else newest.block_number
    subject = f"module:{checksum(module)}:paused"
    return OnchainCheck.objects.filter(dao=dao, subject=subject, matched=False, block_number__gte=since).exists()


_MOST_IN_DOUBT = 50


def accounts_in_doubt(dao: Dao) -> list[bytes]:
    """Return the accounts whose power such a log changed, newest first: the token is to be asked about them."""
    return list(dict.fromkeys(account for account, _ in power_in_doubt(dao)))


def power_in_doubt(dao: Dao) -> list[tuple[bytes, int]]:
    """Return whose power such a log changed and when, in the token's clock; the newest of them."""
    rows = PowerCheckpoint.objects.filter(dao=dao, log__unconfirmed__isnull=False).order_by("-timepoint", "-log_id")
    return [(bytes(account), moment) for account, moment in rows.values_list("account", "timepoint")[:_MOST_IN_DOUBT]]


def is_power_in_doubt(dao: Dao) -> bool:
    """Return whether one node alone shows a change of anybody's power."""
    return PowerCheckpoint.objects.filter(log__in=UnconfirmedLog.objects.filter(dao=dao).values("log")).exists()


def whose_power(dao: Dao, accounts: Collection[bytes]) -> set[bytes]:
    """Return those of these accounts whose power now one node alone shows."""
    marked = UnconfirmedLog.objects.filter(dao=dao).values("log")
    rows = PowerCheckpoint.objects.filter(log__in=marked, account__in=list(accounts))
    logs = {row["log"]: bytes(row["account"]) for row in rows.values("log", "account")}
    found = set()
    for account in set(logs.values()):
        newest = PowerCheckpoint.objects.filter(dao=dao, account=account)
        last = newest.order_by("-timepoint", *chain_order("log__", newest_first=True)).values_list("log", flat=True)[:1]
        found |= {account for log in last if log in logs}
    return found


@dataclass(frozen=True)
class OfProposals:
    """What one node alone shows of proposals, by their rows' numbers: their votes, what was taken from votes (as
    support and base units of the votes token), that they were created, and what happened to them since."""

    votes: Mapping[int, Sequence[Vote]]
    reduced: Mapping[int, Sequence[tuple[int, int]]]
    created: Collection[int]
    happened: Mapping[int, Sequence[ProposalTransition]]


def of_proposals(dao: Dao, proposals: Iterable[Proposal]) -> OfProposals:
    """Return what of these proposals is unconfirmed. One query where nothing of the DAO is."""
    if not UnconfirmedLog.objects.filter(dao=dao).exists():
        return OfProposals({}, {}, (), {})
    pks = {proposal.proposal_id: proposal.pk for proposal in proposals}
    votes: dict[int, list[Vote]] = defaultdict(list)
    for vote in Vote.objects.filter(proposal__in=pks.values(), log__unconfirmed__isnull=False).select_related("log"):
        assert vote.proposal_id is not None
        votes[vote.proposal_id].append(vote)
    reduced: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for _, number, support, weight in _marked_reductions(dao):
        if number in pks:
            reduced[pks[number]].append((support, weight))
    created = Proposal.objects.filter(pk__in=pks.values(), log__unconfirmed__isnull=False)
    happened = happened_in_doubt(dao, proposal__in=pks.values())
    return OfProposals(dict(votes), dict(reduced), set(created.values_list("pk", flat=True)), happened)


def happened_in_doubt(dao: Dao, **which: Any) -> dict[int, list[ProposalTransition]]:
    """Return what one node alone shows to have happened to proposals (by their rows' numbers) after they were
    created."""
    marked = UnconfirmedLog.objects.filter(dao=dao).values("log")
    rows = ProposalTransition.objects.filter(log__in=marked, **which).exclude(kind=_CREATED).select_related("log")
    found: dict[int, list[ProposalTransition]] = defaultdict(list)
    for row in rows.order_by(*chain_order("log__")):
        found[row.proposal_id].append(row)
    return dict(found)


def without_happened(facts: ProposalFacts, happened: Sequence[ProposalTransition]) -> ProposalFacts:
    """Return a proposal's facts without what one node alone shows to have happened to it. What such a log wrote anew
    (its text, its calls, its type) stays: what it was before is in no row."""
    kinds = {row.kind for row in happened}
    if not kinds:
        return facts
    marked = {row.pk for row in happened}
    rows = ProposalTransition.objects.filter(proposal=happened[0].proposal_id).exclude(pk__in=marked)
    confirmed = list(rows.select_related("log").order_by(*chain_order("log__")))
    stands = {row.kind for row in confirmed}
    if "executed" in kinds:
        facts = replace(facts, executed="executed" in stands)
    if kinds & {"canceled", "vetoed"}:
        facts = replace(facts, canceled=bool(stands & {"canceled", "vetoed"}), vetoed="vetoed" in stands)
    if "queued" in kinds:
        eta_chain_s = _last_told(confirmed, {"queued": ("eta",)}) or 0
        facts = replace(facts, eta_chain_s=eta_chain_s, operation=facts.operation if eta_chain_s else None)
    if kinds & _ENDS.keys():
        facts = replace(facts, deadline=_last_told(confirmed, _ENDS) or facts.deadline)
    if "objectionable" in kinds:
        facts = replace(facts, objection_until=_last_told(confirmed, {"objectionable": ("objectionPeriodEndBlock",)}))
    return facts


_CREATED = "created"
# What says when a vote ends, by the kind of what happened: the names that it has in events.
_ENDS = {_CREATED: ("voteEnd",), "extended": ("extendedDeadline",), "rescheduled": ("deadline",)}


def _last_told(rows: Iterable[ProposalTransition], names: Mapping[str, tuple[str, ...]]) -> int | None:
    """What the last of these logs (in chain order) says that has one of the names of its kind."""
    found: int | None = None
    for row in rows:
        if (wanted := names.get(row.kind)) is None:
            continue
        event = events.decode(events.Kind.GOVERNOR, row.log)
        told = () if event is None else [event.args[name] for name in wanted if name in event.args]
        for timepoint in told:
            found = int(timepoint)
    return found


def without(
    dao: Dao, facts: ProposalFacts, votes: Iterable[Vote], reduced: Iterable[tuple[int, int]] = ()
) -> ProposalFacts:
    """Return the facts without these votes, and with what was taken from others."""
    told = governor_of(dao).capabilities
    sums = [facts.against_votes, facts.for_votes, facts.abstain_votes]
    for support, weight in reduced:
        if support < len(sums):
            sums[support] += weight
    for vote in votes:
        for place, part in enumerate(_parts(told, vote)):
            sums[place] = max(0, sums[place] - part)
    return replace(facts, against_votes=sums[0], for_votes=sums[1], abstain_votes=sums[2])
