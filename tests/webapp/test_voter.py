# SPDX-License-Identifier: Apache-2.0
"""What a voter reads beside the vote: power at the snapshot, whether they voted, and nothing to pay for a vote of 0."""

import html
import random
import re

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from governance.chain.rpc import Rpc
from governance.models import Cursor, OnchainCheck, OutgoingTransaction, Proposal, UnconfirmedLog
from governance.sync import sync_once
from presentation.dao_view import DaoView
from presentation.words import address_text
from tests.governance.governors.lives import World, call
from tests.governance.test_rpc import Node, serve
from tests.governance.test_state_lives import chain as slow_chain
from tests.webapp.conftest import CHAIN, DAY, NOW, UNIT, account
from tests.webapp.test_chain import chain, signed, vote
from webapp.proposals import relay, voter_words
from webapp.proposals import voter as voters

__all__ = ["chain", "serve", "slow_chain"]
on_a_chain = pytest.mark.django_db(transaction=True)


def asked(client, number, who):
    answer = client.get(f"/api/v1/daos/river/proposals/{number}/voters/{address_text(who)}")
    assert answer.status_code == 200, answer.content
    return answer.json()


def said(seen):
    return " ".join([seen["lead"], *seen["sentences"]])


# --- the mirror alone: no node is configured


@pytest.fixture
def by_time(made):
    """The DAO of rows, with the clocks of governor and token known to be one."""
    made.contracts["votes_token"].capabilities["clock"] = "timestamp"
    made.contracts["votes_token"].save()
    return made


def test_without_a_node_the_mirrors_power_is_told_as_its_own(client, by_time):
    by_time.proposal(7)
    by_time.power(3, 5 * UNIT)
    seen = asked(client, 7, account(3))
    assert (seen["power"], seen["power_from"], seen["block"]) == (str(5 * UNIT), "mirror", None)
    assert seen["may_vote"] is True
    assert seen["lead"] == "You vote with 5 MAND."
    assert "The chain could not be asked just now" in said(seen)
    assert "Whether you have voted is not known" in said(seen)


def test_power_that_no_row_tells_is_not_zero(client, by_time):
    by_time.proposal(7)
    seen = asked(client, 7, account(99))
    assert (seen["power"], seen["power_from"], seen["has_voted"]) == (None, None, None)
    assert seen["may_vote"] is True
    assert seen["lead"] == "Your voting power at the snapshot is not known."


@pytest.mark.parametrize(
    ("governor", "token"),
    [
        ({"family": "nouns"}, {}),  # counts power from another block
        ({"family": "unknown"}, {}),
        ({}, {"clock": "blocknumber"}),  # a snapshot in seconds says nothing in blocks
    ],
)
def test_a_snapshot_that_the_mirror_cannot_place_gives_no_power(client, by_time, governor, token):
    for kind, told in (("governor", governor), ("votes_token", token)):
        by_time.contracts[kind].capabilities |= told
        by_time.contracts[kind].save()
    by_time.proposal(7)
    by_time.power(3, 5 * UNIT)
    assert asked(client, 7, account(3))["power"] is None


@pytest.mark.parametrize(
    ("told", "may_vote"),
    [
        ({"counting_mode": "support=bravo&quorum=for,abstain"}, False),
        ({"counting_mode": "support=bravo,override&quorum=for,abstain&overridable=true"}, False),
        ({"family": "bravo"}, False),
        ({"family": "alpha"}, False),
        ({"family": "nouns"}, False),
        ({"counting_mode": "support=bravo,fractional&quorum=for,abstain&params=fractional"}, True),
        ({"counting_mode": "support=bravo&quorum=for,abstain&params=fractional"}, True),
        ({"counting_mode": "support=bravo&quorum=against,for,abstain&params=modules"}, True),
        ({"counting_mode": "\ufffd&&=;"}, True),
        ({}, True),  # how it counts is not known
    ],
)
def test_a_second_vote_is_offered_unless_it_is_known_to_be_refused(client, by_time, told, may_vote):
    by_time.contracts["governor"].capabilities |= told
    by_time.contracts["governor"].save()
    vote = by_time.vote(by_time.proposal(7), 3, 0, 2 * UNIT)
    seen = asked(client, 7, account(3))
    assert seen["may_vote"] is may_vote
    mark = UnconfirmedLog.objects.create(dao=by_time.dao, log=vote.log)  # one node's word takes no vote away
    assert asked(client, 7, account(3))["may_vote"]
    mark.delete()
    assert "You voted Against with 2 MAND" in seen["lead"]
    assert ("takes one vote from each account" in said(seen)) is not may_vote


