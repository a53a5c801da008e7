# SPDX-License-Identifier: Apache-2.0
"""Governors with rules of their own: where the chain was asked and differs from the mirror, its word is shown."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from governance import reconcile
from governance.chain.rpc import Rpc
from governance.chain_word import shown_of
from governance.models import NOT_TOLD, OnchainCheck, Proposal, UnconfirmedLog
from governance.open_proposals import open_proposals
from governance.projections import again
from governance.state import ONCHAIN_STATES, State, governor_of, now_of, state_of
from governance.sync import open_questions
from presentation.dao_view import DaoView
from presentation.proposals import proposal_row
from tests.governance.governors.lives import call
from tests.governance.governors.odd import CHAIN_ID, Odd
from tests.governance.test_state_lives import chain
from webapp.mail import digest

pytestmark = pytest.mark.django_db
__all__ = ["chain"]

EVENTS = {"QuorumNumeratorUpdated": 1, "QuorumUpdated": 2, "an event that nothing here knows": 3}


def shown(odd: Odd, proposal: Proposal):
    governor = governor_of(odd.dao)
    proposal = Proposal.objects.get(pk=proposal.pk)
    return shown_of(odd.dao, governor, now_of(odd.dao, governor), [proposal])[proposal.pk]


def page(client, odd: Odd, proposal: Proposal) -> str:
    response = client.get(f"/{odd.dao.slug}/proposals/{proposal.proposal_id}/")
    assert response.status_code == 200
    return response.content.decode()


def api(client, odd: Odd, proposal: Proposal) -> dict:
    return json.loads(client.get(f"/api/v1/daos/{odd.dao.slug}/proposals/{proposal.proposal_id}").content)


class Contradicting:
    """A node before another one that answers one view with a state of its own."""

    def __init__(self, url: str, view: str, says: State):
        upstream = httpx.Client(timeout=30)

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answers = upstream.post(url, json=asked).json()
                questions = {one["id"]: one for one in (asked if isinstance(asked, list) else [asked])}
                for answer in answers if isinstance(answers, list) else [answers]:
                    question = questions[answer["id"]]
                    data = question["params"][0].get("data", "") if question["method"] == "eth_call" else ""
                    if data.startswith("0x" + call(view, 0)[:4].hex()):
                        answer["result"] = f"0x{ONCHAIN_STATES.index(says):064x}"
                body = json.dumps(answers).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                """Says nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def __enter__(self) -> "Contradicting":
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def barred(chain) -> tuple[Odd, Proposal]:
    """A vote that carried by all that the mirror knows, and that the governor calls defeated by a rule of its own."""
    odd = Odd(chain)
    odd.do("setBar(uint256)", 500)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.end(proposal)
    assert odd.chain_state(proposal) is State.DEFEATED
    proposal.refresh_from_db()
    assert state_of(proposal) is State.SUCCEEDED  # by the mirror alone
    return odd, proposal


def test_when_a_vote_ends_the_chain_is_asked_at_once_and_its_word_is_shown(barred, client):
    odd, proposal = barred
    check = OnchainCheck.objects.get(dao=odd.dao, subject=f"proposal:{proposal.proposal_id}:state")
    assert (check.chain_says, check.mirror_says, check.matched) == ("Defeated", "Succeeded", False)
    assert shown(odd, proposal).state is State.DEFEATED
    text = page(client, odd, proposal)
    assert f"The state shown is the chain&#x27;s word at block {check.block_number}: Defeated" in text
    assert "It is one node’s word, which no second node confirmed." in text
    assert "Next step" not in text
    assert '<span class="tag defeated">Defeated</span>' in text
    found = api(client, odd, proposal)
    assert found["state"] == "Defeated"
    assert found["next_step"] is None
    assert found["chain_word"]["state"] == {
        "chain_says": "Defeated", "mirror_says": "Succeeded", "block": check.block_number, "nodes": 1,
    }  # fmt: skip
    place = DaoView(odd.dao)
    lines = digest.of_proposal(place, proposal_with_summary(place, proposal), None).lines
    assert lines[0] == "State: Defeated."
    assert any("the chain's word" in line for line in lines)
    # It is over, so no list of what is open has it.
    opened = open_proposals(odd.dao, governor_of(odd.dao), now_of(odd.dao))
    assert proposal.pk not in [*opened.voting, *opened.coming, *opened.decided]
    assert api_open(client, odd) == []


