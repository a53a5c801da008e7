# SPDX-License-Identifier: Apache-2.0
"""The web app against a real local chain: votes by signature, the test wallet, the clock, policies in words."""

import json
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_utils import keccak

from governance import readings, register
from governance.chain import abi
from governance.chain.rpc import Rpc
from governance.chain.signatures import _ORDER as ORDER
from governance.chain.signatures import Signed
from governance.models import OutgoingTransaction, Proposal
from governance.sync import sync_once
from presentation.dao_view import DaoView
from tests.governance.governors import compiled
from webapp.models import RelayedVote
from webapp.proposals import relay
from webapp.relaying import Caps, RelayRefused, Share
from webapp.treasury.read import balances

CHAIN_ID = 31337
pytestmark = pytest.mark.django_db(transaction=True)  # the sender's journal commits before it broadcasts


@pytest.fixture
def chain(settings, deployed, tmp_path):
    """A DAO with a proposal open for votes, mirrored; ada and ben hold power."""
    settings.LOCAL_CHAIN_ID = CHAIN_ID
    settings.RPC_URLS = {CHAIN_ID: [deployed.url]}
    relayer = tmp_path / "relayer.json"
    secret = Account.encrypt(deployed.accounts["relayer"].key, "password", kdf="pbkdf2", iterations=2)
    relayer.write_text(json.dumps(secret))
    (tmp_path / "password").write_text("password")
    relayer.chmod(0o600)
    (tmp_path / "password").chmod(0o600)
    settings.RELAYER_KEYSTORE, settings.RELAYER_PASSWORD_FILE = str(relayer), str(tmp_path / "password")
    rpc = Rpc([deployed.url], CHAIN_ID, attempts=1)
    dao = register.add_dao(
        rpc, deployed.addresses["governor"], slug="river", name="River DAO", module=deployed.addresses["module"],
        assets=[deployed.addresses["usdc"]], start_block=deployed.start_block,
    )  # fmt: skip
    for who in ("ada", "ben"):
        deployed.send(who, "votes_token", "delegate", deployed.address(who))
    deployed.anvil.wind(2)  # the proposer's power counts from the second before
    call = deployed.calldata("module", "unpause")
    deployed.send("ada", "governor", "propose", [deployed.addresses["module"]], [0], [call], "# Go on")
    deployed.anvil.wind(3601)
    sync_once(dao, rpc)
    return deployed, dao, rpc, Proposal.objects.get()


def signed(deployed, proposal, who, support, client):
    ballot = client.get(
        f"/api/v1/daos/river/proposals/{proposal.proposal_id}/ballot",
        {"voter": "0x" + deployed.address(who).hex(), "support": support},
    ).json()
    ballot["message"]["proposalId"] = int(ballot["message"]["proposalId"])
    ballot["message"]["nonce"] = int(ballot["message"]["nonce"])
    return Account.sign_message(encode_typed_data(full_message=ballot), deployed.accounts[who].key).signature


def vote(client, deployed, proposal, who, support, signature):
    return client.post(
        f"/api/v1/daos/river/proposals/{proposal.proposal_id}/vote-by-signature",
        {"voter": "0x" + deployed.address(who).hex(), "support": support, "signature": "0x" + signature.hex()},
        content_type="application/json",
    )


def test_a_signed_vote_is_sent_once(client, chain):
    deployed, dao, rpc, proposal = chain
    signature = signed(deployed, proposal, "ada", 1, client)
    first = vote(client, deployed, proposal, "ada", 1, signature)
    assert first.status_code == 200, first.content
    again = vote(client, deployed, proposal, "ada", 1, signature)
    assert again.json()["transaction_hash"] == first.json()["transaction_hash"]
    assert OutgoingTransaction.objects.count() == RelayedVote.objects.count() == 1
    deployed.anvil.mine()
    assert deployed.read("governor", "hasVoted", proposal.proposal_id, deployed.address("ada"))
    sync_once(dao, rpc)
    seen = client.get(f"/api/v1/daos/river/proposals/{proposal.proposal_id}").json()
    assert seen["tally"]["for"] == str(300_000 * 10**18)
    assert [vote["support"] for vote in seen["votes"]] == [1]