def test_where_nodes_contradict_each_other_a_vote_is_offered_only_where_its_trial_says_so(client, by_time, monkeypatch):
    by_time.proposal(7)
    by_time.power(3, 5 * UNIT)
    OnchainCheck.objects.create(
        dao=by_time.dao, subject="proposal:7:state", block_number=by_time.dao.cursor.next_block - 1, matched=False,
        block_hash=bytes(32), chain_says="Active", mirror_says="Active", endpoints=1, other_says="Canceled",
    )  # fmt: skip
    seen = asked(client, 7, account(3))
    assert seen["may_vote"] is False
    assert seen["lead"] == "Whether this proposal is open for votes is not known."
    assert "no trial said that the governor takes a vote" in said(seen)
    page = client.get(f"/{by_time.dao.slug}/proposals/7/").content.decode()
    [form] = re.findall(r'<form id="vote"[^>]*>', page)
    assert form.endswith("hidden>")
    says = voters.ChainSays(block=9, power=5 * UNIT, has_voted=False, counted=5 * UNIT)
    monkeypatch.setattr(voters, "_ask", lambda *_: says)
    seen = asked(client, 7, account(3))
    assert (seen["may_vote"], seen["lead"]) == (True, "You vote with 5 MAND.")


def test_no_vote_is_called_over_while_votes_are_taken_or_may_be(client, by_time):
    governor = by_time.contracts["governor"]
    governor.capabilities |= {"family": "nouns"}
    governor.save()
    by_time.proposal(7, deadline=NOW - 1, extra={"objection_until": NOW + 3600}, for_votes=1)
    assert asked(client, 7, account(3))["lead"].startswith("Only votes against are taken now.")
    governor.capabilities |= {"family": "oz", "super_quorum": True}
    governor.save()
    by_time.proposal(8, for_votes=70 * UNIT, deadline=NOW + DAY)
    by_time.proposal(9, for_votes=70 * UNIT, deadline=NOW - 1, quorum_votes=None)
    assert asked(client, 8, account(3))["lead"] == "Whether this proposal is open for votes is not known."
    assert asked(client, 9, account(3))["lead"] == "The vote is over."
    assert [asked(client, number, account(3))["may_vote"] for number in (7, 8, 9)] == [False, False, False]


@pytest.mark.parametrize(
    ("quorum", "told"),
    [
        ("for,abstain", "In parts: for 70 MAND, against 10 MAND, abstain 20 MAND."),
        ("bravo", "In parts, in an order that is not known here."),
    ],
)
def test_a_vote_in_parts_is_told_to_its_voter_by_its_parts_wherever_it_is_shown(client, by_time, quorum, told):
    """Its support says nothing of the choice: page, list, voter's box, delegate's page and API agree."""
    mode = f"support=bravo&quorum={quorum}&params=fractional"
    by_time.contracts["governor"].capabilities["counting_mode"] = mode
    by_time.contracts["governor"].save()
    vote = by_time.vote(by_time.proposal(7, snapshot=NOW - DAY, deadline=NOW + DAY), 3, 0, weight=100 * UNIT)
    vote.params = b"".join((part * UNIT).to_bytes(16, "big") for part in (10, 70, 20))
    vote.save()
    seen = asked(client, 7, account(3))
    texts = [said(seen), client.get(f"/river/proposals/7/?account=0x{account(3).hex()}").content.decode()]
    for text in texts:
        assert f"You voted with 100 MAND. {told}" in text
        assert "You voted Against" not in text
    assert texts[1].count(told) == 2  # in the list too
    assert '<span class="tag bad">Against</span>' not in texts[1]
    profile = client.get(f"/river/delegates/0x{account(3).hex()}/").content.decode()
    assert ("in parts" if "order" in told else told) in profile
    found = client.get(f"/api/v1/daos/river/delegates/{address_text(account(3))}").json()["proposals"][0]
    assert (found["support"], found["parts"] is None) == (None, "order" in told)


