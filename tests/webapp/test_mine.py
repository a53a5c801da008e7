# SPDX-License-Identifier: Apache-2.0
"""A member reads its own power, whose it is and what it did, first; and what is not known is not told as nothing."""

import pytest

from presentation.words import address_text
from tests.webapp.conftest import DAY, NOW, UNIT, account


@pytest.fixture
def by_time(made):
    """The DAO of rows, with the clocks of governor and token known to be one."""
    made.contracts["votes_token"].capabilities["clock"] = "timestamp"
    made.contracts["votes_token"].save()
    return made


def lines(client, who, *numbers):
    asked = ",".join(map(str, numbers))
    answer = client.get(f"/api/v1/daos/river/members/{address_text(account(who))}?proposals={asked}")
    assert answer.status_code == 200, answer.content
    return answer.json(), {one["id"]: one["words"] for one in answer.json()["proposals"]}


def test_beside_each_proposal_stands_what_the_account_did(client, by_time):
    voted, open_, unknown, over = (by_time.proposal(n) for n in (7, 8, 9, 10))
    by_time.power(3, 5 * UNIT)
    by_time.vote(voted, 3, 0, 5 * UNIT)
    over.deadline = NOW - 1
    over.save()
    unknown.snapshot = NOW - 2 * DAY  # before its first power was read
    unknown.save()
    told, words = lines(client, 3, 7, open_.proposal_id, 9, 10, 999)
    assert told["lead"] == "You vote with 5 MAND now."
    assert told["delegation"] == "Your own tokens vote with you."
    assert words == {
        "7": "You voted Against with 5 MAND.",
        "8": "You vote with 5 MAND. No vote of yours was read yet.",
        "9": "No voting power of yours at its snapshot was read.",
        "10": "",
    }
    # The same without JavaScript, on home and in the list.
    for page in ("/river/", "/river/proposals/"):
        text = client.get(f"{page}?account={address_text(account(3))}").content.decode()
        assert "You vote with 5 MAND now." in text
        assert 'data-mine="7">You voted Against with 5 MAND.<' in text
    # Where the vote is over there is no card for it: what the account did stands under the title.
    by_time.vote(over, 3, 1, 5 * UNIT)
    text = client.get(f"/river/proposals/10/?account={address_text(account(3))}").content.decode()
    assert 'data-mine="10">You voted For with 5 MAND.<' in text
    assert "That is no address" in client.get("/river/?account=0x12").content.decode()


def test_power_that_can_not_be_looked_up_is_not_told_as_none(client, made):
    made.proposal(7)
    _told, words = lines(client, 3, 7)
    assert words == {"7": "Your voting power for it is not known here. No vote of yours was read yet."}


def test_who_delegated_is_named_as_of_the_snapshot(client, by_time):
    proposal = by_time.proposal(7, snapshot=NOW - DAY + 3)  # what is read later is after it
    by_time.power(3, 5 * UNIT)
    by_time.power(3, 9 * UNIT, delegator=4)
    seen = client.get(f"/api/v1/daos/river/proposals/7/voters/{address_text(account(3))}").json()
    assert "Delegated to you then by yourself." in seen["sentences"]
    proposal.snapshot = NOW - DAY + 100
    proposal.save()
    seen = client.get(f"/api/v1/daos/river/proposals/7/voters/{address_text(account(3))}").json()
    assert f"Delegated to you then by yourself, {address_text(account(4))}." in seen["sentences"]


@pytest.mark.parametrize("asked", ["x", "7,,٣", ",".join(["1"] * 101), str(2**256)])
def test_what_is_no_list_of_numbers_is_refused(client, made, asked):
    answer = client.get(f"/api/v1/daos/river/members/{address_text(account(3))}?proposals={asked}")
    assert answer.status_code == 422