def test_another_choice_is_not_answered_with_the_vote_on_its_way(client, chain):
    deployed, _, _, proposal = chain
    first = vote(client, deployed, proposal, "ada", 1, signed(deployed, proposal, "ada", 1, client))
    assert first.status_code == 200
    answer = vote(client, deployed, proposal, "ada", 0, signed(deployed, proposal, "ada", 0, client))
    assert answer.status_code == 409
    assert "another choice" in answer.json()["error"]
    assert OutgoingTransaction.objects.count() == 1


NOTHING = Share(0, 0)


def test_the_caps_hold_and_one_vote_counts_once(chain, monkeypatch):
    _, dao, _, _ = chain
    place = DaoView(dao)
    for number in range(relay.CAPS.account):
        relay._count(place, number, b"\1" * 20, 1, f"vote:{number}", NOTHING)
    relay._count(place, 0, b"\1" * 20, 1, "vote:0", NOTHING)  # asked for again
    with pytest.raises(RelayRefused, match="Your limit for today is reached"):
        relay._count(place, 99, b"\1" * 20, 1, "vote:99", NOTHING)
    monkeypatch.setattr(relay, "CAPS", Caps(account=10, everybody=10, reserved=0))
    with pytest.raises(RelayRefused, match="Today's limit for free sends is reached"):
        relay._count(place, 99, b"\2" * 20, 1, "vote:99", NOTHING)
    assert RelayedVote.objects.count() == relay.CAPS.account


def test_many_votes_at_once_stay_under_the_cap(chain):
    _, dao, _, _ = chain
    place = DaoView(dao)

    def count(number):
        try:
            relay._count(place, number, b"\1" * 20, 1, f"vote:{number}", NOTHING)
        except RelayRefused:
            return False
        finally:
            connection.close()
        return True

    with ThreadPoolExecutor(8) as pool:
        taken = list(pool.map(count, range(3 * relay.CAPS.account)))
    assert sum(taken) == RelayedVote.objects.count() == relay.CAPS.account


def test_the_relayer_pays_for_no_vote_that_burns_gas(client, chain, monkeypatch):
    deployed, _, _, proposal = chain
    monkeypatch.setattr(relay, "MAX_GAS", 50_000)
    answer = vote(client, deployed, proposal, "ada", 1, signed(deployed, proposal, "ada", 1, client))
    assert answer.status_code == 403
    assert "vote by transaction" in answer.json()["error"]
    assert not RelayedVote.objects.exists()


@pytest.mark.parametrize("signature", [b"\xff" * 65, b"\0" * 65, b"", b"\1" * 9_000])
def test_bytes_that_are_no_signature_are_no_vote(client, chain, signature):
    deployed, _, _, proposal = chain
    answer = vote(client, deployed, proposal, "ada", 1, signature)
    assert answer.status_code == 403
    assert "does not fit" in answer.json()["error"]


SHORT_AND_OLD = {
    "v 0 or 1": lambda s: s[:64] + bytes([s[64] - 27]),
    "EIP-2098": lambda s: s[:32] + (int.from_bytes(s[32:64], "big") | (s[64] - 27) << 255).to_bytes(32, "big"),
}


@pytest.mark.parametrize("form", SHORT_AND_OLD)
def test_a_vote_signed_in_a_form_that_the_governor_does_not_take_is_sent_in_one_that_it_takes(client, chain, form):
    deployed, _, _, proposal = chain
    given = SHORT_AND_OLD[form](bytes(signed(deployed, proposal, "ada", 1, client)))
    answer = vote(client, deployed, proposal, "ada", 1, given)
    assert answer.status_code == 200, answer.content
    deployed.anvil.mine()
    assert deployed.read("governor", "hasVoted", proposal.proposal_id, deployed.address("ada"))


def test_a_vote_with_a_high_s_is_refused_by_name(client, chain):
    deployed, _, _, proposal = chain
    full = bytes(signed(deployed, proposal, "ada", 1, client))
    s = ORDER - int.from_bytes(full[32:64], "big")
    answer = vote(client, deployed, proposal, "ada", 1, full[:32] + s.to_bytes(32, "big") + bytes([55 - full[64]]))
    assert answer.status_code == 403
    assert "high s" in answer.json()["error"]