def proposal_with_summary(place, proposal):
    from presentation.proposals import proposal_of

    return proposal_of(place, proposal.proposal_id)


def api_open(client, odd: Odd) -> list[str]:
    found = json.loads(client.get(f"/api/v1/daos/{odd.dao.slug}/proposals?show=open").content)
    return [row["id"] for row in found["proposals"]]


def test_a_rule_of_its_own_that_is_lifted_is_noticed_by_the_next_check(barred, client):
    odd, proposal = barred
    odd.do("setBar(uint256)", 0)
    odd.sync()
    assert shown(odd, proposal).state is State.DEFEATED  # no log said anything: still the word of its block
    assert reconcile.reconcile(odd.dao, odd.rpc).differing == ()
    assert shown(odd, proposal).state is State.SUCCEEDED
    assert shown(odd, proposal).words == {}
    assert api(client, odd, proposal)["next_step"]["label"] == "Execute"


def test_nodes_that_contradict_each_other_check_nothing_whichever_is_asked_first(chain, client):
    """One of them says what the mirror says: the mirror may have it from that very node."""
    odd = Odd(chain)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.end(proposal)
    reconcile.reconcile(odd.dao, odd.rpc)
    assert "Next step" in page(client, odd, proposal)
    assert "State: checked against the chain" in page(client, odd, proposal)
    UnconfirmedLog.objects.create(dao=odd.dao, log=proposal.log)  # so that two nodes are asked about everything
    with Contradicting(odd.anvil.url, "state(uint256)", State.CANCELED) as other:
        for urls in ([odd.anvil.url, other.url], [other.url, odd.anvil.url]):
            found = reconcile.reconcile(odd.dao, Rpc(urls, CHAIN_ID, attempts=1))
            assert f"proposal:{proposal.proposal_id}:state" in found.differing
            seen = shown(odd, proposal)
            assert (seen.state, seen.is_unsettled) == (State.SUCCEEDED, True)
            text = page(client, odd, proposal)
            assert "Nodes contradict each other about the state" in text
            assert "State: checked against the chain" not in text
            assert "State: nodes contradict each other at block" in text
            assert "Next step" not in text
            home = client.get(f"/{odd.dao.slug}/").content.decode()
            assert "nodes contradict each other: one says" in home
            told = api(client, odd, proposal)
            assert told["next_step"] is None
            assert not told["checks"]["state"]["matched"]
            says = {told["checks"]["state"]["chain_says"], told["checks"]["state"]["other_node_says"]}
            assert says == {"Succeeded", "Canceled"}
            assert str(proposal.proposal_id) in api_open(client, odd)


def test_a_quorum_of_the_chain_offers_nothing_until_the_state_is_asked(chain, client, monkeypatch):
    """The vote ends, and the node does not answer just then: the mirror's own facts would make it Succeeded."""
    odd = Odd(chain, quorum=150)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.sync()
    Proposal.objects.filter(pk=proposal.pk).update(quorum_votes=50)
    reconcile.reconcile(odd.dao, odd.rpc)
    assert shown(odd, proposal).state is State.ACTIVE
    with monkeypatch.context() as patched:
        patched.setattr(open_questions, "_after_the_vote", lambda *_: None)
        odd.end(proposal)
    for other_says in ("", "50"):  # one word, or two nodes that contradict each other
        OnchainCheck.objects.filter(subject__endswith=":quorum").update(other_says=other_says)
        seen = shown(odd, proposal)
        assert (seen.state is State.DEFEATED) == (not other_says)
        assert seen.is_unsettled
        text = page(client, odd, proposal)
        assert "Next step" not in text
        assert "the chain was not asked for the state itself since" in text
        assert api_open(client, odd) == [str(proposal.proposal_id)]
    reconcile.reconcile(odd.dao, odd.rpc)
    seen = shown(odd, proposal)
    assert (seen.state, seen.is_unsettled) == (State.DEFEATED, False)
    assert api_open(client, odd) == []


def test_logs_of_later_blocks_supersede_the_chains_word(barred):
    odd, proposal = barred
    odd.do("setBar(uint256)", 0)
    odd.execute(proposal)
    odd.sync()
    seen = shown(odd, proposal)
    assert seen.state is State.EXECUTED
    assert seen.words == {}