def test_before_the_snapshot_no_power_is_promised(client, by_time):
    by_time.proposal(7, snapshot=NOW + 3600, deadline=NOW + DAY)
    by_time.power(3, 5 * UNIT)
    seen = asked(client, 7, account(3))
    assert (seen["power"], seen["may_vote"]) == (None, False)
    assert seen["lead"].startswith("Your power is fixed at the snapshot (")
    assert "in 1 hour" in seen["lead"]


def test_tiny_power_is_not_shown_as_none(client, by_time):
    by_time.proposal(7)
    by_time.power(3, 1)
    assert asked(client, 7, account(3))["lead"] == "You vote with 0.000000000000000001 MAND."


def test_the_page_answers_who_has_no_javascript(client, by_time):
    by_time.proposal(7)
    by_time.power(3, 5 * UNIT)
    plain = html.unescape(client.get("/river/proposals/7/").content.decode())
    form = re.search(r'<noscript><form method="get".*?</form></noscript>', plain, re.DOTALL)
    assert form is not None
    assert "to see your voting power" in form[0]
    shown = html.unescape(client.get("/river/proposals/7/", {"account": address_text(account(3))}).content.decode())
    assert "You vote with 5 MAND." in shown
    assert address_text(account(3)) in shown


MISSPELT = "0xABcdABcdABcdABcdABcdABcdABcdABcdABcdABcd"  # its checksum says so


@pytest.mark.parametrize("text", ["0x12", "x" * 5000, "\0", "<b>", "0x" + "g" * 40, "\u202e", MISSPELT])
def test_what_is_no_address_is_told_and_harms_nothing(client, by_time, text):
    by_time.proposal(7)
    answer = client.get("/river/proposals/7/", {"account": text})
    assert answer.status_code == 200
    assert "That is no address" in html.unescape(answer.content.decode())
    assert "<b>" not in answer.content.decode()
    given = client.get("/api/v1/daos/river/proposals/7/voters/" + re.sub(r"[^0-9a-zA-Z]", "_", text)[:200])
    assert given.status_code == 422
    assert given.json()["error"].startswith("account:")


@pytest.mark.parametrize(
    "raw", [b"", b"\1", b"\0" * 31, b"\xff" * 31, b"\xff" * 64, b"\2".rjust(32, b"\0"), b"\1" + b"\0" * 31]
)
def test_words_that_are_no_answer_are_not_known(raw):
    assert voters._number(raw) == (int.from_bytes(raw[:32], "big") if len(raw) >= 32 else None)
    assert voters._truth(raw) is None
    assert voters._address(raw) is None or not any(raw[:12])


HEAD = {"number": "0x1f4", "hash": "0x" + "11" * 32, "parentHash": "0x" + "22" * 32, "timestamp": hex(NOW),
        "transactions": []}  # fmt: skip


@pytest.mark.parametrize(
    "answer",
    [
        "0x", "0x00", "0x" + "00" * 31, "nonsense", None, 7, True, [], "0x" + "zz" * 32, "0x" + "00" * 10**6 + "0",
        {"error": {"code": -32000, "message": "missing trie node"}}, {"error": {"code": 3, "message": "\u202e\0"}},
        {"error": "what"}, {"error": {"code": 3, "message": "execution reverted", "data": "0x"}},
    ],
)  # fmt: skip
def test_a_node_that_answers_anything_says_nobody_has_no_power(client, made, settings, serve, answer):
    node = Node(chain_id=CHAIN)
    node.answers |= {"eth_getBlockByNumber": HEAD, "eth_call": answer}
    settings.RPC_URLS = {CHAIN: [serve(node)]}
    made.proposal(7)
    seen = asked(client, 7, account(3))
    assert seen["power"] is None
    assert "eth_call" in node.asked
    refuses = isinstance(answer, dict) and isinstance(answer["error"], dict) and answer["error"]["code"] == 3
    assert seen["may_vote"] is not refuses  # a trial that the governor refuses is not offered
    assert "no voting power" not in said(seen)