def test_a_wallet_that_is_not_deployed_is_told_that_its_vote_cannot_be_checked(client, chain, monkeypatch):
    deployed, _, _, proposal = chain
    monkeypatch.setattr(relay, "signed_by", lambda *_: Signed(True, None, b"", is_deployed=False))
    answer = vote(client, deployed, proposal, "ada", 1, b"framed")
    assert answer.status_code == 403
    assert "is not deployed yet, so the chain can't check" in answer.json()["error"]


def test_an_account_whose_delegated_code_refuses_is_told_so(client, chain):
    """The governor asks the code and not the key, so that a right signature of the key would fail (EIP-7702)."""
    deployed, _, _, proposal = chain
    given = signed(deployed, proposal, "ada", 1, client)
    made = deployed.send_raw("mallory", None, bytes.fromhex(compiled()["RefusingDelegate"]["bytecode"][2:]))
    code = "0xef0100" + made["contractAddress"][2:]
    deployed.anvil.call("anvil_setCode", "0x" + deployed.address("ada").hex(), code)
    deployed.anvil.mine()
    answer = vote(client, deployed, proposal, "ada", 1, given)
    assert answer.status_code == 409
    assert "EIP-7702" in answer.json()["error"]
    assert not OutgoingTransaction.objects.exists()


def test_governors_that_count_from_one_share_no_key():
    assert len({relay.short_hash(number) for number in range(1, 100)}) == 99


def test_a_ballot_that_was_not_signed_so_is_refused(client, chain):
    deployed, _, _, proposal = chain
    signature = signed(deployed, proposal, "ada", 1, client)
    for who, support in (("ada", 0), ("ben", 1)):
        answer = vote(client, deployed, proposal, who, support, signature)
        assert answer.status_code == 403
        assert "does not fit" in answer.json()["error"]
    assert not OutgoingTransaction.objects.exists()


def test_who_has_no_power_or_has_voted_costs_the_relayer_nothing(client, chain):
    deployed, dao, rpc, proposal = chain
    document = relay.governor_of(DaoView(dao), rpc).typed_data(proposal.proposal_id, 1, deployed.address("mallory"), 0)
    signature = Account.sign_message(encode_typed_data(full_message=document), deployed.accounts["mallory"].key)
    answer = vote(client, deployed, proposal, "mallory", 1, signature.signature)
    assert answer.status_code == 403
    assert "no voting power" in answer.json()["error"]
    deployed.send("ben", "governor", "castVote", proposal.proposal_id, 1)
    answer = vote(client, deployed, proposal, "ben", 0, signed(deployed, proposal, "ben", 0, client))
    assert answer.status_code == 409
    assert "voted on this proposal already" in answer.json()["error"]
    deployed.anvil.wind(4 * 86_400)
    sync_once(dao, rpc)
    answer = vote(client, deployed, proposal, "ada", 1, signed(deployed, proposal, "ada", 1, client))
    assert answer.status_code == 409
    assert "not open" in answer.json()["error"]
    assert not OutgoingTransaction.objects.exists()


def wallet(client, deployed, method, params, who="ada"):
    body = {"method": method, "params": params, "persona": "0x" + deployed.address(who).hex()}
    return client.post("/local/wallet", body, content_type="application/json")


def test_the_test_wallet_acts_for_the_chosen_person_only(client, chain):
    deployed, *_ = chain
    ada, ben = ("0x" + deployed.address(who).hex() for who in ("ada", "ben"))
    assert wallet(client, deployed, "eth_requestAccounts", []).json() == {"result": [ada]}
    assert wallet(client, deployed, "personal_sign", ["0x00", ada]).json()["result"]
    for method, params in (
        ("personal_sign", ["0x00", ben]),
        ("eth_sendTransaction", [{"from": ben, "to": ada}]),
        ("eth_sendTransaction", [{"to": ada}]),
        ("eth_signTypedData_v4", [ben, "{}"]),
        ("eth_signTypedData_v4", []),
    ):
        answer = wallet(client, deployed, method, params)
        assert answer.status_code == 403, method
        assert answer.json()["error"]["code"] == 4100


@pytest.mark.parametrize("method", ["anvil_setBalance", "evm_mine", "eth_sign", "eth_sendRawTransaction", "debug_x"])
def test_the_test_wallet_moves_the_chain_in_no_other_way(client, chain, method):
    answer = wallet(client, chain[0], method, [])
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == 4200