def test_the_chains_word_falls_with_its_block_and_is_asked_again(barred):
    odd, proposal = barred
    odd.chain_block = odd.head()[0]
    odd.anvil.call("anvil_reorg", 2, [])
    odd.mine(2)
    odd.sync()
    assert odd.chain_state(proposal) is State.DEFEATED
    assert shown(odd, proposal).state is State.DEFEATED
    check = OnchainCheck.objects.get(dao=odd.dao, subject=f"proposal:{proposal.proposal_id}:state")
    assert check.block_number >= odd.chain_block


def test_a_second_node_confirms_or_contradicts(barred, client):
    odd, proposal = barred
    two = Rpc([odd.anvil.url, odd.anvil.url.replace("127.0.0.1", "localhost")], CHAIN_ID, attempts=1)
    reconcile.reconcile(odd.dao, two)
    check = OnchainCheck.objects.get(dao=odd.dao, subject=f"proposal:{proposal.proposal_id}:state")
    assert (check.endpoints, check.other_says) == (2, "")
    assert "Two nodes say so" in page(client, odd, proposal)
    # One that contradicts: the mirror's is shown, both are told, and nothing is offered.
    with Contradicting(odd.anvil.url, "state(uint256)", State.SUCCEEDED) as other:
        reconcile.reconcile(odd.dao, Rpc([odd.anvil.url, other.url], CHAIN_ID, attempts=1))
    check.refresh_from_db()
    assert (check.chain_says, check.endpoints, check.other_says) == ("Defeated", 1, "Succeeded")
    seen = shown(odd, proposal)
    assert seen.state is State.SUCCEEDED
    text = page(client, odd, proposal)
    assert "Nodes contradict each other about the state" in text
    assert "Next step" not in text


def test_time_that_carries_the_mirror_on_makes_the_chains_word_one_of_the_past(chain, client):
    odd = Odd(chain)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.end(proposal)
    row = proposal_row(DaoView(odd.dao), proposal_with_summary(DaoView(odd.dao), proposal))
    assert row.state is State.SUCCEEDED
    OnchainCheck.objects.filter(subject__endswith=":state").update(
        matched=False, chain_says="Pending", mirror_says="Active"
    )
    seen = shown(odd, proposal)
    assert (seen.state, seen.is_unsettled) == (State.SUCCEEDED, True)
    text = page(client, odd, proposal)
    assert "Next step" not in text
    assert "offers no next step until the chain is asked again" in text


def test_the_chains_tally_and_quorum_are_shown_where_they_differ(chain, client):
    odd = Odd(chain)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.sync()
    Proposal.objects.filter(pk=proposal.pk).update(for_votes=7, quorum_votes=3)
    reconcile.reconcile(odd.dao, odd.rpc)
    facts = shown(odd, proposal).facts
    assert (facts.against_votes, facts.for_votes, facts.abstain_votes, facts.quorum_votes) == (0, 100, 0, 10)
    found = api(client, odd, proposal)
    assert found["tally"] == {"against": "0", "for": "100", "abstain": "0"}
    assert found["quorum"] == "10"
    odd.vote(proposal, 1, 0)  # a vote of a later block: the tally of before is one of the past
    odd.sync()
    assert set(shown(odd, proposal).words) == {"quorum"}


@pytest.mark.parametrize("how", EVENTS.values(), ids=EVENTS)
@pytest.mark.parametrize("live", [False, True], ids=["decided", "voting"])
def test_a_quorum_that_is_lowered_or_raised_later_is_asked_again_at_once(chain, how, live):
    odd = Odd(chain, quorum=150)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    if live:
        odd.sync()
    else:
        odd.end(proposal)
        assert shown(odd, proposal).state is State.DEFEATED
    odd.do("setQuorum(uint256,uint8)", 100, how)
    odd.sync()
    if live:
        odd.end(proposal)
    assert odd.chain_state(proposal) is State.SUCCEEDED
    assert shown(odd, proposal).state is State.SUCCEEDED
    proposal.refresh_from_db()
    assert proposal.quorum_votes == 100
    assert state_of(proposal) is State.SUCCEEDED  # the mirror's own word, not only the chain's
    again.rebuild(odd.dao)
    assert shown(odd, proposal).state is State.SUCCEEDED
    odd.do("setQuorum(uint256,uint8)", 101, how)
    odd.sync()
    assert odd.chain_state(proposal) is State.DEFEATED
    assert shown(odd, proposal).state is State.DEFEATED
    odd.anvil.call("anvil_reorg", 1, [])  # the block that raised it
    odd.mine(2)
    odd.sync()
    assert odd.chain_state(proposal) is State.SUCCEEDED
    assert shown(odd, proposal).state is State.SUCCEEDED


