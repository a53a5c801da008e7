# SPDX-License-Identifier: Apache-2.0
"""Delegating by signature against a real chain, its caps, and an account's page as a delegate."""

import html
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from eth_account import Account
from eth_account.messages import encode_typed_data

from governance.chain.rpc import Answered, Header, Rpc
from governance.chain.rpc.endpoint import Endpoint
from governance.chain.votes_token import Standing
from governance.models import OutgoingTransaction, PowerCheckpoint, UnconfirmedLog
from presentation import ballots
from presentation.dao_view import DaoView
from presentation.mine import in_words, member
from presentation.words import address_text
from tests.webapp.conftest import NOW, UNIT, account
from webapp import api_input
from webapp.delegates import relay, share
from webapp.delegates.profile import drawing, profile
from webapp.delegates.share import first_block_of_day, share_of_today
from webapp.models import RelayedDelegation, RelayedVote
from webapp.proposals import relay as votes
from webapp.relaying import Caps, RelayRefused, Share, settle_sent

CHAIN_ID = 31337
URL = "/api/v1/daos/river/delegate-by-signature"
NOBODY = bytes(20)
NEVER = 2**48


@pytest.fixture
def site(settings, deployed, tmp_path, made):
    """A DAO whose rows are made, with the votes token of a real chain and a relayer."""
    settings.RPC_URLS = {CHAIN_ID: [deployed.url]}
    relayer = tmp_path / "relayer.json"
    secret = Account.encrypt(deployed.accounts["relayer"].key, "password", kdf="pbkdf2", iterations=2)
    relayer.write_text(json.dumps(secret))
    (tmp_path / "password").write_text("password")
    relayer.chmod(0o600)
    (tmp_path / "password").chmod(0o600)
    settings.RELAYER_KEYSTORE, settings.RELAYER_PASSWORD_FILE = str(relayer), str(tmp_path / "password")
    chain = made.dao.chain
    chain.__class__.objects.create(chain_id=CHAIN_ID, name="Local")
    made.dao.chain_id = CHAIN_ID
    made.dao.save()
    token = made.contracts["votes_token"]
    token.address = deployed.addresses["votes_token"]
    token.save()
    return deployed


def nonce_of(deployed, who):
    return deployed.read("votes_token", "nonces", deployed.address(who))


def body(deployed, who, to, *, signer=None, nonce=None, expiry=NEVER, **changed):
    """What a wallet sends that signed the token's Delegation."""
    token = deployed.addresses["votes_token"]
    nonce = nonce_of(deployed, who) if nonce is None else nonce
    document = {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "version", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Delegation": [
                {"name": "delegatee", "type": "address"},
                {"name": "nonce", "type": "uint256"},
                {"name": "expiry", "type": "uint256"},
            ],
        },
        "primaryType": "Delegation",
        "domain": {
            "name": deployed.read("votes_token", "name"), "version": "1", "chainId": CHAIN_ID,
            "verifyingContract": address_text(token),
        },
        "message": {"delegatee": address_text(to), "nonce": nonce, "expiry": expiry},
    }  # fmt: skip
    signed = Account.sign_message(encode_typed_data(full_message=document), deployed.accounts[signer or who].key)
    return {
        "delegator": address_text(deployed.address(who)),
        "delegate": address_text(to),
        "nonce": str(nonce),
        "expiry_chain_s": str(expiry),
        "signature": "0x" + signed.signature.hex().removeprefix("0x"),
        **changed,
    }


def post(client, what):
    return client.post(URL, what, content_type="application/json")


def delegate_of(deployed, who):
    return deployed.read("votes_token", "delegates", deployed.address(who))


@pytest.mark.django_db(transaction=True)
def test_a_signed_delegation_is_sent_once_and_changes_who_votes(client, site):
    ben = site.address("ben")
    signed = body(site, "ada", ben)
    first = post(client, signed)
    assert first.status_code == 200, first.content
    assert post(client, signed).json()["transaction_hash"] == first.json()["transaction_hash"]
    assert OutgoingTransaction.objects.count() == RelayedDelegation.objects.count() == 1
    site.anvil.mine()
    assert delegate_of(site, "ada").lower() == "0x" + ben.hex()
    settle_sent()
    assert OutgoingTransaction.objects.get().status == OutgoingTransaction.Status.MINED
    back = post(client, body(site, "ada", NOBODY))
    assert back.status_code == 200, back.content
    site.anvil.mine()
    assert int(delegate_of(site, "ada"), 16) == 0