@pytest.mark.parametrize(
    "head", [None, {}, {**HEAD, "number": "0x1"}, {**HEAD, "number": "-0x1"}, {**HEAD, "hash": "0x"}]
)
def test_a_node_without_a_newest_block_says_nothing(client, made, settings, serve, head):
    node = Node(chain_id=CHAIN)
    node.answers |= {"eth_getBlockByNumber": {"result": head}, "eth_call": "0x" + "00" * 32}
    settings.RPC_URLS = {CHAIN: [serve(node)]}
    made.proposal(7)
    seen = asked(client, 7, account(3))
    assert (seen["power"], seen["block"], seen["may_vote"]) == (None, None, True)


# --- against a chain


@on_a_chain
def test_power_and_vote_are_the_chains(client, chain):
    deployed, dao, rpc, proposal = chain
    seen = asked(client, proposal.proposal_id, deployed.address("ada"))
    assert (seen["power"], seen["power_from"]) == (str(300_000 * UNIT), "chain")
    assert seen["block"] == int(deployed.anvil.call("eth_blockNumber"), 16)
    assert (seen["has_voted"], seen["may_vote"], seen["would_count"]) == (False, True, str(300_000 * UNIT))
    assert seen["lead"] == "You vote with 300,000 MAND."
    assert "You have not voted." in seen["sentences"]
    deployed.send("ada", "governor", "castVote", proposal.proposal_id, 1)
    seen = asked(client, proposal.proposal_id, deployed.address("ada"))
    assert (seen["has_voted"], seen["may_vote"]) == (True, False)
    assert seen["lead"] == "You have voted. The mirror has not read your vote yet."
    sync_once(dao, rpc)
    seen = asked(client, proposal.proposal_id, deployed.address("ada"))
    assert seen["lead"] == "You voted For with 300,000 MAND."
    assert f"In transaction {seen['votes'][0]['transaction_hash'][:6]}" in said(seen)
    assert seen["may_vote"] is False
    page = client.get(f"/river/proposals/{proposal.proposal_id}/", {"account": address_text(deployed.address("ada"))})
    assert re.search(r'<form id="vote"[^>]* hidden>', page.content.decode())


@on_a_chain
@pytest.mark.parametrize("who", ["mallory", "chloe", "treasury", bytes(20), b"\0" * 19 + b"\1"])
def test_who_had_no_power_is_told_and_offered_nothing(client, chain, who):
    """mallory holds nothing; chloe and the treasury hold tokens and delegated them to nobody."""
    deployed, _, _, proposal = chain
    seen = asked(client, proposal.proposal_id, deployed.address(who))
    assert (seen["power"], seen["may_vote"], seen["has_voted"]) == ("0", False, False)
    assert seen["lead"].startswith("You had no voting power at the snapshot (")
    assert "Tokens delegated after the snapshot do not count for this proposal." in said(seen)
    assert ("delegated them to nobody" in said(seen)) is (who in ("chloe", "treasury"))


@on_a_chain
def test_delegating_after_the_snapshot_does_not_help_and_is_told(client, chain):
    deployed, dao, rpc, proposal = chain
    deployed.send("chloe", "votes_token", "delegate", deployed.address("mallory"))
    deployed.anvil.wind(2)
    sync_once(dao, rpc)
    for who in ("chloe", "mallory"):
        seen = asked(client, proposal.proposal_id, deployed.address(who))
        assert (seen["power"], seen["may_vote"]) == ("0", False)
    told = said(asked(client, proposal.proposal_id, deployed.address("chloe")))
    assert f"Your tokens are delegated to {address_text(deployed.address('mallory'))} now." in told


