# SPDX-License-Identifier: Apache-2.0
"""Given these rows in the mirror, this is what a member sees, without JavaScript."""

import re

import pytest

from governance.models import OnchainCheck, SyncIncident
from tests.webapp.conftest import DAY, NOW, UNIT, account
from webapp.words import address_text

HOSTILE = (
    "# <script>alert(1)</script> \u202egnp.exe\n\n"
    "[free money](javascript:alert(1)) <img src=x onerror=alert(2)> ![spy](https://evil.test/pixel.png)\n\n"
    '<a href="https://evil.test" onclick="x()">here</a>\n\n[data](data:text/html;base64,xxxx)'
)


def page(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, answer.content[:300]
    return answer.content.decode()


def test_one_dao_is_the_first_page(client, made):
    assert client.get("/").headers["Location"] == "/river/"


def test_no_dao_yet_says_so(client, db):
    assert "None yet" in page(client, "/")


def test_home_shows_what_needs_a_decision(client, made):
    made.vote(made.proposal(7), 3)
    made.act(4, status="scheduled", act_id=b"\x04" * 32, releasable_chain_s=NOW + 3600, expires_chain_s=NOW + DAY)
    made.flow(100_000_000_000)
    made.flow(1_000_000, outgoing=True)
    text = page(client, "/river/")
    assert "Pay ines" in text
    assert "act 4" in text
    assert "99,999 USDC" in text
    assert "the chain could not be asked just now" in text


def test_proposal_page_without_javascript(client, made):
    proposal = made.proposal(7, for_votes=300_000 * UNIT, against_votes=UNIT)
    made.summary(proposal)
    made.vote(proposal, 3, 1, 300_000 * UNIT, "good work")
    OnchainCheck.objects.create(
        dao=made.dao,
        subject="proposal:7:votes",
        block_number=499,
        block_hash=bytes(32),
        chain_says="a",
        mirror_says="a",
        matched=True,
    )
    text = page(client, "/river/proposals/7/")
    for expected in (
        "It pays ines.", "Pay 5 USDC.", "Transfers 5 USDC", "small-model", "demo model", "300,000 MAND", "good work",
        "transfer", "1 day left to vote", "Tally: checked against the chain at block 499",
        "State: not checked against the chain yet", address_text(account(3)), "reached",
    ):  # fmt: skip
        assert expected in text, expected
    assert "noscript" in text


def test_an_abstention_is_shown_as_one(client, made):
    made.summary(made.proposal(7), status="abstained", sentences=[], reason="nothing survived the source checks")
    text = page(client, "/river/proposals/7/")
    assert "The model abstained." in text
    assert "Transfers 5 USDC" in text


def test_a_reorg_that_took_a_vote_is_told(client, made):
    made.proposal(7)
    made.proposal(8)
    SyncIncident.objects.create(
        dao=made.dao,
        kind="reorg",
        detail="The chain replaced 2 blocks",
        facts={"dropped_votes": [{"proposal_id": "7", "voter": address_text(account(3)), "support": 1, "weight": "1"}]},
    )
    assert "reorganisation of the chain removed a vote" in page(client, "/river/proposals/7/")
    assert "reorganisation" not in page(client, "/river/proposals/8/")


@pytest.mark.parametrize("path", ["/river/", "/river/proposals/", "/river/proposals/7/"])
def test_hostile_text_cannot_act(client, made, path):
    proposal = made.proposal(7, description=HOSTILE)
    made.vote(proposal, 3, reason="<script>alert(3)</script>\u202e")
    made.summary(
        proposal, sentences=[{"text": "<b>x</b>", "source": {"kind": "span", "id": "s1", "quote": "<img src=y>"}}]
    )
    text = page(client, path)
    assert "<script>alert" not in text
    assert "\u202e" not in text
    assert "[U+202E]" in text
    assert "javascript:" not in re.findall(r'href="([^"]*)"', text)
    assert not re.search(r"<img|onerror=(?!alert\(2\)&gt;)|href=\"(javascript|data):", text)
    assert "&lt;a href=" in text or path != "/river/proposals/7/"


def test_policy_headers(client, made):
    answer = client.get("/river/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    text = answer.content.decode()
    assert not re.search(r"<script(?![^>]*\bsrc=)", text)
    assert " style=" not in text
    assert not re.search(r'(?:src|href)="(?:https?:)?//', text)


def test_the_agent_page_shows_acts_refusals_and_the_stop(client, made):
    made.act(1)
    made.refusal()
    text = page(client, "/river/agent/")
    assert "pays 5 USDC" in text
    assert "at most 5,000 USDC an act" in text
    assert "OverCap" in text
    assert "0x8456cb59" in text  # pause()
    made.contracts["module"].module_state.__class__.objects.update(paused=True)
    assert "The agent is paused." in page(client, "/river/agent/")


def test_delegates(client, made):
    made.power(3, 150_000 * UNIT, delegator=4)
    text = page(client, "/river/delegates/")
    assert address_text(account(3)) in text
    assert address_text(account(4)) in text
    assert "150,000 MAND" in text


def test_power_that_was_delegated_away_is_not_shown(client, made):
    made.power(3, 150_000 * UNIT, delegator=4)
    made.power(5, 150_000 * UNIT, delegator=4)
    rows = client.get("/api/v1/daos/river/delegates").json()
    assert {row["account"]: row["delegators"] for row in rows} == {
        address_text(account(3)): [],
        address_text(account(5)): [address_text(account(4))],
    }


@pytest.mark.parametrize(
    "path",
    ["/river/nowhere/", "/nobody/", "/river/proposals/99/", "/records/zz.json", "/records/" + "0" * 64 + ".json"],
)
def test_what_is_not_there_is_told_in_words(client, made, path):
    answer = client.get(path)
    assert answer.status_code == 404
    assert b"There is no page at this address" in answer.content


def test_local_tools_do_not_exist_elsewhere(client, made):
    assert client.get("/local/").status_code == 403
    answer = client.post("/local/wallet", {"method": "eth_accounts"}, content_type="application/json")
    assert answer.status_code == 403
    assert "local test chain only" in answer.json()["error"]["message"]
    assert "Clock" not in page(client, "/river/")
    assert "unaudited" in page(client, "/river/")


def test_forms_need_their_token(made):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True)
    answer = strict.post("/river/subscribe/", {"email": "a@example.org", "frequency": "daily"})
    assert answer.status_code == 403
    assert b"The form is too old" in answer.content
    assert strict.post("/local/wallet", b"{}", content_type="application/json").status_code == 403


@pytest.mark.parametrize(
    "path", ["/river/", "/river/proposals/", "/river/delegates/", "/river/agent/", "/api/v1/daos/river/proposals"]
)
def test_query_counts_do_not_grow_with_rows(client, made, path, django_assert_max_num_queries):
    def fill(numbers):
        for number in numbers:
            proposal = made.proposal(number)
            made.summary(proposal)
            made.vote(proposal, number)
            made.power(number, UNIT)
            made.act(number)

    def count():
        with django_assert_max_num_queries(40) as seen:
            assert client.get(path).status_code == 200
        return len(seen)

    fill(range(10, 12))
    client.get(path)
    few = count()
    fill(range(20, 32))
    assert count() == few


def test_the_proposal_page_counts_constant_queries(client, made, django_assert_max_num_queries):
    proposal = made.proposal(7)
    made.vote(proposal, 1)
    with django_assert_max_num_queries(25) as few:
        client.get("/river/proposals/7/")
    for voter in range(2, 30):
        made.vote(proposal, voter)
    with django_assert_max_num_queries(25) as many:
        client.get("/river/proposals/7/")
    assert len(few) == len(many)


def test_health(client, db):
    assert client.get("/health").json() == {"status": "ok"}