# What is asked, and what the answer says. Nothing of these is sent, and nothing counts towards a limit.
REFUSED = {
    "of another key": (lambda d: body(d, "ada", d.address("ben"), signer="mallory"), 403, "does not fit"),
    "of other words": (
        lambda d: {**body(d, "ada", d.address("ben")), "delegate": address_text(d.address("mallory"))},
        403,
        "does not fit",
    ),
    "for an earlier number": (lambda d: body(d, "ada", d.address("ben"), nonce=7), 409, "came first"),
    "run out": (lambda d: body(d, "ada", d.address("ben"), expiry=1), 409, "is over"),
    "of who holds nothing": (lambda d: body(d, "mallory", d.address("ben")), 403, "holds no tokens"),
    "of what is so already": (lambda d: body(d, "ada", NOBODY), 409, "already"),
    "no signature": (lambda d: body(d, "ada", d.address("ben"), signature="0x"), 403, "bytes"),
    "no number": (lambda d: body(d, "ada", d.address("ben"), nonce=0) | {"nonce": "-1"}, 422, "nonce"),
    "too large a number": (lambda d: body(d, "ada", d.address("ben")) | {"nonce": "9" * 78}, 400, "2^256"),
    "no address": (lambda d: body(d, "ada", d.address("ben")) | {"delegate": "0x12"}, 422, "delegate"),
}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("case", REFUSED)
def test_the_relayer_pays_for_nothing_that_does_not_work(client, site, case):
    make, status, why = REFUSED[case]
    answer = post(client, make(site))
    assert answer.status_code == status, answer.content
    assert why in answer.json()["error"]
    assert not OutgoingTransaction.objects.exists()
    assert not RelayedDelegation.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_delegations_of_one_number_are_not_both_sent(client, site):
    first = post(client, body(site, "ada", site.address("ben"), nonce=0))
    assert first.status_code == 200
    second = post(client, body(site, "ada", site.address("mallory"), nonce=0))
    assert second.status_code == 409
    assert OutgoingTransaction.objects.count() == 1


@pytest.mark.django_db
def test_without_a_relayer_a_transaction_is_named(client, made, settings):
    settings.RELAYER_KEYSTORE = ""
    signed = {"delegator": "0x" + "11" * 20, "delegate": "0x" + "22" * 20, "nonce": "0", "expiry_chain_s": "1"}
    answer = post(client, {**signed, "signature": "0x" + "11" * 65})
    assert answer.status_code == 503
    assert "send a transaction" in answer.json()["error"]


# --- caps


@pytest.mark.django_db
def test_a_thousand_accounts_with_a_crumb_leave_a_holders_part_alone(made):
    place, crumb, supply = DaoView(made.dao), 10**9, 1_000_000 * UNIT
    refused = []
    for number in range(1_000):
        try:
            relay._count(place, account(5_000 + number), NOBODY, f"s{number}", Share(crumb, supply))
        except RelayRefused as error:
            refused.append(error.status)
    assert refused == [429] * (1_000 - relay.CAPS.everybody + relay.CAPS.reserved)
    holder, one_in_100 = account(9_000), Share(10_000 * UNIT, supply)
    relay._count(place, holder, NOBODY, "h1", one_in_100)  # 1 % of 100 reserved
    with pytest.raises(RelayRefused, match="Today's limit for free sends"):
        relay._count(place, holder, NOBODY, "h2", one_in_100)
    # Votes have limits of their own.
    votes._count(place, 7, holder, 1, "v1", Share(0, supply))
    assert RelayedVote.objects.count() == 1


