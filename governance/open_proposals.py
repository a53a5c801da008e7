# SPDX-License-Identifier: Apache-2.0
"""The proposals that may still change, as queries: columns stand in for `governance.state` where they can."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, When

from governance import unconfirmed
from governance.chain_word import proposals_that_differ, shown_of
from governance.counting import counted_here_from
from governance.models import Contract, Dao, Proposal, TimelockOperation
from governance.state import Now, State, facts_of, is_final, proposal_state, state_of, vote_ends_at


def open_condition(dao: Dao, governor: Contract | None, now: Now) -> Q:
    """Proposals that may still change: undecided ones, and successful ones that wait to be queued or executed.

    `governance.state` as a filter: what it calls final is not among them; where the chain's word differs, that counts,
    and where nothing says what is so, a proposal is among them. So is one that is over by one node's word alone.
    """
    if governor is None:
        return _open_by_columns(dao, governor, now)
    return _open_but(dao, governor, now, proposals_that_differ(dao), _ended_in_doubt(dao, governor, now))


def _open_but(dao: Dao, governor: Contract, now: Now, differing: list[Proposal], ended_in_doubt: list[int]) -> Q:
    """`open_condition`, where what the chain says otherwise and what is over by one node's word alone was read."""
    in_doubt = Q(pk__in=ended_in_doubt)
    if not differing:
        return _open_by_columns(dao, governor, now) | in_doubt
    shown = shown_of(dao, governor, now, differing)
    is_open = Q(pk__in=[pk for pk, seen in shown.items() if seen.is_unsettled or not is_final(seen.state)])
    return is_open | in_doubt | (_open_by_columns(dao, governor, now) & ~Q(pk__in=list(shown)))


def _ended_in_doubt(dao: Dao, governor: Contract, now: Now) -> list[int]:
    """The proposals that may still change without what one node alone shows to have happened to them."""
    happened = unconfirmed.happened_in_doubt(dao, proposal__dao=dao)
    rows = Proposal.objects.filter(pk__in=list(happened)).prefetch_related("operations").defer("description")
    return [
        row.pk
        for row in (rows if happened else ())
        if not is_final(proposal_state(unconfirmed.without_happened(facts_of(row, governor), happened[row.pk]), now))
    ]


def _open_by_columns(dao: Dao, governor: Contract | None, now: Now) -> Q:
    told = governor.capabilities if governor else {}
    if governor is not None and (told.get("family") in ("nouns", "agora") or counted_here_from(told) != 0):
        # A quorum that grows, a share by type, a module's own rule, votes counted in a way that is not known here: no
        # column says how these end.
        undone = Proposal.objects.filter(dao=dao, executed=False, canceled=False).prefetch_related("operations")
        rows = undone.defer("description")
        return Q(pk__in=[row.pk for row in rows if not is_final(state_of(row, now, governor))])
    undecided = Q(deadline__gte=now.timepoint)
    counted = F("for_votes")
    if "abstain" in told.get("quorum_counts", "for,abstain"):
        counted = counted + F("abstain_votes")
    queued = Q(eta_chain_s__gt=0)
    carried = queued | (Q(for_votes__gt=F("against_votes")) & (Q(quorum_votes=None) | Q(quorum_votes__lte=counted)))
    not_queued = Q(eta_chain_s=None) | Q(eta_chain_s__lte=0)
    performed = TimelockOperation.objects.filter(proposal=OuterRef("pk")).filter(Q(executed=True) | Q(canceled=True))
    waiting = not_queued | ~Exists(performed)
    if (grace_s := told.get("grace_period_s")) is not None:
        waiting &= not_queued | Q(eta_chain_s__gt=max(now.timestamp_chain_s - grace_s, 0))
    return Q(executed=False, canceled=False) & (undecided | (carried & waiting))


