# SPDX-License-Identifier: Apache-2.0
"""A proposal's state as a pure function: the rules of OpenZeppelin v5 and Bravo at their edges.

tests/governance/test_life.py holds it against a real governor.
"""

from dataclasses import replace

import pytest

from governance.state import Now, Operation, ProposalFacts, State, proposal_state

OPEN = ProposalFacts(snapshot=100, deadline=200, for_votes=50, against_votes=10, abstain_votes=0, quorum_votes=50)


def at(timepoint: int, **changes) -> State:
    return proposal_state(replace(OPEN, **changes), Now(timepoint, timepoint))


@pytest.mark.parametrize(
    ("timepoint", "expected"),
    [
        (100, State.PENDING),  # snapshot >= clock
        (101, State.ACTIVE),
        (200, State.ACTIVE),  # deadline >= clock
        (201, State.SUCCEEDED),
    ],
)
def test_edges_of_the_voting_period(timepoint, expected):
    assert at(timepoint) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"for_votes": 10}, State.DEFEATED),  # a tie loses
        ({"for_votes": 49, "against_votes": 0}, State.DEFEATED),  # one short of the quorum
        ({"for_votes": 49, "abstain_votes": 1}, State.SUCCEEDED),  # abstentions count for the quorum
        ({"for_votes": 49, "abstain_votes": 1, "quorum_counts_abstain": False}, State.DEFEATED),  # not for Bravo's
        ({"for_votes": 5, "against_votes": 60}, State.DEFEATED),  # quorum without a majority
        ({"quorum_votes": None}, State.UNKNOWN),
        ({"quorum_votes": None, "for_votes": 10}, State.DEFEATED),  # lost whatever the quorum
    ],
)
def test_counting(changes, expected):
    assert at(201, **changes) is expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, State.QUEUED),
        ({"operation": Operation.PENDING}, State.QUEUED),
        ({"operation": Operation.DONE}, State.EXECUTED),  # run in the timelock, with no event of the governor
        ({"operation": Operation.CANCELED}, State.CANCELED),
        ({"quorum_votes": None}, State.QUEUED),  # it could only be queued because it had succeeded
        ({"executed": True, "canceled": True}, State.EXECUTED),
        ({"canceled": True}, State.CANCELED),
        ({"grace_period_s": 101}, State.QUEUED),
        ({"grace_period_s": 100}, State.EXPIRED),  # from the ETA on, not from the end of the vote
    ],
)
def test_after_queueing(changes, expected):
    assert at(400, eta_chain_s=300, **changes) is expected


def test_the_grace_period_runs_by_time_where_the_clock_counts_blocks():
    facts = replace(OPEN, eta_chain_s=1_000_000, grace_period_s=10)
    assert proposal_state(facts, Now(400, 1_000_009)) is State.QUEUED
    assert proposal_state(facts, Now(400, 1_000_010)) is State.EXPIRED


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"super_quorum_votes": 50}, State.SUCCEEDED),  # GovernorSuperQuorum: at once, with the vote still open
        ({"super_quorum_votes": 50, "eta_chain_s": 300}, State.QUEUED),
        ({"super_quorum_votes": 51}, State.ACTIVE),
        ({"super_quorum_votes": 5, "for_votes": 10}, State.ACTIVE),  # a tie ends nothing
        ({"super_quorum_votes": None}, State.UNKNOWN),
        ({"super_quorum_votes": None, "for_votes": 10}, State.ACTIVE),
        ({"super_quorum_votes": 50, "super_quorum": False}, State.ACTIVE),
    ],
)
def test_a_super_quorum_ends_a_vote_early(changes, expected):
    assert at(150, **{"super_quorum": True, **changes}) is expected