@pytest.mark.django_db
def test_what_is_reserved_is_not_given_twice_even_where_shares_are_more_than_all(made):
    place = DaoView(made.dao)
    for number in range(relay.CAPS.reserved // relay.CAPS.account + 1):
        for again in range(relay.CAPS.account):
            relay._count(place, account(5_000 + number), NOBODY, f"s{number}:{again}", Share(1, 1))
    rows = RelayedDelegation.objects
    assert rows.filter(is_reserved=True).count() == relay.CAPS.reserved
    assert rows.filter(is_reserved=False).count() == relay.CAPS.account - relay.CAPS.reserved % relay.CAPS.account


def hold(site, who, times):
    """Delegate back and forth by signature, `times` times; returns how many were of what is reserved."""
    for number in range(times):
        answer = post(site.client, body(site, who, site.address("ben" if number % 2 == 0 else "mallory")))
        if answer.status_code != 200:
            return number, answer.json()["error"]
        site.anvil.mine()
    return times, ""


@pytest.mark.django_db(transaction=True)
def test_tokens_that_move_from_account_to_account_give_one_part_of_what_is_reserved(client, site, monkeypatch):
    monkeypatch.setattr(relay, "CAPS", Caps(account=9, everybody=20, reserved=20))  # nothing is open to all
    site.client = client
    held, supply = (site.read("votes_token", name, *of) for name, of in (
        ("balanceOf", [site.address("ada")]), ("totalSupply", []),
    ))  # fmt: skip
    part = 20 * held // supply
    assert part >= 1
    site.anvil.wind(86_400)
    site.anvil.mine(3)
    site.send("ada", "votes_token", "transfer", site.address("mallory"), held)
    done, why = hold(site, "mallory", 1)
    assert done == 0
    assert "Today's limit for free sends" in why
    site.send("mallory", "votes_token", "transfer", site.address("ada"), held)
    assert hold(site, "ada", part + 1)[0] == part


@pytest.mark.django_db(transaction=True)
def test_the_first_block_of_the_day_is_found_and_found_again(site):
    rpc = Rpc([site.url], CHAIN_ID)
    site.anvil.wind(86_400 - site.anvil.now % 86_400 - 1)  # the day's last second
    last = rpc.block("latest").number
    site.anvil.wind(1)
    site.anvil.mine(40)
    head = rpc.block("latest")
    assert first_block_of_day(rpc, head) == last + 1
    asked = []
    monkey = type("Asked", (), {"chain_id": CHAIN_ID, "block": lambda _self, n: asked.append(n) or rpc.block(n)})()
    assert first_block_of_day(monkey, head) == last + 1
    assert len(asked) == 2
    share._found[CHAIN_ID] = last - 1  # of another branch, say
    assert first_block_of_day(rpc, head) == last + 1


@pytest.mark.django_db
def test_where_the_node_has_the_days_first_state_no_more_the_newest_counts():
    class Pruned:
        chain_id = 990_002

        def block(self, number):
            return Header(number, bytes(32), bytes(32), 86_400 * 5 + number, None, ()) if number else None

        def eth_calls(self, calls, _block):
            return [Answered(-32000, "missing trie node") for _ in calls]

    told = Standing(held=7, supply=100, delegate=NOBODY, nonce=0)
    found = share_of_today(Pruned(), account(1), account(2), told, Pruned().block(50))
    assert found == Share(7, 100)


@pytest.mark.django_db
def test_of_a_token_that_is_younger_than_the_day_nobody_has_a_part():
    class Young:
        chain_id = 990_003

        def block(self, number):
            return Header(number, bytes(32), bytes(32), 86_400 * 5 - 10 + number, None, ())

        def eth_calls(self, calls, block):
            assert block == 10
            return [b"" for _ in calls]  # no code there yet

    told = Standing(held=7, supply=100, delegate=NOBODY, nonce=0)
    found = share_of_today(Young(), account(1), account(2), told, Young().block(50))
    assert found == Share(0, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("url", [URL, "/api/v1/daos/river/proposals/7/vote-by-signature"])
def test_one_network_can_not_have_the_node_asked_without_end(client, site, monkeypatch, made, url):
    made.proposal(7)
    monkeypatch.setattr(api_input, "RELAYED_AN_HOUR", 1)
    signed = body(site, "ada", site.address("ben"), signer="mallory")
    what = signed if url == URL else {"voter": signed["delegator"], "support": 1, "signature": signed["signature"]}
    assert client.post(url, what, content_type="application/json").status_code != 429
    monkeypatch.setattr(Endpoint, "post", lambda *_: pytest.fail("the node was asked"))
    answer = client.post(url, what, content_type="application/json")
    assert answer.status_code == 429
    assert "Too many attempts" in answer.json()["error"]


@pytest.mark.django_db
def test_parts_of_all_holders_fit_into_what_is_reserved(made):
    shares = [Share(held, 100) for held in (33, 33, 33, 1)]
    caps = Caps(account=99, everybody=20, reserved=10)
    assert sum(share.of(caps.reserved) for share in shares) <= caps.reserved
    assert Share(5, 0).of(10) == 0
    assert Share(500, 100).of(10) == 10


@pytest.mark.django_db
def test_an_account_has_a_limit_of_its_own_however_much_it_holds(made):
    place = DaoView(made.dao)
    for number in range(relay.CAPS.account):
        relay._count(place, account(1), NOBODY, f"k{number}", Share(100, 100))
    relay._count(place, account(1), NOBODY, "k0", Share(100, 100))  # asked for again
    with pytest.raises(RelayRefused, match="Your limit for today"):
        relay._count(place, account(1), NOBODY, "k9", Share(100, 100))


# --- an account's page


@pytest.fixture
def dated(made):
    """The same DAO, whose token counts time as its governor does."""
    token = made.contracts["votes_token"]
    token.capabilities = {**token.capabilities, "clock": "timestamp"}
    token.save()
    return made


def page(client, who):
    return html.unescape(client.get(f"/river/delegates/{address_text(account(who))}/").content.decode())


@pytest.mark.django_db
def test_a_delegates_page_tells_power_votes_and_whose_they_are(client, dated):
    made = dated
    made.power(3, 150_000 * UNIT, delegator=4)
    made.power(9, 50_000 * UNIT)
    ended = made.proposal(7, description="# Rent a stand", snapshot=NOW - 1_000, deadline=NOW - 10)
    missed = made.proposal(8, description="# Make gus the guardian", snapshot=NOW - 900, deadline=NOW - 10)
    still = made.proposal(9, description="# Still open", snapshot=NOW - 800, deadline=NOW + 900)
    made.proposal(10, description="# Not begun", snapshot=NOW + 800, deadline=NOW + 900)
    made.vote(ended, 3, support=0, reason="Come back with one conference.")
    shown = page(client, 3)
    assert "Votes with 150,000 MAND, 75 % of all voting power." in shown
    assert "Voted on 1 of the last 2 proposals for which it had power at the snapshot." in shown
    assert "Come back with one conference." in shown
    assert "did not vote" in shown
    assert "Not voted yet" in shown
    assert "Still open" in shown
    assert "Not begun" not in shown
    assert address_text(account(4)) in shown
    answer = client.get(f"/api/v1/daos/river/delegates/{address_text(account(3))}").json()
    assert answer["participation"] == {"voted": 1, "of": 2}
    assert answer["power"] == str(150_000 * UNIT)
    assert [row["support"] for row in answer["proposals"]] == [None, None, 0]
    assert {row["id"] for row in answer["proposals"]} == {str(p.proposal_id) for p in (ended, missed, still)}


@pytest.mark.django_db
def test_where_power_at_a_snapshot_is_not_known_nobody_is_said_to_vote_always(client, made):
    """The token counts blocks and the governor time: what the account did not vote on, it may have had power for."""
    made.power(3, UNIT)
    made.vote(made.proposal(7, snapshot=NOW - 900, deadline=NOW - 10), 3)
    made.proposal(8, snapshot=NOW - 800, deadline=NOW - 10)
    shown = page(client, 3)
    assert "Voted on 1 of the newest proposals. For which others it had power is not known here." in shown
    assert "of the last" not in shown
    answer = client.get(f"/api/v1/daos/river/delegates/{address_text(account(3))}").json()
    assert answer["participation"] == {"voted": 1, "of": None}


@pytest.mark.django_db
def test_votes_before_an_account_had_power_do_not_count_against_it(client, dated):
    made = dated
    made.proposal(7, snapshot=NOW - 3 * 86_400, deadline=NOW - 2 * 86_400)
    made.power(3, UNIT)  # a day ago
    assert "It had no voting power at the snapshot of the newest proposal that counts here." in page(client, 3)
    made.proposal(8, snapshot=NOW - 3 * 86_400, deadline=NOW - 2 * 86_400)
    assert "at the snapshots of the newest 2 proposals that count here." in page(client, 3)


@pytest.mark.django_db
def test_that_no_vote_has_ended_is_not_said_to_be_for_want_of_power(client, dated):
    dated.power(3, UNIT)
    assert "they were canceled, or their vote has not begun" in page(client, 3)
    dated.proposal(7, snapshot=NOW - 100, deadline=NOW + 900)
    shown = page(client, 3)
    assert "No vote for which it had power at the snapshot has ended yet." in shown
    assert "no voting power at" not in shown


@pytest.mark.django_db
def test_a_vote_that_may_be_open_still_does_not_count_as_missed(client, dated):
    made, governor = dated, dated.contracts["governor"]
    governor.capabilities = {**governor.capabilities, "super_quorum": True}
    governor.save()
    made.power(3, UNIT)
    made.proposal(7, description="# Early", snapshot=NOW - 100, deadline=NOW + 900, for_votes=5, quorum_votes=1)
    ended = made.proposal(
        8, description="# Late", snapshot=NOW - 100, deadline=NOW - 10, for_votes=5, quorum_votes=None
    )
    shown = page(client, 3)
    assert "not known whether it may still vote" in shown
    assert "Voted on 0 of the last 1 proposal for which it had power at the snapshot." in shown
    answer = client.get(f"/api/v1/daos/river/delegates/{address_text(account(3))}").json()
    assert answer["participation"] == {"voted": 0, "of": 1}
    assert {row["state"] for row in answer["proposals"]} == {"Unknown"}
    assert ended.deadline < NOW


def in_parts(against, in_favour, abstain):
    return b"".join((part * UNIT).to_bytes(16, "big") for part in (against, in_favour, abstain))


@pytest.fixture
def fractional(dated):
    governor = dated.contracts["governor"]
    mode = "support=bravo,fractional&quorum=for,abstain&params=fractional"
    governor.capabilities = {**governor.capabilities, "counting_mode": mode}
    governor.save()
    dated.power(3, 100 * UNIT)
    return dated


def row_of(client):
    return client.get(f"/api/v1/daos/river/delegates/{address_text(account(3))}").json()["proposals"][0]


@pytest.mark.django_db
def test_a_vote_in_parts_is_told_by_its_parts(client, fractional):
    made = fractional
    vote = made.vote(made.proposal(7, deadline=NOW - 10), 3, support=255, weight=100 * UNIT)
    vote.params = in_parts(60, 30, 10)
    vote.save()
    shown = page(client, 3)
    assert "In parts: for 30 MAND, against 60 MAND, abstain 10 MAND." in shown
    assert "option 255" not in shown
    row = row_of(client)
    assert (row["support"], row["weight"], row["votes"]) == (None, str(100 * UNIT), 1)
    assert row["parts"] == {"against": str(60 * UNIT), "for": str(30 * UNIT), "abstain": str(10 * UNIT)}


@pytest.mark.django_db
def test_all_votes_of_an_account_on_a_proposal_count(client, fractional):
    made = fractional
    proposal = made.proposal(7, deadline=NOW - 10)
    made.vote(proposal, 3, support=1, weight=30 * UNIT, reason="Both are right.")
    assert row_of(client)["support"] == 1
    made.vote(proposal, 3, support=1, weight=10 * UNIT)
    row = row_of(client)
    assert (row["support"], row["parts"], row["weight"], row["votes"]) == (1, None, str(40 * UNIT), 2)
    made.vote(proposal, 3, support=0, weight=5 * UNIT)
    shown = page(client, 3)
    assert "In parts: for 40 MAND, against 5 MAND, abstain 0 MAND." in shown
    assert "Both are right." in shown
    assert row_of(client)["support"] is None


@pytest.mark.django_db
def test_of_very_many_votes_on_one_proposal_the_newest_are_counted_and_that_is_said(client, fractional, monkeypatch):
    monkeypatch.setattr(ballots, "MOST_VOTES", 3)
    made = fractional
    first, second = (made.proposal(number, deadline=NOW - 10) for number in (7, 8))
    for _ in range(5):
        made.vote(second, 3, support=1, weight=UNIT)
    made.vote(first, 3, support=0)
    shown = page(client, 3)
    assert "For (its newest 3 votes; it cast more)" in shown
    row = row_of(client)
    assert (row["votes"], row["voted_more"], row["weight"]) == (3, True, str(3 * UNIT))
    with CaptureQueriesContext(connection) as seen:
        assert len(ballots._newest_votes(account(3), [first, second])) == 5
    assert len(seen) == 2


@pytest.mark.django_db
def test_power_that_one_node_alone_shows_is_called_unconfirmed_wherever_it_stands(client, made):
    made.power(1, 5 * UNIT)
    made.power(2, 3 * UNIT)
    mark = UnconfirmedLog.objects.create(dao=made.dao, log=PowerCheckpoint.objects.get(account=account(1)).log)
    one, other = (address_text(account(n)) for n in (1, 2))

    def told() -> list:
        rows = client.get("/api/v1/daos/river/delegates").json()
        return [
            *(row["confirmed"] for row in rows),
            *(client.get(f"/api/v1/daos/river/delegates/{who}").json()["power_confirmed"] for who in (one, other)),
            client.get("/api/v1/daos/river/power").json()["confirmed"],
            *(
                ">unconfirmed<" not in client.get(f"/river/delegates/{page}").content.decode()
                for page in ("", f"{other}/")
            ),
            not in_words(DaoView(made.dao), member(DaoView(made.dao), account(1))).sentences[0].startswith("One node"),
        ]

    assert told() == [False, True, False, True, False, False, True, False]
    mark.delete()
    assert told() == [True] * 8


def test_an_account_of_no_power_has_a_page_that_says_so(client, made):
    shown = page(client, 77)
    assert "Has no voting power now." in shown
    assert "Nobody delegates to this account." in shown
    assert client.get("/river/delegates/0x12/").status_code == 404
    lower = "0x" + account(0xABCDEF).hex()
    assert client.get(f"/river/delegates/{lower}/").headers["Location"].endswith(f"{address_text(account(0xABCDEF))}/")


@pytest.mark.django_db
def test_a_large_delegate_takes_as_many_queries_as_a_small_one(made):
    def queries():
        with CaptureQueriesContext(
            connection,
        ) as seen:
            profile(DaoView(made.dao), account(3))
        return len(seen)

    made.power(3, UNIT)
    made.vote(made.proposal(7), 3)
    small = queries()
    for number in range(8, 20):
        made.vote(made.proposal(number), 3)
        made.power(3, number * UNIT, delegator=number)
    assert queries() == small


@pytest.mark.django_db
def test_power_is_drawn_as_steps_to_the_end(made):
    made.power(3, 10 * UNIT)
    made.power(3, 5 * UNIT, delegator=4)
    place = DaoView(made.dao)
    drawn = drawing(place, profile(place, account(3)))
    assert drawn.path.startswith("M0 100H0V5")
    assert drawn.path.endswith("H1000")
    assert "5 MAND since" in drawn.text
    assert drawing(place, profile(place, account(77))) is None


@pytest.mark.django_db
def test_hostile_words_stay_words(client, made):
    made.power(3, UNIT)
    voted = made.proposal(7, description="# <script>alert(1)</script> \u202egnp.exe", deadline=NOW - 1)
    made.vote(voted, 3, reason="<img src=x onerror=alert(2)>" + "A" * 9_000)
    shown = client.get(f"/river/delegates/{address_text(account(3))}/").content.decode()
    assert "<script>alert" not in shown
    assert "<img src=x" not in shown
    assert "A" * 2_001 not in shown