@dataclass(frozen=True)
class OpenProposals:
    """The numbers (primary keys) of what may still change, in the order of what comes first: `voting` by when it ends,
    `coming` by when its vote opens, `decided` (the vote is over, the next step is not done) by when it can be executed,
    then the newest. Each is a query that was not asked yet, or a list."""

    voting: QuerySet | list[int]
    coming: QuerySet | list[int]
    decided: QuerySet | list[int]

    def page(self, start: int, stop: int) -> list[int]:
        """Return those from `start` to before `stop`, counted through all three."""
        found: list[int] = []
        for numbers in (self.voting, self.coming, self.decided):
            found += numbers[max(0, start) : max(0, stop)]
            count = count_of(numbers)
            start, stop = start - count, stop - count
        return found


def ready_and_waiting(decided: QuerySet | list[int], now: Now) -> tuple[QuerySet | list[int], QuerySet | list[int]]:
    """Part the numbers of `OpenProposals.decided` in two: those whose next step waits for no clock, the newest first,
    and those that a timelock holds until a time that is known, the earliest first."""
    if not isinstance(decided, list):
        waiting = decided.filter(eta_chain_s__gt=now.timestamp_chain_s)
        ready = decided.filter(Q(eta_chain_s=None) | Q(eta_chain_s__lte=now.timestamp_chain_s))
        return ready, waiting
    held = set(
        Proposal.objects.filter(pk__in=decided, eta_chain_s__gt=now.timestamp_chain_s).values_list("pk", flat=True)
    )
    return [number for number in decided if number not in held], [number for number in decided if number in held]


def count_of(numbers: QuerySet | list[int]) -> int:
    """Return how many there are, read or not."""
    return len(numbers) if isinstance(numbers, list) else numbers.count()


def open_proposals(dao: Dao, governor: Contract | None, now: Now) -> OpenProposals:
    """What may still change, in three parts. `governance.state` as queries where columns decide a state."""
    told = governor.capabilities if governor else {}
    by_rules = told.get("family") in ("nouns", "agora") or told.get("super_quorum") or counted_here_from(told) != 0
    if governor is not None:
        differing, in_doubt = proposals_that_differ(dao), _ended_in_doubt(dao, governor, now)
        if by_rules or differing or in_doubt:
            return _open_by_state(dao, governor, now, _open_but(dao, governor, now, differing, in_doubt))
    undone = Proposal.objects.filter(dao=dao, executed=False, canceled=False)
    undecided = undone.filter(deadline__gte=now.timepoint)
    decided = undone.filter(_open_by_columns(dao, governor, now), deadline__lt=now.timepoint)
    executable = Case(When(eta_chain_s__gt=now.timestamp_chain_s, then=F("eta_chain_s")))
    return OpenProposals(
        undecided.filter(snapshot__lt=now.timepoint).order_by("deadline", "id").values_list("pk", flat=True),
        undecided.filter(snapshot__gte=now.timepoint).order_by("snapshot", "id").values_list("pk", flat=True),
        decided.order_by(executable.asc(nulls_last=True), "-created_block", "-id").values_list("pk", flat=True),
    )


def _open_by_state(dao: Dao, governor: Contract, now: Now, is_open: Q) -> OpenProposals:
    """`open_proposals` where a rule of the governor or the chain's word decides: every row that is not over is looked
    at."""
    found = Proposal.objects.filter(is_open, dao=dao).defer("description")
    rows = list(found.prefetch_related("operations"))
    seen = shown_of(dao, governor, now, rows)
    voting, coming, decided = [], [], []
    for proposal in rows:
        facts, state = seen[proposal.pk].facts, seen[proposal.pk].state
        taken = state is State.UNKNOWN and facts.snapshot < now.timepoint <= facts.deadline
        if taken or state in (State.ACTIVE, State.OBJECTION_PERIOD):
            voting.append((vote_ends_at(facts, state), proposal.pk))
        elif state in (State.PENDING, State.UPDATABLE):
            coming.append((proposal.snapshot, proposal.pk))
        else:
            eta_chain_s = proposal.eta_chain_s or 0
            waits_s = eta_chain_s if eta_chain_s > now.timestamp_chain_s else float("inf")
            decided.append((waits_s, -proposal.created_block, -proposal.pk, proposal.pk))
    return OpenProposals(*([entry[-1] for entry in sorted(part)] for part in (voting, coming, decided)))
