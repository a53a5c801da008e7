# SPDX-License-Identifier: Apache-2.0
"""Logs that one node alone shows, with no proof: kept and marked, and counted in no mail and no act until settled.

Settled is such a log where two nodes show it when its block becomes final, or where the chain, asked at a later block,
answers what the mirror has with it: `proposalVotes()` for votes, `state()` for what happened to a proposal, the token's
answer for power, the module's for policies. Until then its news are withheld from the outbox.
"""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import transaction
from django.db.models import Q

from governance import outbox
from governance.chain.address import to_bytes
from governance.chain.rpc import Disagreement
from governance.counting import counting_at, counting_of
from governance.models import (
    Cursor,
    Dao,
    OnchainCheck,
    PolicyVersion,
    PowerCheckpoint,
    Proposal,
    ProposalTransition,
    RawLog,
    UnconfirmedLog,
    Vote,
)
from governance.state import ProposalFacts, governor_of
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
    dao: Dao, doubts: Doubts, first_block: int, last_block: int, news: Iterable[tuple[Place, News]]
) -> list[News]:
    """Mark the doubted logs of these blocks, which are stored, and return the news that no such log has to tell. In the
    transaction that stores them."""
    rows = list(news)
    doubted = _doubted(dao, doubts, block_number__range=(first_block, last_block))
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
        UnconfirmedLog(dao=dao, log=log, news=held[(log.block_number, log.transaction_index, log.log_index)])
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
        UnconfirmedLog.objects.bulk_create(UnconfirmedLog(dao=dao, log=log) for log in doubted if log.pk not in known)


def settle(dao: Dao, checks: Iterable[str], block_number: int) -> None:
    """Confirm the logs up to this block that the chain's answers there (matching checks, by their subjects) settle."""
    if not UnconfirmedLog.objects.filter(dao=dao).exists():
        return
    with transaction.atomic():
        Cursor.objects.select_for_update().get(dao=dao)
        standing = set(
            OnchainCheck.objects.filter(dao=dao, subject__in=list(checks), matched=True, block_number=block_number)
            .values_list("subject", flat=True)
        )  # fmt: skip
        settled: Q = Q(pk__in=[])
        for subject in standing:
            settled |= _settled_by(dao, subject)
        marked = UnconfirmedLog.objects.filter(dao=dao, log__block_number__lte=block_number)
        _confirm(dao, marked.filter(settled))


def _settled_by(dao: Dao, subject: str) -> Q:
    match subject.split(":"):
        case ["proposal", number, "votes"]:
            if not counting_of(governor_of(dao).capabilities).is_known:
                return Q(pk__in=[])  # the mirror's tally is the governor's own answer: it says nothing of our logs
            votes = Vote.objects.filter(dao=dao, onchain_proposal_id=int(number))
            return Q(log__in=votes.filter(log__unconfirmed__isnull=False).values("log"))
        case ["proposal", number, "state"]:
            return Q(
                log__in=ProposalTransition.objects.filter(proposal__dao=dao, proposal__proposal_id=int(number)).values(
                    "log"
                )
            )
        case ["power", account] if "@" not in account:
            rows = PowerCheckpoint.objects.filter(dao=dao, account=to_bytes(account), log__unconfirmed__isnull=False)
            # A delegation comes with the power that it moved, in one transaction.
            return Q(log__transaction_hash__in=rows.values("log__transaction_hash"))
        case ["policy", policy_id, "version"]:
            return Q(log__in=PolicyVersion.objects.filter(dao=dao, policy_id=hex_bytes(policy_id)).values("log"))
    return Q(pk__in=[])


def _confirm(dao: Dao, rows: Any) -> None:
    """Take the marks away and tell what waited for it. In a transaction that holds the DAO's cursor."""
    found = list(rows.select_related("log").order_by("log__block_number", "log__transaction_index", "log__log_index"))
    UnconfirmedLog.objects.filter(pk__in=[row.pk for row in found]).delete()
    outbox.publish_many(dao, [(topic, key, block) for row in found for topic, key, block in row.news])


# --- what counts it, and what does not


def accounts_in_doubt(dao: Dao) -> list[bytes]:
    """Return the accounts whose power such a log changed: the token is to be asked about them."""
    rows = PowerCheckpoint.objects.filter(dao=dao, log__unconfirmed__isnull=False)
    return [bytes(account) for account in rows.values_list("account", flat=True).distinct()]


@dataclass(frozen=True)
class OfProposals:
    """What of proposals one node alone shows: their votes and that they were created, by their rows' numbers."""

    votes: Mapping[int, Sequence[Vote]]
    created: Collection[int]


def of_proposals(dao: Dao, proposals: Iterable[Proposal]) -> OfProposals:
    """Return what of these proposals is unconfirmed. One query where nothing of the DAO is."""
    if not UnconfirmedLog.objects.filter(dao=dao).exists():
        return OfProposals({}, ())
    pks = [proposal.pk for proposal in proposals]
    votes: dict[int, list[Vote]] = defaultdict(list)
    for vote in Vote.objects.filter(proposal__in=pks, log__unconfirmed__isnull=False).select_related("log"):
        assert vote.proposal_id is not None
        votes[vote.proposal_id].append(vote)
    created = Proposal.objects.filter(pk__in=pks, log__unconfirmed__isnull=False)
    return OfProposals(dict(votes), set(created.values_list("pk", flat=True)))


def without(dao: Dao, facts: ProposalFacts, votes: Iterable[Vote]) -> ProposalFacts:
    """Return the facts without these votes."""
    told = governor_of(dao).capabilities
    sums = [facts.against_votes, facts.for_votes, facts.abstain_votes]
    for vote in votes:
        counting = counting_at(told, vote.log.block_number)
        for place, part in enumerate(counting.parts(vote.support, vote.weight, bytes(vote.params))):
            sums[place] = max(0, sums[place] - part)
    return replace(facts, against_votes=sums[0], for_votes=sums[1], abstain_votes=sums[2])
