# SPDX-License-Identifier: Apache-2.0
"""Delegating by signature against a real chain, its caps, and an account's page as a delegate."""

import html
import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from eth_account import Account
from eth_account.messages import encode_typed_data

from governance.models import OutgoingTransaction
from presentation.dao_view import DaoView
from presentation.words import address_text
from tests.webapp.conftest import NOW, UNIT, account
from webapp.delegates import relay
from webapp.delegates.profile import drawing, profile
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
    assert "None of the newest proposals counts yet" in page(client, 3)


@pytest.mark.django_db
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
    assert "A" * 300 not in shown