@on_a_chain
def test_a_ballot_that_would_count_nothing_is_not_prepared(client, chain):
    deployed, dao, rpc, proposal = chain
    url = f"/api/v1/daos/river/proposals/{proposal.proposal_id}/ballot"
    refused = client.get(url, {"voter": address_text(deployed.address("mallory")), "support": 1})
    assert refused.status_code == 403
    assert "would count 0" in refused.json()["error"]
    assert client.get(url, {"voter": address_text(deployed.address("ada")), "support": 1}).status_code == 200
    assert client.get(url, {"voter": address_text(deployed.address("ada")), "support": 7}).status_code == 422
    # Signed all the same, without this site's help, it is not relayed either.
    document = relay.governor_of(DaoView(dao), rpc).typed_data(
        proposal.proposal_id, 1, deployed.address("mallory"), 0
    )  # fmt: skip
    signature = Account.sign_message(encode_typed_data(full_message=document), deployed.accounts["mallory"].key)
    answer = vote(client, deployed, proposal, "mallory", 1, signature.signature)
    assert answer.status_code == 403
    assert "would count 0" in answer.json()["error"]
    assert not OutgoingTransaction.objects.exists()


@on_a_chain
def test_a_ballot_before_the_snapshot_is_not_refused_for_power(client, chain):
    """The governor can't say yet what power counts: that is no 0."""
    deployed, dao, rpc, _ = chain
    call_ = deployed.calldata("module", "unpause")
    deployed.send("ada", "governor", "propose", [deployed.addresses["module"]], [0], [call_], "# Later")
    sync_once(dao, rpc)
    later = Proposal.objects.get(title="Later")
    assert signed(deployed, later, "ada", 1, client)
    seen = asked(client, later.proposal_id, deployed.address("ada"))
    assert "You have 300,000 MAND of voting power now" in said(seen)
    seen = asked(client, later.proposal_id, deployed.address("chloe"))
    assert "You hold 150,000 MAND and have delegated them to nobody." in said(seen)


@on_a_chain
def test_a_node_behind_the_mirror_is_not_believed(client, chain):
    deployed, dao, _, proposal = chain
    Cursor.objects.filter(dao=dao).update(next_block=10**6)
    seen = asked(client, proposal.proposal_id, deployed.address("mallory"))
    assert (seen["power"], seen["block"], seen["may_vote"]) == (None, None, True)


@on_a_chain
def test_a_vote_that_a_reorganisation_removed_may_be_cast_again(client, chain):
    deployed, dao, rpc, proposal = chain
    before = deployed.anvil.call("evm_snapshot")
    deployed.send("ada", "governor", "castVote", proposal.proposal_id, 1)
    sync_once(dao, rpc)
    assert deployed.anvil.call("evm_revert", before)
    deployed.anvil.mine(3)
    seen = asked(client, proposal.proposal_id, deployed.address("ada"))
    assert (seen["has_voted"], seen["may_vote"]) == (False, True)
    assert "a reorganisation may have removed it" in said(seen)


@on_a_chain
def test_a_vote_that_is_over_for_the_chain_is_not_offered(client, chain):
    deployed, _, _, proposal = chain
    deployed.anvil.wind(4 * DAY)  # the mirror has not read it yet
    seen = asked(client, proposal.proposal_id, deployed.address("ada"))
    assert seen["may_vote"] is False
    assert "the proposal is not open for votes" in said(seen)


@on_a_chain
def test_after_the_vote_it_says_how_one_voted(client, chain):
    deployed, dao, rpc, proposal = chain
    deployed.send("ada", "governor", "castVote", proposal.proposal_id, 2)
    deployed.anvil.wind(4 * DAY)
    sync_once(dao, rpc)
    assert "You voted Abstain with 300,000 MAND" in said(asked(client, proposal.proposal_id, deployed.address("ada")))
    assert asked(client, proposal.proposal_id, deployed.address("ben"))["lead"] == "You did not vote."


# --- governors that count otherwise

ROOM = {
    "fractional": "v5 fractional, late quorum, blocks",
    "overridable": "v5 overridable, late quorum, storage, blocks",
    "v4": "v4 simple, late quorum, blocks",
    "v4 bravo": "v4 bravo, compound, blocks",
}


