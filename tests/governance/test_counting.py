# SPDX-License-Identifier: Apache-2.0
"""Votes counted by the governor's counting mode: by support, in parts, or by the governor's own tally alone."""

import pytest

from governance.counting import counting_of
from governance.models import Contract, Proposal, Vote
from governance.projections import again
from governance.projections.tallies import tallies
from governance.state import State, facts_of, governor_of, state_of
from governance.sync import open_questions
from tests.governance.governors.odd import Odd
from tests.governance.test_chains_word import api, page, shown
from tests.governance.test_state_lives import chain

pytestmark = pytest.mark.django_db
__all__ = ["chain"]

BY_SUPPORT, PARTS, PARTS_FOR_FIRST, SQUARE_ROOTS = 0, 1, 2, 3
SIMPLE = "support=bravo&quorum=for,abstain"
FLEXIBLE = SIMPLE + "&params=fractional"
FRACTIONAL = "support=bravo,fractional&quorum=for,abstain&params=fractional"
PACKED = b"".join(part.to_bytes(16, "big") for part in (10, 70, 20))


@pytest.mark.parametrize(
    ("mode", "support", "params", "expected"),
    [
        (FLEXIBLE, 2, PACKED, (10, 70, 20)),
        (FLEXIBLE, 0, PACKED, (10, 70, 20)),
        (FLEXIBLE, 1, b"", (0, 100, 0)),
        (FRACTIONAL, 255, PACKED, (10, 70, 20)),
        (FRACTIONAL, 0, b"", (100, 0, 0)),
        (SIMPLE, 2, PACKED, (0, 0, 100)),  # its params say nothing of the count
        (SIMPLE, 255, PACKED, (0, 0, 0)),
        (None, 255, PACKED, (10, 70, 20)),  # of a recording, whose governor nobody asked
        (None, 1, PACKED, (0, 100, 0)),
    ],
)
def test_the_mode_decides_what_a_vote_adds(mode, support, params, expected):
    assert counting_of({"counting_mode": mode}).parts(support, 100, params) == expected


@pytest.mark.parametrize(
    ("mode", "is_known"),
    [
        (None, True),
        (SIMPLE, True),
        (FLEXIBLE, True),
        (FRACTIONAL, True),
        ("support=bravo&quorum=bravo", True),
        ("support=bravo,override&quorum=for,abstain&overridable=true", True),
        ("support=bravo&quorum=against,for,abstain&params=modules", True),
        ("support=bravo&quorum=bravo&params=fractional", False),  # in which order its parts are, it does not say
        ("support=quadratic&quorum=for", False),
        ("support=bravo&quorum=for&params=weights", False),
        ("", False),
        ("support=bravo&quorum=for", True),
        ("support=bravo", False),  # what counts towards the quorum is not told
        ("support=bravo&quorum=", False),
        ("support=bravo&quorum=supermajority", False),
        ("support=bravo&quorum=abstain", False),
        ("support=bravo&quorum=against", False),
        ("support=bravo&quorum=for,abstain,delegated", False),
        ("support=bravo&quorum=for,abstain&quorum=for", False),
        ("support=bravo&support=quadratic&quorum=for", False),
        ("support=bravo&quorum=for,abstain&params=", False),
        ("support=bravo&quorum=for,abstain&params=fractional&params=modules", False),
        ("support=Bravo&quorum=for,abstain", False),
        ("support=bravo;quorum=for,abstain", False),
    ],
)
def test_a_mode_that_is_not_known_is_called_so(mode, is_known):
    for family in ("openzeppelin", "bravo"):
        assert counting_of({"counting_mode": mode, "family": family}).is_known is is_known


def counted(proposal: Proposal) -> tuple[int, int, int]:
    facts = facts_of(Proposal.objects.get(pk=proposal.pk))
    return facts.against_votes, facts.for_votes, facts.abstain_votes


@pytest.mark.parametrize("kind", [BY_SUPPORT, PARTS, PARTS_FOR_FIRST, SQUARE_ROOTS])
def test_tallies_are_the_governors_whatever_it_counts(chain, kind):
    odd = Odd(chain, kind)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.vote(proposal, 1, 0)
    if kind in (BY_SUPPORT, PARTS, PARTS_FOR_FIRST):
        odd.vote(proposal, 2, 2, (10, 70, 20))
        odd.vote(proposal, 3, 0, (1, 2, 3))  # not all of its weight
    if kind in (PARTS, PARTS_FOR_FIRST):
        odd.vote(proposal, 3, 1, (5, 80, 0))  # a second vote of the same account
        odd.vote(proposal, 4, 1, (0, 0, 0))
    odd.sync()
    assert counted(proposal) == odd.chain_votes(proposal)
    odd.end(proposal)
    assert counted(proposal) == odd.chain_votes(proposal)
    proposal.refresh_from_db()
    assert state_of(proposal) is odd.chain_state(proposal)
    assert shown(odd, proposal).state is odd.chain_state(proposal)
    before = counted(proposal)
    again.rebuild(odd.dao)  # without a node
    assert counted(proposal) == before