def test_all_that_is_decided_and_not_executed_is_asked_about(chain, monkeypatch):
    monkeypatch.setattr(open_questions, "_AT_ONCE", 2)
    odd = Odd(chain, quorum=150)
    proposals = []
    for number in range(5):
        proposals.append(odd.propose(f"# Proposal {number}"))
        odd.vote(proposals[-1], 0, 1)
    odd.end(proposals[-1])
    assert {shown(odd, p).state for p in proposals} == {State.DEFEATED}
    odd.do("setQuorum(uint256,uint8)", 100, 1)
    odd.sync()
    odd.sync()
    odd.sync()
    assert {odd.chain_state(p) for p in proposals} == {State.SUCCEEDED}
    assert {shown(odd, p).state for p in proposals} == {State.SUCCEEDED}


def test_of_many_votes_that_end_at_once_each_is_asked_and_each_word_is_asked_again(chain, monkeypatch):
    monkeypatch.setattr(open_questions, "_AT_ONCE", 2)
    monkeypatch.setattr(reconcile, "_MOST_PROPOSALS", 1)  # what differed for longest leaves room for nothing else
    monkeypatch.setattr(reconcile, "_MOST_DIFFERING", 1)
    odd = Odd(chain)
    odd.do("setBar(uint256)", 500)
    proposals = []
    for number in range(3):
        proposals.append(odd.propose(f"# Proposal {number}"))
        odd.vote(proposals[-1], 0, 1)
    Proposal.objects.filter(dao=odd.dao).update(deadline=proposals[-1].deadline)
    odd.end(proposals[-1])
    assert {shown(odd, p).state for p in proposals} == {State.DEFEATED}
    odd.do("setBar(uint256)", 0)  # no log says so
    odd.sync()
    for _ in range(3):
        reconcile.reconcile(odd.dao, odd.rpc)
    assert {shown(odd, p).state for p in proposals} == {State.SUCCEEDED}


def test_where_another_contract_has_the_rules_all_that_is_decided_is_asked_each_hour(chain):
    """As of Optimism's and Agora's governors, whose proposal types lie in a contract of their own."""
    odd = Odd(chain, quorum=150)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.end(proposal)
    odd.do("setQuorum(uint256,uint8)", 100, 0)  # the governor logs nothing
    governor = governor_of(odd.dao)
    governor.capabilities["proposal_types"] = "0x" + "11" * 20
    governor.save()
    odd.mine(1, 3_600)
    odd.sync()
    assert odd.chain_state(proposal) is State.SUCCEEDED
    assert shown(odd, proposal).state is State.SUCCEEDED
    proposal.refresh_from_db()
    assert proposal.quorum_votes == 100


def test_a_vote_that_the_chain_says_is_open_is_offered(chain, client):
    odd = Odd(chain)
    proposal = odd.propose()
    odd.end(proposal)
    assert shown(odd, proposal).state is State.DEFEATED
    OnchainCheck.objects.filter(subject__endswith=":state").update(
        matched=False, chain_says="Active", mirror_says="Defeated"
    )
    text = page(client, odd, proposal)
    assert '<form id="vote"' in text
    assert "Next step" not in text
    assert api_open(client, odd) == [str(proposal.proposal_id)]
    opened = open_proposals(odd.dao, governor_of(odd.dao), now_of(odd.dao))
    assert list(opened.voting) == [proposal.pk]


