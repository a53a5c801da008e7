# SPDX-License-Identifier: Apache-2.0
"""A proposal's state as one pure function of what is known and when: OpenZeppelin's governors, Compound's two, Nouns'
and Agora's.

Held against the chain's own `state()` by governance.reconcile. Follows Governor.state (v5), then what its timelock
modules override: GovernorTimelockControl (an operation run or cancelled in the timelock itself decides, with no event
of the governor), GovernorTimelockCompound (Expired after the ETA and the grace period). GovernorAlpha and
GovernorBravoDelegate decide alike; Nouns adds a veto, a quorum that grows with the votes against, and in its later
versions two periods of its own; Optimism's governor counts votes against for the quorum and asks a share in favour.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from governance.clocks import Source, source_of
from governance.counting import is_counted_here
from governance.models import Contract, Cursor, Dao, Proposal


class State(StrEnum):
    """IGovernor.ProposalState, by name, and Nouns' three more. `UNKNOWN`: what decides (a quorum, a voting module's own
    rule) is the chain's to say, and it could not be asked yet."""

    PENDING = "Pending"
    ACTIVE = "Active"
    CANCELED = "Canceled"
    DEFEATED = "Defeated"
    SUCCEEDED = "Succeeded"
    QUEUED = "Queued"
    EXPIRED = "Expired"
    EXECUTED = "Executed"
    VETOED = "Vetoed"
    OBJECTION_PERIOD = "ObjectionPeriod"  # after a late turn in favour: only votes against are taken
    UPDATABLE = "Updatable"  # before the vote, while its proposer may write it anew
    UNKNOWN = "Unknown"


