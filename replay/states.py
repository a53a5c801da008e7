# SPDX-License-Identifier: Apache-2.0
"""The state of recorded proposals at the last recorded block, as far as a recording says it.

A recording has logs and few times, and no answer of a contract. What decides a state and is not recorded is not
guessed: the state is Unknown then, and says what is missing. What is taken for granted is in the report (`assumed`).
"""

from dataclasses import dataclass, replace
from typing import Any

from governance.chain.rpc import Header
from governance.clocks import Source, source_of_snapshot
from governance.models import Contract, Dao, Proposal
from governance.state import Now, ProposalFacts, State, facts_of, proposal_state
from replay.recording import Recording, known_events

_COMPOUND_GRACE_S = 14 * 86_400  # GRACE_PERIOD of Compound's Timelock, a constant of its code
_LARGEST_NUMBER = 2**64  # ids of governors that number their proposals are below; hashes are above
_NEVER_S = 2**62  # later than any time


@dataclass(frozen=True)
class Assumed:
    """What a recording does not say and states follow from. `by_time`: snapshots are seconds."""

    by_time: bool
    quorum_counts: str
    grace_period_s: int | None
    is_agora: bool

    def as_json(self) -> dict[str, Any]:
        return {
            "clock": "timestamp" if self.by_time else "blocknumber",
            "quorum_counts": self.quorum_counts,
            "grace_period_s": self.grace_period_s,
        }


@dataclass(frozen=True)
class Moment:
    """The last recorded block, and its time: exactly, or (`is_exact` False) the latest time that is recorded before it,
    0 where none is."""

    block_number: int
    timestamp_chain_s: int
    is_exact: bool


def moment_of(recording: Recording) -> Moment:
    """Return the moment at which a recording ends."""
    last = recording.last_block
    if (exact := recording.times.get(last)) is not None:
        return Moment(last, exact, is_exact=True)
    return Moment(last, max(recording.times.values(), default=0), is_exact=False)


def assumed_of(dao: Dao, governor: Contract, recording: Recording) -> Assumed:
    """Return what is taken for granted of a governor, by its logs' shapes."""
    signatures = {log.signature for log in recording.logs if log.address == governor.address}
    owners = {known_events()[signature].owner for signature in signatures}
    proposals = list(Proposal.objects.filter(dao=dao).values_list("proposal_id", "snapshot", "created_block"))
    is_numbered = bool(proposals) and all(number < _LARGEST_NUMBER for number, _, _ in proposals)
    is_agora = "GovernorOptimism" in owners
    by_compound = {log.signature for log in recording.logs if _is_timelock_of(dao, log.address)} & _COMPOUND_EVENTS
    counts = "against,for,abstain" if is_agora else "for" if is_numbered else "for,abstain"
    by_time = any(snapshot > created + 2**30 for _, snapshot, created in proposals)
    return Assumed(by_time, counts, _COMPOUND_GRACE_S if by_compound or is_numbered else None, is_agora)


_COMPOUND_EVENTS = {signature for signature, item in known_events().items() if item.owner == "TimelockCompound"}


def _is_timelock_of(dao: Dao, address: bytes) -> bool:
    return dao.contracts.filter(kind=Contract.Kind.TIMELOCK, address=address).exists()


def states_of(
    dao: Dao, governor: Contract, recording: Recording, assumed: Assumed, quorum_votes: int | None
) -> dict[int, dict[str, str]]:
    """Return each proposal's state by its number: `{"state": name}`, with what it lacks (`not_recorded`) where that is
    Unknown, or Defeated without a vote.
    `quorum_votes`: the quorum of all of them, base units of the votes token; None where nobody says it."""
    told = {
        **governor.capabilities, "clock": "timestamp" if assumed.by_time else "blocknumber",
        "quorum_counts": assumed.quorum_counts, "grace_period_s": assumed.grace_period_s,
        **({"family": "agora"} if assumed.is_agora else {}),
    }  # fmt: skip
    as_assumed = Contract(dao=dao, kind=governor.kind, address=governor.address, capabilities=told)
    moment = moment_of(recording)
    found = {}
    for proposal in Proposal.objects.filter(dao=dao).prefetch_related("operations").order_by("pk"):
        facts = replace(facts_of(proposal, as_assumed), quorum_votes=quorum_votes, dynamic_quorum=None)
        found[proposal.proposal_id] = _state(facts, proposal, moment, assumed)
    return found


def _state(facts: ProposalFacts, proposal: Proposal, moment: Moment, assumed: Assumed) -> dict[str, str]:
    if not _is_of_clock(proposal, assumed) and not (facts.executed or facts.canceled or facts.vetoed):
        return _unknown(f"what the governor's clock counts: its snapshot is {proposal.snapshot}")
    times = [moment.timestamp_chain_s] if moment.is_exact else [moment.timestamp_chain_s, _NEVER_S]
    states = [proposal_state(facts, Now(t if assumed.by_time else moment.block_number, t)) for t in times]
    # Between a time that is early enough and one that is late enough, nothing else may be so: once decided, always so.
    if len(set(states)) > 1:
        return _unknown(f"the time of block {moment.block_number}")
    if states[0] is State.DEFEATED and not proposal.votes.exists():
        # Right if nobody voted. Nothing in a recording tells that from one without the votes.
        return {"state": states[0].value, "not_recorded": "any vote"}
    if states[0] is not State.UNKNOWN:
        return {"state": states[0].value}
    if facts.by_module:
        return _unknown("what the voting module answers")
    if facts.by_type and facts.approval_threshold_bps is None:
        return _unknown("the share of votes that its type asks for")
    return _unknown("the quorum (name it with --quorum)")


def _unknown(what: str) -> dict[str, str]:
    return {"state": State.UNKNOWN.value, "not_recorded": what}


def _is_of_clock(proposal: Proposal, assumed: Assumed) -> bool:
    """Whether the proposal's snapshot lies where the clock that is taken for granted would put it."""
    if assumed.by_time:
        return proposal.snapshot > proposal.created_block + 2**30
    created = Header(proposal.created_block, b"", b"", 0, None, ())
    return source_of_snapshot(Source.HEIGHT, created, proposal.snapshot, 0) is Source.HEIGHT