def test_a_state_that_the_mirror_cannot_tell_is_the_chains_word(chain, client, monkeypatch):
    """Its quorum, or what ends a vote early, was never answered."""
    odd = Odd(chain, quorum=150)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.sync()
    governor = governor_of(odd.dao)
    governor.capabilities |= {"super_quorum": True}
    governor.save()
    proposal.refresh_from_db()
    assert state_of(proposal, governor=governor) is State.UNKNOWN
    reconcile.reconcile(odd.dao, odd.rpc)
    check = OnchainCheck.objects.get(dao=odd.dao, subject=f"proposal:{proposal.proposal_id}:state")
    assert (check.chain_says, check.mirror_says, check.matched) == ("Active", "Unknown", False)
    assert shown(odd, proposal).state is State.ACTIVE
    assert "The mirror alone can&#x27;t tell it" in page(client, odd, proposal)
    # Nobody contradicts anybody: it is the mirror that can't tell.
    assert NOT_TOLD == State.UNKNOWN
    assert reconcile.reconcile_proposals(odd.dao, odd.rpc, [proposal.pk]).differing == ()
    assert "differs from the chain" not in client.get(f"/{odd.dao.slug}/").content.decode()
    assert not OnchainCheck.objects.filter(dao=odd.dao).differing().exists()
    OnchainCheck.objects.filter(pk=check.pk).update(other_says="Defeated")
    assert OnchainCheck.objects.filter(dao=odd.dao).differing().count() == 1, "two nodes contradict each other"
    OnchainCheck.objects.filter(pk=check.pk).update(other_says="")
    with monkeypatch.context() as patched:
        patched.setattr(open_questions, "_after_the_vote", lambda *_: None)
        odd.end(proposal)
    Proposal.objects.filter(pk=proposal.pk).update(quorum_votes=None)
    seen = shown(odd, proposal)  # time has carried on what was said, and nothing tells where to
    assert (seen.state, seen.is_unsettled) == (State.UNKNOWN, True)
    governor.capabilities |= {"super_quorum": False}
    governor.save()
    reconcile.reconcile_proposals(odd.dao, odd.rpc, [proposal.pk])
    assert shown(odd, proposal).state is odd.chain_state(proposal) is State.DEFEATED
    text = page(client, odd, proposal)
    assert f"The state shown is the chain&#x27;s word at block {odd.head()[0]}: Defeated" in text
    assert api_open(client, odd) == []


@pytest.mark.parametrize("super_quorum", [None, 50], ids=["mirror can't tell", "mirror says carried"])
def test_the_word_that_votes_are_taken_ends_where_a_super_quorum_may_have_ended_them(
    chain, client, monkeypatch, super_quorum
):
    """A vote may carry at once, with its deadline still to come: the last vote may have been the one that did it. And
    what the mirror took to have carried early reads the same after the deadline."""
    odd = Odd(chain, quorum=150)
    proposal = odd.propose()
    odd.vote(proposal, 0, 1)
    odd.sync()
    governor = governor_of(odd.dao)
    governor.capabilities |= {"super_quorum": True}
    governor.save()
    told = {} if super_quorum is None else {"super_quorum_votes": str(super_quorum)}
    Proposal.objects.filter(pk=proposal.pk).update(extra=proposal.extra | told)
    reconcile.reconcile_proposals(odd.dao, odd.rpc, [proposal.pk])
    seen = shown(odd, proposal)
    assert (seen.state, seen.is_unsettled) == (State.ACTIVE, False)
    mirror = State.UNKNOWN if super_quorum is None else State.SUCCEEDED
    odd.vote(proposal, 1, 1)
    odd.sync()
    seen = shown(odd, proposal)
    assert (seen.state, seen.is_unsettled, "state" in seen.words) == (mirror, True, False)
    text = page(client, odd, proposal)
    assert "Next step" not in text
    assert api(client, odd, proposal)["next_step"] is None
    reconcile.reconcile_proposals(odd.dao, odd.rpc, [proposal.pk])  # as every ten seconds
    assert (shown(odd, proposal).state, shown(odd, proposal).is_unsettled) == (State.ACTIVE, False)
    with monkeypatch.context() as patched:
        patched.setattr(open_questions, "_after_the_vote", lambda *_: None)
        odd.end(proposal)
    seen = shown(odd, proposal)
    assert odd.chain_state(proposal) is State.SUCCEEDED
    assert (seen.state, seen.is_unsettled) == (State.SUCCEEDED, True)  # the chain was not asked since
    assert "Next step" not in page(client, odd, proposal)
