# SPDX-License-Identifier: Apache-2.0
"""Votes whose moments no clock ever shows: the proposal is there, with its state and with words for it."""

import re

import pytest

from presentation.dao_view import DaoView
from presentation.proposals import proposal_of
from tests.webapp.conftest import DAY, NOW
from webapp.mail import digest

ENDLESS = [2**48 - 1, 2**63, 2**64 - 1, 2**256 - 1]


@pytest.fixture(params=["timestamp", "blocknumber"])
def counted(request, made):
    """The DAO, whose governor counts seconds or blocks."""
    governor = made.contracts["governor"]
    governor.capabilities |= {"clock": request.param}
    governor.save()
    return made


def text_of(answer) -> str:
    assert answer.status_code == 200
    return " ".join(re.sub(r"<[^>]*>", " ", answer.content.decode()).split())


@pytest.mark.parametrize("deadline", ENDLESS)
def test_a_vote_without_an_end_is_shown_as_one(client, counted, deadline):
    counted.proposal(1, description="# For ever", snapshot=1, deadline=deadline)
    place = DaoView.of("river")
    number = f"block {deadline:,}" if place.counts_blocks else f"Unix time {deadline}"
    for path in ("/river/", "/river/proposals/", "/river/proposals/1/"):
        shown = text_of(client.get(path))
        assert "For ever" in shown, path
        assert "Active" in shown, path
        assert "no end to the vote" in shown, path
    assert f"Voting has no end {number}" in text_of(client.get("/river/proposals/1/"))
    seen = client.get("/api/v1/daos/river/proposals/1").json()
    assert (seen["state"], seen["deadline"]) == ("Active", deadline)
    assert client.get("/api/v1/daos/river/proposals").json()["proposals"][0]["deadline"] == deadline
    lines = digest.of_proposal(place, proposal_of(place, 1), None).lines
    assert "The vote has no end." in lines
    assert not any("left to vote" in line for line in lines)


@pytest.mark.parametrize("snapshot", ENDLESS)
def test_a_vote_that_never_starts_is_shown_as_one(client, counted, snapshot):
    counted.proposal(1, description="# Never", snapshot=snapshot, deadline=2**256 - 1)
    for path in ("/river/", "/river/proposals/", "/river/proposals/1/"):
        shown = text_of(client.get(path))
        assert "Pending" in shown, path
        assert "voting never starts" in shown, path
    assert client.get("/api/v1/daos/river/proposals/1").json()["snapshot"] == snapshot
    place = DaoView.of("river")
    assert "Voting never starts." in digest.of_proposal(place, proposal_of(place, 1), None).lines


def test_a_timelock_without_an_end_is_shown_as_one(client, made):
    made.proposal(1, description="# Waits", deadline=NOW - DAY, for_votes=10**30, eta_chain_s=2**256 - 1, queued=True)
    for path in ("/river/", "/river/proposals/1/"):
        assert "can never be executed" in text_of(client.get(path)), path
    assert "The timelock has no end" in text_of(client.get("/river/proposals/1/"))
    assert client.get("/api/v1/daos/river/proposals/1").json()["eta_chain_s"] == 2**256 - 1


def test_the_chains_deepest_reorg_is_shown(client, made):
    made.dao.chain.deepest_reorg_blocks, made.dao.chain.finality_depth = 157, 500
    made.dao.chain.save()
    made.dao.incidents.create(kind="reorg", detail="Blocks were replaced.")
    shown = text_of(client.get("/river/"))
    assert "The deepest reorg seen on this chain replaced 157 blocks." in shown
    mirror = client.get("/api/v1/daos/river").json()["mirror"]
    assert (mirror["deepest_reorg_blocks"], mirror["finality_depth_blocks"]) == (157, 500)


@pytest.mark.parametrize(
    ("urls", "is_one"), [(["http://one"], True), (["http://one", "http://two"], False), ([], False)]
)
def test_a_mirror_by_a_single_node_is_called_that_nodes_word(client, made, settings, urls, is_one):
    chain_id = made.dao.chain_id
    settings.LOCAL_CHAIN_ID = None
    settings.RPC_URLS = {chain_id: urls} if urls else {}
    for path in ("/river/", "/river/proposals/"):
        assert ("by one node’s word: no second node is set" in text_of(client.get(path))) is is_one, path
    assert client.get("/api/v1/daos/river").json()["mirror"]["nodes"] == len(urls)