def test_sums_added_one_by_one_are_those_counted_anew(chain):
    odd = Odd(chain, PARTS)
    proposal = odd.propose()
    for who, support, parts in ((0, 2, (10, 70, 20)), (1, 0, None), (2, 1, (1, 1, 1)), (2, 0, (2, 2, 2))):
        odd.vote(proposal, who, support, parts)
        odd.sync()
    proposal.refresh_from_db()
    summed = tallies(odd.dao, [proposal.proposal_id])[proposal.proposal_id]
    assert (summed.against_votes, summed.for_votes, summed.abstain_votes) == odd.chain_votes(proposal) == (
        proposal.against_votes, proposal.for_votes, proposal.abstain_votes,
    )  # fmt: skip
    assert summed.votes == Vote.objects.count() == 4


def test_a_vote_in_parts_is_shown_with_its_parts(chain, client):
    odd = Odd(chain, PARTS)
    proposal = odd.propose()
    odd.vote(proposal, 0, 2, (10, 70, 20))
    odd.sync()
    found = api(client, odd, proposal)
    assert found["tally"] == {"against": "10", "for": "70", "abstain": "20"}
    assert found["votes"][0]["parts"] == {"against": "10", "for": "70", "abstain": "20"}
    assert "In parts" in page(client, odd, proposal)


def test_an_unknown_mode_says_whose_tally_is_shown(chain, client):
    odd = Odd(chain, SQUARE_ROOTS)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.sync()
    block = odd.head()[0]
    assert counted(proposal) == (0, 10, 0)
    note = f"The tally is the governor&#x27;s own, as of block {block}."
    text = page(client, odd, proposal)
    assert "Votes on this proposal are counted, or once were, in a way that is not known here." in text
    assert note in text
    assert api(client, odd, proposal)["tally"]["for"] == "10"
    # A reorg that takes the vote takes the answer.
    odd.anvil.call("anvil_reorg", 1, [])
    odd.mine(2)
    odd.sync()
    assert counted(proposal) == odd.chain_votes(proposal) == (0, 0, 0)


def test_an_unknown_mode_that_was_not_asked_decides_nothing(chain):
    odd = Odd(chain, SQUARE_ROOTS)
    proposal = odd.propose()
    odd.end(proposal)
    governor = governor_of(odd.dao)
    proposal.refresh_from_db()
    assert state_of(proposal) is State.DEFEATED
    proposal.extra = {}
    assert state_of(proposal, governor=governor) is State.UNKNOWN


def test_an_unknown_mode_is_asked_for_what_was_over_before_it_was_asked(chain, monkeypatch):
    """What was voted and executed in one step, what is older than the newest that are asked about, and what was over
    when the mirror first came: all in turn, whatever cannot be answered."""
    monkeypatch.setattr(open_questions, "_MOST_TALLIES", 1)
    odd = Odd(chain, SQUARE_ROOTS)
    executed, lost, voting = odd.propose("# Executed"), odd.propose("# Lost"), odd.propose("# Voting")
    for proposal, support in ((executed, 1), (lost, 0), (voting, 1)):
        odd.vote(proposal, 0, support)
    odd.mine(voting.deadline + 1 - odd.head()[0])
    odd.execute(executed)
    odd.sync()
    executed.refresh_from_db()
    assert executed.executed
    for _ in range(6):
        odd.mine(1)
        odd.sync()
    found = [executed, lost, voting]
    assert [counted(proposal) for proposal in found] == [odd.chain_votes(proposal) for proposal in found]
    assert [row.proposal_id for row in Proposal.objects.filter(extra__tally_against="10")] == [lost.proposal_id]
    # Once: an answer from after the end stands.
    asked = Proposal.objects.get(pk=executed.pk).extra["tally_block"]
    odd.mine(1)
    odd.sync()
    assert Proposal.objects.get(pk=executed.pk).extra["tally_block"] == asked


def test_an_export_says_whose_tally_it_has_and_which_votes_are_in_parts(chain, client):
    odd = Odd(chain, PARTS_FOR_FIRST)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1, (10, 70, 20))
    odd.sync()
    [row] = client.get(f"/api/v1/daos/{odd.dao.slug}/exports/proposals?format=json").json()["rows"]
    assert (row["tally_block"], row["tally_known"], row["for"]) == (odd.head()[0], True, "10")
    Proposal.objects.update(extra={})
    [row] = client.get(f"/api/v1/daos/{odd.dao.slug}/exports/proposals?format=json").json()["rows"]
    assert (row["tally_block"], row["tally_known"]) == (None, False)
    votes = f"/api/v1/daos/{odd.dao.slug}/proposals/{proposal.proposal_id}/votes?format=json"
    [vote] = client.get(votes).json()["rows"]
    assert (vote["in_parts"], vote["for"]) == (True, None)
    Contract.objects.filter(kind="governor").update(capabilities={"counting_mode": FLEXIBLE})
    [vote] = client.get(votes).json()["rows"]
    assert [vote[side] for side in ("against", "for", "abstain")] == ["10", "70", "20"]