# The numbers that `state()` answers, in the order of IGovernor.ProposalState; Nouns goes on from there.
ONCHAIN_STATES = (
    State.PENDING, State.ACTIVE, State.CANCELED, State.DEFEATED,
    State.SUCCEEDED, State.QUEUED, State.EXPIRED, State.EXECUTED,
    State.VETOED, State.OBJECTION_PERIOD, State.UPDATABLE,
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
class DynamicQuorum:
    """Nouns' quorum: a share of the supply at creation (in basis points) that grows with the share against, by a
    coefficient in millionths, up to a most."""

    supply: int
    least_bps: int
    most_bps: int
    coefficient: int

    def votes(self, against_votes: int) -> int:
        """The votes in favour that are needed against so many. Follows NounsDAOLogicV2.dynamicQuorumVotes."""
        grown_bps = self.least_bps + self.coefficient * (10_000 * against_votes // self.supply) // 1_000_000
        return self.supply * min(self.most_bps, grown_bps) // 10_000


@dataclass(frozen=True)
class ProposalFacts:
    """All that decides a proposal's state. Timepoints are the governor's clock, votes base units of the votes token.

    `quorum_counts_abstain`: COUNTING_MODE says `quorum=for,abstain` (OpenZeppelin's) or `for` alone (Bravo's);
    `quorum_counts_against`: `against,for,abstain` (Optimism's).
    `dynamic_quorum`: Nouns'; it decides in place of `quorum_votes`.
    `by_type`: Agora's, where `approval_threshold_bps` of the votes for and against must be in favour (None: not known
    yet), in place of more for than against. `module_state`: a voting module decides: what state() said after the vote.
    `grace_period_s`: after ETA and this, a queued proposal is expired; None where the timelock knows no expiry.
    `super_quorum`: GovernorSuperQuorum, where `super_quorum_votes` for votes end a vote early (None: not known yet).
    `operation`: None where the governor has no TimelockController, or its operation was never seen.
    `counted_by_governor`: its way to count is not known here, or was not since the proposal was created, so the votes
    are its own `proposalVotes()` as of `tally_block` (None: it was not asked yet, and the votes are sums by support
    that may be wrong).
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
    vetoed: bool = False
    updatable_until: int | None = None
    objection_until: int | None = None
    dynamic_quorum: DynamicQuorum | None = None
    quorum_counts_against: bool = False
    by_type: bool = False
    approval_threshold_bps: int | None = None
    by_module: bool = False
    module_state: State | None = None
    counted_by_governor: bool = False
    tally_block: int | None = None


def proposal_state(facts: ProposalFacts, now: Now) -> State:
    """The state at `now`, equal to the governor's `state()` for the same facts."""
    if facts.executed:
        return State.EXECUTED
    if facts.vetoed:
        return State.VETOED
    if facts.canceled:
        return State.CANCELED
    if facts.updatable_until is not None and facts.updatable_until >= now.timepoint:
        return State.UPDATABLE
    if facts.snapshot >= now.timepoint:
        return State.PENDING
    if facts.deadline >= now.timepoint:
        return _early(facts) if facts.super_quorum else State.ACTIVE
    if facts.objection_until is not None and facts.objection_until >= now.timepoint:
        return State.OBJECTION_PERIOD
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
    if facts.counted_by_governor and facts.tally_block is None:
        return State.UNKNOWN
    if facts.for_votes <= facts.against_votes:
        return State.ACTIVE
    if facts.super_quorum_votes is None:
        return State.UNKNOWN
    if facts.for_votes < facts.super_quorum_votes:
        return State.ACTIVE
    return State.QUEUED if facts.eta_chain_s else State.SUCCEEDED


def _counted(facts: ProposalFacts) -> State:
    if facts.by_module:
        return facts.module_state or State.UNKNOWN
    if facts.counted_by_governor and facts.tally_block is None:
        return State.UNKNOWN
    quorum_votes = quorum_of(facts)
    if facts.by_type:
        if facts.approval_threshold_bps is None:
            return State.UNKNOWN
        if not _approved(facts):
            return State.DEFEATED
    elif facts.for_votes <= facts.against_votes:
        return State.DEFEATED
    if quorum_votes is None:
        return State.UNKNOWN
    return State.SUCCEEDED if counted_votes(facts) >= quorum_votes else State.DEFEATED


def _approved(facts: ProposalFacts) -> bool:
    """Follows OptimismGovernor._voteSucceeded: no threshold is always met, and where nobody voted no other is."""
    assert facts.approval_threshold_bps is not None
    total = facts.for_votes + facts.against_votes
    if facts.approval_threshold_bps == 0:
        return True
    return total > 0 and facts.for_votes * 10_000 // total >= facts.approval_threshold_bps


def counted_votes(facts: ProposalFacts) -> int:
    """The votes that count towards the quorum, base units of the votes token."""
    counted = facts.for_votes + (facts.abstain_votes if facts.quorum_counts_abstain else 0)
    return counted + (facts.against_votes if facts.quorum_counts_against else 0)


def quorum_of(facts: ProposalFacts) -> int | None:
    """The votes that the quorum asks for now, base units of the votes token; None where the chain has not told."""
    dynamic = facts.dynamic_quorum
    return facts.quorum_votes if dynamic is None else dynamic.votes(facts.against_votes)


def vote_ends_at(facts: ProposalFacts, state: State) -> int:
    """Return the last timepoint of the governor's clock at which votes are taken, as things are now."""
    late = facts.objection_until if state is State.OBJECTION_PERIOD else None
    return facts.deadline if late is None else late


def is_final(state: State) -> bool:
    """Whether time and votes can't change the state any more."""
    return state in (State.CANCELED, State.DEFEATED, State.EXPIRED, State.EXECUTED, State.VETOED)


# --- from the database's rows


def governor_of(dao: Dao) -> Contract:
    """The DAO's governor."""
    return dao.contracts.get(kind=Contract.Kind.GOVERNOR)


def now_of(dao: Dao, governor: Contract | None = None) -> Now:
    """The moment of the last block that the mirror has read, in the governor's own clock."""
    governor = governor or governor_of(dao)
    cursor = Cursor.objects.get(dao=dao)
    return now_at(governor, cursor.next_block - 1, cursor.head_timestamp_chain_s, cursor.head_l1_block)


def now_at(governor: Contract, block_number: int, timestamp_chain_s: int, l1_block: int | None) -> Now:
    """The moment of a block in the governor's clock (ERC-6372; block numbers where it has none). `l1_block`: the chain
    below's, where the governor counts its blocks; None before any block was read."""
    match source_of(governor.capabilities):
        case Source.TIME:
            return Now(timestamp_chain_s, timestamp_chain_s)
        case Source.HEIGHT:
            return Now(block_number, timestamp_chain_s)
    return Now(l1_block or 0, timestamp_chain_s)


def facts_of(proposal: Proposal, governor: Contract | None = None) -> ProposalFacts:
    """What the mirror knows of a proposal. One query for its operation; `prefetch_related("operations")` spares it."""
    governor = governor or governor_of(proposal.dao)
    told, extra = governor.capabilities, proposal.extra
    module_state = _whole(extra.get("module_state"))
    operation = None
    for row in sorted(proposal.operations.all(), key=lambda row: row.pk):
        operation = Operation.DONE if row.executed else Operation.CANCELED if row.canceled else Operation.PENDING
    by_governor = not is_counted_here(told, proposal.created_block)
    tally_block = _whole(extra.get("tally_block")) if by_governor else None
    against, in_favour, abstain = proposal.against_votes, proposal.for_votes, proposal.abstain_votes
    if tally_block is not None:
        against, in_favour, abstain = (int(extra[f"tally_{name}"]) for name in ("against", "for", "abstain"))
    return ProposalFacts(
        snapshot=proposal.snapshot,
        deadline=proposal.deadline,
        for_votes=in_favour,
        against_votes=against,
        abstain_votes=abstain,
        quorum_votes=proposal.quorum_votes,
        eta_chain_s=proposal.eta_chain_s or 0,
        executed=proposal.executed,
        canceled=proposal.canceled,
        operation=operation,
        quorum_counts_abstain="abstain" in told.get("quorum_counts", "for,abstain"),
        grace_period_s=told.get("grace_period_s"),
        super_quorum=bool(told.get("super_quorum")),
        super_quorum_votes=_whole(extra.get("super_quorum_votes")),
        vetoed=bool(extra.get("vetoed")),
        updatable_until=extra.get("updatable_until"),
        objection_until=extra.get("objection_until"),
        dynamic_quorum=_dynamic_quorum(extra),
        quorum_counts_against="against" in told.get("quorum_counts", ""),
        by_type=told.get("family") == "agora",
        approval_threshold_bps=_whole(extra.get("approval_threshold_bps")),
        by_module="voting_module" in extra,
        # What it says before the vote is over decides nothing: events tell of all that comes after.
        counted_by_governor=by_governor,
        tally_block=tally_block,
        module_state={3: State.DEFEATED, 4: State.SUCCEEDED}.get(-1 if module_state is None else module_state),
    )


def _dynamic_quorum(extra: dict[str, Any]) -> DynamicQuorum | None:
    """None for other governors, and for Nouns' proposals from before it had one: their supply was not noted."""
    names = ("quorum_supply", "quorum_least_bps", "quorum_most_bps", "quorum_coefficient")
    told = [_whole(extra.get(name)) for name in names]
    if any(value is None for value in told) or not told[0]:
        return None
    return DynamicQuorum(*(value or 0 for value in told))


def _whole(text: str | None) -> int | None:
    return None if text is None else int(text)


def state_of(proposal: Proposal, now: Now | None = None, governor: Contract | None = None) -> State:
    """The proposal's state at `now`, or at the last block read. Pass both for a list: then nothing else is asked."""
    governor = governor or governor_of(proposal.dao)
    return proposal_state(facts_of(proposal, governor), now or now_of(proposal.dao, governor))