@pytest.fixture
def room(slow_chain, request):
    """A governor of another kind with a proposal open for votes: (world, house, its proposal, people)."""
    people = [one.lower() for one in slow_chain.call("eth_accounts")[:6]]
    rpc = Rpc([slow_chain.url], 31337, attempts=1)
    world = World(slow_chain, rpc, people, random.Random(1), [ROOM[request.param]])
    house = world.houses[0]
    world.begin(house)
    world.mine()
    world.mine(6)
    sync_once(house.dao, rpc)
    return world, house, Proposal.objects.get(dao=house.dao), [bytes.fromhex(one[2:]) for one in people]


def look(room, person):
    world, house, _, people = room
    sync_once(house.dao, world.rpc)
    place = DaoView.of(house.dao.slug)
    proposal = Proposal.objects.get(dao=house.dao)
    seen = voters.look(place, proposal, people[person])
    return seen, " ".join([(told := voter_words.in_words(place, proposal, seen)).lead, *told.sentences])


@pytest.mark.django_db
@pytest.mark.parametrize("room", ROOM, indirect=True)
def test_power_is_known_of_every_kind_of_governor(room):
    """The first person delegated to the second, who votes for both: 100 and 137 votes."""
    seen, told = look(room, 1)
    assert (seen.power, seen.power_from, seen.may_vote) == (237, "chain", True)
    assert "You have not voted." in told
    seen, told = look(room, 0)
    assert (seen.power, seen.may_vote) == (0, False)
    assert "You had no voting power at the snapshot (block" in told
    assert ("castOverrideVote" in told) is (room[1].contract == "Overridable5")
    world, house, proposal, people = room
    world.send("0x" + people[1].hex(), house.governor, call("castVote(uint256,uint8)", proposal.proposal_id, 0))
    world.mine()
    seen, told = look(room, 1)
    assert (seen.has_voted, seen.may_vote) == (True, False)
    assert told.startswith("You voted Against with ")


@pytest.mark.django_db
@pytest.mark.parametrize("room", ["fractional"], indirect=True)
def test_what_is_left_of_a_fractional_vote_is_offered(room):
    world, house, proposal, people = room
    parts = b"".join(votes.to_bytes(16, "big") for votes in (7, 30, 0))
    data = call("castVoteWithReasonAndParams(uint256,uint8,string,bytes)", proposal.proposal_id, 255, "in parts", parts)
    world.send("0x" + people[1].hex(), house.governor, data)
    world.mine()
    seen, told = look(room, 1)
    assert (seen.has_voted, seen.may_vote) == (True, True)
    assert seen.chain.counted == 200
    assert "You may vote again: another vote would count" in told


@pytest.mark.django_db
@pytest.mark.parametrize("room", ["overridable"], indirect=True)
def test_an_override_is_told_and_is_no_vote_of_ones_own(room):
    world, house, proposal, people = room
    data = call("castOverrideVote(uint256,uint8,string)", proposal.proposal_id, 1, "my own")
    for person in (0, 1):  # all whose votes the second person has
        world.send("0x" + people[person].hex(), house.governor, data)
    world.mine()
    seen, told = look(room, 0)
    assert (seen.has_voted, seen.may_vote) == (False, False)
    assert "You overrode your delegate's vote: For with " in told
    assert seen.votes == []
    seen, told = look(room, 1)
    assert (seen.power, seen.may_vote) == (237, False)
    assert told.startswith("A vote from this account would count 0.")


@pytest.mark.parametrize(
    ("told", "power", "counted", "nothing"),
    [
        ({}, 0, 0, True),
        ({}, 0, None, True),  # Compound's castVote answers nothing
        ({}, 0, 5, False),  # the governor counts otherwise than by the power it tells
        ({}, None, None, False),
        ({}, None, 0, False),
        ({}, 5, 0, False),
        ({"counting_mode": "support=bravo,override"}, 5, 0, True),
        ({"counting_mode": None}, 5, 5, False),
    ],
)
def test_only_what_is_known_to_be_nothing_is_nothing(told, power, counted, nothing):
    assert voters.counts_nothing(told, power, counted) is nothing
