# SPDX-License-Identifier: Apache-2.0
"""A proposal's state as one pure function of what is known and when: OpenZeppelin Governor v5, and Compound's Bravo.

Held against the chain's own `state()` by governance.reconcile. Follows Governor.state (v5), then what its timelock
modules override: GovernorTimelockControl (an operation run or cancelled in the timelock itself decides, with no event
of the governor), GovernorTimelockCompound (Expired after the ETA and the grace period).
"""

from dataclasses import dataclass
from enum import StrEnum

from governance.models import Contract, Cursor, Dao, Proposal


class State(StrEnum):
    """IGovernor.ProposalState, by name. `UNKNOWN`: the quorum decides and the chain could not be asked for it."""

    PENDING = "Pending"
    ACTIVE = "Active"
    CANCELED = "Canceled"
    DEFEATED = "Defeated"
    SUCCEEDED = "Succeeded"
    QUEUED = "Queued"
    EXPIRED = "Expired"
    EXECUTED = "Executed"
    UNKNOWN = "Unknown"


# The numbers that `state()` answers, in the order of IGovernor.ProposalState.
ONCHAIN_STATES = (
    State.PENDING, State.ACTIVE, State.CANCELED, State.DEFEATED,
    State.SUCCEEDED, State.QUEUED, State.EXPIRED, State.EXECUTED,
)  # fmt: skip


class Operation(StrEnum):
    """What the timelock says of the operation that queueing the proposal made."""

    PENDING = "pending"
    DONE = "done"
    CANCELED = "canceled"


@dataclass(frozen=True)
class Now:
    """When: the governor's clock (`timepoint`, blocks or seconds) and the block's time."""

    timepoint: int
    timestamp_chain_s: int


@dataclass(frozen=True)
class ProposalFacts:
    """All that decides a proposal's state. Timepoints are the governor's clock, votes base units of the votes token.

    `quorum_counts_abstain`: COUNTING_MODE says `quorum=for,abstain` (OpenZeppelin's) or `for` alone (Bravo's).
    `grace_period_s`: after ETA and this, a queued proposal is expired; None where the timelock knows no expiry.
    `super_quorum`: GovernorSuperQuorum, where `super_quorum_votes` for votes end a vote early (None: not known yet).
    `operation`: None where the governor has no TimelockController, or its operation was never seen.
    """

    snapshot: int
    deadline: int
    for_votes: int
    against_votes: int
    abstain_votes: int
    quorum_votes: int | None
    eta_chain_s: int = 0
    executed: bool = False
    canceled: bool = False
    operation: Operation | None = None
    quorum_counts_abstain: bool = True
    grace_period_s: int | None = None
    super_quorum: bool = False
    super_quorum_votes: int | None = None


def proposal_state(facts: ProposalFacts, now: Now) -> State:
    """The state at `now`, equal to the governor's `state()` for the same facts."""
    if facts.executed:
        return State.EXECUTED
    if facts.canceled:
        return State.CANCELED
    if facts.snapshot >= now.timepoint:
        return State.PENDING
    if facts.deadline >= now.timepoint:
        return _early(facts) if facts.super_quorum else State.ACTIVE
    if not facts.eta_chain_s:
        return _counted(facts)
    # Queued once: it had succeeded, and votes after the deadline are impossible.
    if facts.operation is Operation.DONE:
        return State.EXECUTED
    if facts.operation is Operation.CANCELED:
        return State.CANCELED
    if facts.grace_period_s is not None and now.timestamp_chain_s >= facts.eta_chain_s + facts.grace_period_s:
        return State.EXPIRED
    return State.QUEUED


def _early(facts: ProposalFacts) -> State:
    """While votes are taken. The timelock's word counts only after the deadline: GovernorSuperQuorum doesn't ask it."""
    if facts.for_votes <= facts.against_votes:
        return State.ACTIVE
    if facts.super_quorum_votes is None:
        return State.UNKNOWN
    if facts.for_votes < facts.super_quorum_votes:
        return State.ACTIVE
    return State.QUEUED if facts.eta_chain_s else State.SUCCEEDED


def _counted(facts: ProposalFacts) -> State:
    if facts.for_votes <= facts.against_votes:
        return State.DEFEATED
    if facts.quorum_votes is None:
        return State.UNKNOWN
    counted = facts.for_votes + (facts.abstain_votes if facts.quorum_counts_abstain else 0)
    return State.SUCCEEDED if counted >= facts.quorum_votes else State.DEFEATED


def is_final(state: State) -> bool:
    """Whether time and votes can't change the state any more."""
    return state in (State.CANCELED, State.DEFEATED, State.EXPIRED, State.EXECUTED)


# --- from the database's rows


def governor_of(dao: Dao) -> Contract:
    """The DAO's governor."""
    return dao.contracts.get(kind=Contract.Kind.GOVERNOR)


def now_of(dao: Dao, governor: Contract | None = None) -> Now:
    """The moment of the last block that the mirror has read, in the governor's own clock."""
    governor = governor or governor_of(dao)
    cursor = Cursor.objects.get(dao=dao)
    return now_at(governor, cursor.next_block - 1, cursor.head_timestamp_chain_s)


def now_at(governor: Contract, block_number: int, timestamp_chain_s: int) -> Now:
    """The moment of a block in the governor's clock (ERC-6372; block numbers where it has none)."""
    by_time = governor.capabilities.get("clock") == "timestamp"
    return Now(timestamp_chain_s if by_time else block_number, timestamp_chain_s)


def facts_of(proposal: Proposal, governor: Contract | None = None) -> ProposalFacts:
    """What the mirror knows of a proposal. One query for its operation; `prefetch_related("operations")` spares it."""
    governor = governor or governor_of(proposal.dao)
    operation = None
    for row in sorted(proposal.operations.all(), key=lambda row: row.pk):
        operation = Operation.DONE if row.executed else Operation.CANCELED if row.canceled else Operation.PENDING
    return ProposalFacts(
        snapshot=proposal.snapshot,
        deadline=proposal.deadline,
        for_votes=proposal.for_votes,
        against_votes=proposal.against_votes,
        abstain_votes=proposal.abstain_votes,
        quorum_votes=proposal.quorum_votes,
        eta_chain_s=proposal.eta_chain_s or 0,
        executed=proposal.executed,
        canceled=proposal.canceled,
        operation=operation,
        quorum_counts_abstain="abstain" in governor.capabilities.get("quorum_counts", "for,abstain"),
        grace_period_s=governor.capabilities.get("grace_period_s"),
        super_quorum=bool(governor.capabilities.get("super_quorum")),
        super_quorum_votes=_whole(proposal.extra.get("super_quorum_votes")),
    )


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def state_of(proposal: Proposal, now: Now | None = None, governor: Contract | None = None) -> State:
    """The proposal's state at `now`, or at the last block read. Pass both for a list: then nothing else is asked."""
    governor = governor or governor_of(proposal.dao)
    return proposal_state(facts_of(proposal, governor), now or now_of(proposal.dao, governor))