def test_any_other_chain_is_refused(client, chain, settings):
    deployed, *_ = chain
    settings.LOCAL_CHAIN_ID = 1
    settings.RPC_URLS = {1: [deployed.url]}  # set up wrongly: the node's own answer decides
    answer = wallet(client, deployed, "eth_accounts", [])
    assert answer.status_code == 403
    assert "this node serves chain 31337" in answer.json()["error"]["message"]
    assert client.get("/local/people").json()["people"] == []  # of a chain without a demo nobody is named
    assert client.get("/local/").status_code == 403


def test_the_clock_goes_to_the_end_of_voting(client, chain):
    deployed, _, _, proposal = chain
    assert b"End of voting" in client.get("/local/").content
    answer = client.post("/local/", {"to": f"end:{proposal.deadline + 1}"}, follow=True)
    assert b"Done: End of voting." in answer.content
    assert deployed.anvil.now >= proposal.deadline + 1
    answer = client.post("/local/", {"to": "end:1"}, follow=True)
    assert b"not offered any more" in answer.content


def test_balances_are_the_chains_own(client, chain):
    _, dao, rpc, _ = chain
    readings.read(dao, rpc)
    shown = {balance.asset.symbol: balance for balance in balances(DaoView(dao))}
    assert shown["USDC"].base_units == 100_000 * 10**6
    assert shown["USDC"].flows_agree
    assert shown["ETH"].base_units == 10 * 10**18
    assert b"Read from the chain at block" in client.get("/river/").content


def test_queueing_is_offered_with_the_right_call(client, chain):
    deployed, dao, rpc, proposal = chain
    for who in ("ada", "ben"):
        deployed.send(who, "governor", "castVote", proposal.proposal_id, 1)
    deployed.anvil.wind(4 * 86_400)
    sync_once(dao, rpc)
    text = client.get(f"/river/proposals/{proposal.proposal_id}/").content.decode()
    expected = deployed.calldata(
        "governor", "queue", [deployed.addresses["module"]], [0], [deployed.calldata("module", "unpause")],
        keccak(text="# Go on"),
    )  # fmt: skip
    assert f'data-calldata="0x{expected.hex()}"' in text


@pytest.mark.parametrize(
    "text", [b"# Go on \xff\xfe", b"# Go on\x00\x00", b"\x00", "# Go on \ufffd\u202e".encode(), b"\xed\xa0\x80"]
)
def test_a_proposal_whose_text_is_no_text_is_queued_and_executed_with_what_is_offered(client, chain, text):
    """The governor hashes the bytes; what PostgreSQL can't hold, or UTF-8 can't say, must not change the hash."""
    deployed, dao, rpc, first = chain
    propose = abi.encode_call(
        "propose(address[],uint256[],bytes[],bytes)",
        [[deployed.addresses["votes_token"]], [0], [deployed.calldata("votes_token", "delegate", bytes(20))], text],
    )
    # `string` has the same encoding; only the selector is another one.
    selector = abi.selector("propose(address[],uint256[],bytes[],string)")
    deployed.send_raw("ada", deployed.addresses["governor"], selector + propose[4:])
    deployed.anvil.wind(3601)
    sync_once(dao, rpc)
    proposal = Proposal.objects.exclude(pk=first.pk).get()
    for who in ("ada", "ben"):
        deployed.send(who, "governor", "castVote", proposal.proposal_id, 1)
    deployed.anvil.wind(4 * 86_400)
    sync_once(dao, rpc)
    for label, wait_s, state in (("Queue", 86_401, 5), ("Execute", 1, 7)):
        step = client.get(f"/api/v1/daos/river/proposals/{proposal.proposal_id}").json()["next_step"]
        assert step["label"] == label
        page = client.get(f"/river/proposals/{proposal.proposal_id}/").content.decode()
        assert f'data-calldata="{step["calldata"]}"' in page
        deployed.send_raw("ines", bytes.fromhex(step["to"][2:]), bytes.fromhex(step["calldata"][2:]))
        assert deployed.read("governor", "state", proposal.proposal_id) == state
        deployed.anvil.wind(wait_s)
        sync_once(dao, rpc)
    operation = Proposal.objects.get(pk=proposal.pk).operations.get()
    assert operation.executed
